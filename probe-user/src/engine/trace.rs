//! A trace: the hops of one flow to one target.
//!
//! Within the window of open hops all probes leave at once. The trace ends at the
//! target, at an unreachable, after a gap, or at the last TTL.

use std::time::Duration;

use probe_common::abi::{Kind, Outcome, Protocol};

use super::{
    answer::{Answer, ProbeId},
    ending::Ending,
    flight::GRACE,
    gate::{Gate, Permit},
    hop::Hop,
    loss,
    plan::TraceOptions,
    report,
    report::{Middlebox, Stop},
    session::{Missing, Poll, Session},
    stamp::Stamp,
    tells,
    time::Moment,
    window::Window,
    witness::Witness,
};

/// Round of the scout: no hop counts it.
const SCOUT_ROUND: u32 = u32::MAX;

/// Round of the echo request to a target that answers segments.
const WITNESS_ROUND: u32 = SCOUT_ROUND - 1;

/// A trace under way.
#[derive(Clone, Debug)]
pub struct Trace {
    options: TraceOptions,
    flow: u16,
    timeout: Duration,
    /// Whether SYNs are sent: an open port must not see two at a time.
    syn: bool,
    gate: Gate,
    /// Of a trace by segments.
    witness: Option<Witness>,
    window: Window,
    end: Ending,
    stopped: bool,
    /// Highest TTL that is proven not to reach the target.
    short_of_target: u8,
}

impl Trace {
    /// A trace that sends nothing yet. `syn`: probes open connections, of which
    /// only one may reach the target at a time.
    pub fn new(options: TraceOptions, flow: u16, timeout: Duration, syn: bool) -> Self {
        let rounds = options.queries.saturating_mul(options.rounds);
        Self {
            flow,
            timeout,
            syn,
            gate: if syn {
                Gate::Scout { since: None }
            } else {
                Gate::Open
            },
            witness: None,
            // The highest round numbers are not for hops.
            window: Window::new(&options, rounds.min(WITNESS_ROUND - 1)),
            options,
            end: Ending::default(),
            stopped: false,
            short_of_target: 0,
        }
    }

    /// The same of segments: an echo request is to tell whether the target answers them.
    #[must_use]
    pub fn with_witness(self) -> Self {
        Self {
            witness: Some(Witness::default()),
            ..self
        }
    }

    /// What the echo request told.
    pub fn middlebox(&self) -> Option<Middlebox> {
        self.witness.and_then(|witness| witness.report())
    }

    /// Why the trace ended, the rounds done, and the hops up to the end.
    pub fn report(&self) -> (Stop, u32, Vec<report::Hop>) {
        let hops = self.hops();
        let limits: Vec<_> = hops.iter().map(Hop::limit).collect();
        let evidence = hops.iter().zip(&limits);
        let evidence = evidence
            .map(|(hop, limit)| (&hop.tally, limit.is_some() && hop.tally.answers_by_errors()));
        let limited = loss::rate_limited(&evidence.collect::<Vec<_>>());
        let most_probes = hops.iter().map(|hop| hop.tally.sent).max().unwrap_or(0);
        let rounds = most_probes.div_ceil(u64::from(self.options.queries.max(1)));
        let tallies: Vec<_> = hops
            .iter()
            .map(|hop| (&hop.tally, hop.interval()))
            .collect();
        let bounds = loss::bounds(&tallies, &limited);
        let told = limited.into_iter().zip(limits).zip(bounds);
        let reports = hops.iter().zip(told);
        let reports =
            reports.map(|(hop, ((limited, limit), ci95))| hop.report(limited, limit, ci95));
        let mut reports: Vec<_> = reports.collect();
        know_way_to_target(&mut reports);
        (
            self.end.stop(),
            u32::try_from(rounds).unwrap_or(u32::MAX),
            reports,
        )
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<Stamp> {
        let mut stamps = self.hops().iter().map(|hop| hop.tally.latency.stamp());
        stamps.find_map(|stamp| stamp)
    }

    /// The hops up to the end of the trace.
    fn hops(&self) -> &[Hop] {
        self.window.up_to(self.last_ttl())
    }

    fn last_ttl(&self) -> u8 {
        self.end.last_ttl(self.options.max_ttl)
    }

    /// The scout leaves first, and holds all others back for a while.
    fn poll_scout(&mut self, now: Moment) -> Option<Poll> {
        let Gate::Scout { since } = &mut self.gate else {
            return None;
        };
        if since.is_none() {
            *since = Some(now);
            return Some(Poll::Send(ProbeId {
                ttl: self.options.max_ttl,
                flow: self.flow,
                round: SCOUT_ROUND,
            }));
        }
        match self.gate.permit(now) {
            Permit::At(moment) => Some(Poll::Wait(moment)),
            Permit::Yes => {
                self.gate = Gate::Open;
                None
            }
        }
    }

    /// The echo request leaves as soon as it may.
    fn poll_witness(&mut self, now: Moment) -> Option<Poll> {
        let timeout = self.timeout;
        let witness = self.witness.as_mut()?;
        witness.take(timeout, now).then_some(Poll::Send(ProbeId {
            ttl: self.options.max_ttl,
            flow: self.flow,
            round: WITNESS_ROUND,
        }))
    }

    /// The first open hop whose next probe may leave, or when one may.
    fn poll_hops(&mut self, now: Moment) -> Poll {
        let mut next = Poll::Idle;
        let mut pending = false;
        let mut due = None;
        for hop in self.hops() {
            pending |= hop.tally.pending() > 0;
            if !hop.has_more() {
                continue;
            }
            let at = match self.permit(hop.ttl, now) {
                Permit::Yes => hop.next_at,
                Permit::At(moment) => moment.max(hop.next_at),
            };
            if at <= now {
                due = Some(hop.ttl);
                break;
            }
            next = earlier(next, at);
        }
        if let Some(probe) = due.and_then(|ttl| self.take(ttl, now)) {
            return Poll::Send(probe);
        }
        if next == Poll::Idle && !pending && (self.end.is_known() || self.stopped) {
            let awaited = self.witness.and_then(|witness| witness.awaited(now));
            return awaited.map_or(Poll::Done, Poll::Wait);
        }
        next
    }

    /// Opens the next hop, if the window and the gate allow it.
    fn poll_window(&mut self, now: Moment) -> Option<Poll> {
        if self.stopped {
            return None;
        }
        let last = self.last_ttl();
        let ttl = self.window.next_ttl().filter(|ttl| *ttl <= last)?;
        match self.permit(ttl, now) {
            Permit::At(moment) => Some(Poll::Wait(moment)),
            Permit::Yes => {
                self.window.open(ttl, now);
                self.take(ttl, now).map(Poll::Send)
            }
        }
    }

    fn permit(&self, ttl: u8, now: Moment) -> Permit {
        if ttl <= self.short_of_target {
            Permit::Yes
        } else {
            self.gate.permit(now)
        }
    }

    fn take(&mut self, ttl: u8, now: Moment) -> Option<ProbeId> {
        let interval = self.options.interval;
        let round = self.window.hop_mut(ttl)?.take(now, interval);
        if ttl > self.short_of_target {
            self.gate.pass(ttl, round, now);
        }
        Some(ProbeId {
            ttl,
            flow: self.flow,
            round,
        })
    }

    /// Learns from a SYN's answer whether the port is open: then SYNs must not
    /// overlap, and what those under way beyond the known hops bring is void.
    fn learn_port(&mut self, answer: &Answer, now: Moment) {
        if !self.syn || self.stopped || matches!(self.gate, Gate::Serial(_)) {
            return;
        }
        if matches!(answer.kind, Kind::SynAck | Kind::Ack) {
            let rtt = Duration::from_nanos(answer.rtt_ns);
            self.gate = Gate::after_syn_ack(rtt, self.timeout, now);
            self.restart();
        } else if answer.probe.round == SCOUT_ROUND {
            self.gate = Gate::Open;
        }
    }

    /// Forgets what was found beyond the hops that are known to be routers.
    fn restart(&mut self) {
        self.window.restart_beyond(self.short_of_target);
        self.end = Ending::default();
    }

    /// Notes where a valid reply says that the path ends, or that it does not.
    fn note_end(&mut self, answer: &Answer) {
        let ttl = answer.probe.ttl;
        self.end.reopen();
        match answer.kind {
            Kind::TimeExceeded => {}
            kind if kind.reaches_target() => self.end.reached(ttl),
            _ => self.end.unreachable(ttl),
        }
    }
}

impl Session for Trace {
    fn poll(&mut self, now: Moment) -> Poll {
        if let Some(poll) = self.poll_scout(now) {
            return poll;
        }
        if let Some(poll) = self.poll_witness(now) {
            return poll;
        }
        if let Some((ttl, stop)) = self.window.silence()
            && !self.stopped
        {
            self.end.silent(ttl, stop);
        }
        match self.poll_hops(now) {
            Poll::Idle => self.poll_window(now).unwrap_or(Poll::Idle),
            Poll::Wait(moment) => match self.poll_window(now) {
                Some(Poll::Wait(other)) => Poll::Wait(moment.min(other)),
                Some(poll) => poll,
                None => Poll::Wait(moment),
            },
            poll @ (Poll::Send(_) | Poll::Done) => poll,
        }
    }

    fn handle_answer(&mut self, answer: &Answer, now: Moment) {
        let probe = answer.probe;
        if let Some(witness) = &mut self.witness {
            if probe.round == WITNESS_ROUND {
                return witness.note_echo(answer);
            }
            witness.note_segment(answer);
        }
        let valid = answer.outcome == Outcome::Valid;
        if valid && answer.kind == Kind::TimeExceeded {
            self.short_of_target = self.short_of_target.max(probe.ttl);
        }
        self.gate
            .settle(probe.ttl, probe.round, Some(answer.kind), now);
        self.learn_port(answer, now);
        let Some(hop) = self.window.hop_of(probe) else {
            return;
        };
        hop.count_answer(answer, now);
        if self.options.respect_limits && valid {
            hop.respect_limit(self.options.interval);
        }
        if valid {
            self.note_end(answer);
        }
    }

    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, now: Moment) {
        if let Some(witness) = &mut self.witness
            && probe.round == WITNESS_ROUND
        {
            return witness.note_silence();
        }
        if probe.round == SCOUT_ROUND && matches!(self.gate, Gate::Scout { .. }) {
            self.gate = Gate::Open;
        }
        self.gate.settle(probe.ttl, probe.round, None, now);
        if let Some(hop) = self.window.hop_of(probe) {
            let final_at = now + self.timeout + GRACE;
            hop.count_missing(probe.round, cause, final_at, now);
        }
    }

    fn take_back(&mut self, probe: ProbeId, cause: Missing) {
        if let Some(hop) = self.window.hop_of(probe) {
            hop.take_back(probe.round, cause);
        }
    }

    fn handle_ambiguity(&mut self, age: Duration, now: Moment) {
        if self.stopped {
            return;
        }
        self.gate = Gate::after_ambiguity(age, self.timeout, now);
        self.restart();
    }

    fn awaits(&self, probe: ProbeId) -> bool {
        probe.ttl > self.short_of_target
            && self.window.counts(probe)
            && self.gate.awaits(probe.ttl, probe.round)
    }

    fn protocol(&self, probe: ProbeId) -> Option<Protocol> {
        (probe.round == WITNESS_ROUND && self.witness.is_some()).then_some(Protocol::Icmp)
    }

    fn stop(&mut self) {
        self.stopped = true;
        if let Some(witness) = &mut self.witness {
            witness.stop();
        }
        self.gate = Gate::Open;
        self.window.stop();
    }
}

/// A target that answers the TTL after one that ran out at a router is that far.
fn know_way_to_target(hops: &mut [report::Hop]) {
    let mut ran_out = false;
    for hop in hops {
        let is_router = |responder: &report::Responder| responder.kind.is_none();
        let runs_out = hop.responders.iter().any(is_router);
        if ran_out || hop.ttl == 1 {
            let target = hop.responders.iter_mut().filter(|responder| {
                responder.kind.is_some() && responder.tells.quoted_ttl.is_none()
            });
            target.for_each(|target| {
                target.tells = tells::with_way_there(target.tells, hop.ttl);
            });
        }
        ran_out = runs_out;
    }
}

fn earlier(poll: Poll, at: Moment) -> Poll {
    match poll {
        Poll::Wait(moment) => Poll::Wait(moment.min(at)),
        _ => Poll::Wait(at),
    }
}
