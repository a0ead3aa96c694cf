//! A trace: the hops of one flow to one target.
//!
//! Hops are opened in a window of as many as the gap limit beyond the last that
//! answered, so no probe goes further than the gap limit could have asked for;
//! within the window all leave at once. The trace ends at the target, at an
//! unreachable, after a gap, or at the last TTL.

use std::time::Duration;

use probe_common::abi::{Kind, Outcome};

use super::{
    answer::{Answer, ProbeId},
    gate::{Gate, Permit},
    hop::Hop,
    loss,
    plan::TraceOptions,
    report,
    report::Stop,
    session::{Missing, Poll, Session},
    time::Moment,
};

/// Window of hops where there is no gap limit.
const WINDOW: usize = 8;

/// Round of the scout: no hop counts it.
const SCOUT_ROUND: u32 = u32::MAX;

/// A trace under way.
#[derive(Clone, Debug)]
pub struct Trace {
    options: TraceOptions,
    flow: u16,
    timeout: Duration,
    rounds: u32,
    gate: Gate,
    /// From the first TTL on, one for each TTL opened.
    hops: Vec<Hop>,
    /// Why and at which TTL the trace ends, once that is known.
    end: Option<(u8, Stop)>,
    /// Highest TTL that is proven not to reach the target.
    short_of_target: u8,
}

impl Trace {
    /// A trace that sends nothing yet. `scouted`: SYN probes, of which only one
    /// may reach the target at a time.
    pub fn new(options: TraceOptions, flow: u16, timeout: Duration, scouted: bool) -> Self {
        let rounds = options.queries.saturating_mul(options.rounds);
        Self {
            options,
            flow,
            timeout,
            // The highest round number is the scout's.
            rounds: rounds.min(SCOUT_ROUND - 1),
            gate: if scouted {
                Gate::Scout { sent: false }
            } else {
                Gate::Open
            },
            hops: Vec::new(),
            end: None,
            short_of_target: 0,
        }
    }

    /// The hops up to the end of the trace, and why it ended there.
    pub fn report(&self) -> (Stop, u32, Vec<report::Hop>) {
        let last = self.last_ttl();
        let hops: Vec<&Hop> = self.hops.iter().take_while(|hop| hop.ttl <= last).collect();
        let limited = loss::rate_limited(&hops.iter().map(|h| &h.tally).collect::<Vec<_>>());
        let rounds = hops.iter().map(|hop| hop.next_round).max().unwrap_or(0);
        let reports = hops
            .iter()
            .zip(limited)
            .map(|(hop, limited)| report::Hop {
                ttl: hop.ttl,
                sent: hop.tally.sent,
                received: hop.tally.received,
                late: hop.tally.late,
                duplicates: hop.tally.duplicates,
                loss: hop.tally.loss(limited),
                responders: hop.tally.responders(),
                rtt_ns: hop.tally.latency.summary(),
            })
            .collect();
        let stop = self.end.map_or(Stop::Interrupted, |(_, stop)| stop);
        (stop, rounds.div_ceil(self.options.queries.max(1)), reports)
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<super::stamp::Stamp> {
        self.hops.iter().find_map(|hop| hop.tally.latency.stamp())
    }

    fn last_ttl(&self) -> u8 {
        self.end.map_or(self.options.max_ttl, |(ttl, _)| ttl)
    }

    fn hop_mut(&mut self, ttl: u8) -> Option<&mut Hop> {
        let place = ttl.checked_sub(self.options.first_ttl)?;
        self.hops.get_mut(usize::from(place))
    }

    fn poll_scout(&mut self) -> Option<Poll> {
        let Gate::Scout { sent } = &mut self.gate else {
            return None;
        };
        if std::mem::replace(sent, true) {
            return Some(Poll::Idle);
        }
        Some(Poll::Send(ProbeId {
            ttl: self.options.max_ttl,
            flow: self.flow,
            round: SCOUT_ROUND,
        }))
    }

    /// The first open hop whose next probe may leave, or when one may.
    fn poll_hops(&mut self, now: Moment) -> Poll {
        let last = self.last_ttl();
        let mut next = Poll::Idle;
        let mut pending = false;
        for place in 0..self.hops.len() {
            let Some(hop) = self.hops.get(place).filter(|hop| hop.ttl <= last) else {
                break;
            };
            pending |= hop.tally.pending() > 0;
            if !hop.has_more() {
                continue;
            }
            let permit = self.permit(hop.ttl, now);
            let at = match permit {
                Permit::Yes => hop.next_at,
                Permit::At(moment) => moment.max(hop.next_at),
            };
            if at <= now {
                return Poll::Send(self.take(place, now));
            }
            next = earlier(next, at);
        }
        if next == Poll::Idle && !pending && self.end.is_some() {
            return Poll::Done;
        }
        next
    }

    /// Opens the next hop, if the window and the gate allow it.
    fn poll_window(&mut self, now: Moment) -> Option<Poll> {
        let ttl = self
            .hops
            .last()
            .map_or(self.options.first_ttl, |hop| hop.ttl.saturating_add(1));
        if ttl > self.last_ttl() || ttl == u8::MAX || !self.window_has_room() {
            return None;
        }
        match self.permit(ttl, now) {
            Permit::At(moment) => Some(Poll::Wait(moment)),
            Permit::Yes => {
                self.hops.push(Hop::new(ttl, self.rounds, now));
                Some(Poll::Send(self.take(self.hops.len() - 1, now)))
            }
        }
    }

    fn window_has_room(&self) -> bool {
        let behind_last_answer = self
            .hops
            .iter()
            .rev()
            .take_while(|hop| hop.tally.received == 0);
        if self.options.gap_limit == 0 {
            let probes = self.first_round();
            behind_last_answer
                .filter(|hop| !hop.is_silent(probes))
                .count()
                < WINDOW
        } else {
            behind_last_answer.count() < usize::from(self.options.gap_limit)
        }
    }

    /// Probes after which a hop without an answer is taken for silent.
    fn first_round(&self) -> u64 {
        u64::from(self.options.queries.min(self.rounds))
    }

    fn permit(&self, ttl: u8, now: Moment) -> Permit {
        if ttl <= self.short_of_target {
            Permit::Yes
        } else {
            self.gate.permit(now)
        }
    }

    fn take(&mut self, place: usize, now: Moment) -> ProbeId {
        let interval = self.options.interval;
        let mut probe = ProbeId {
            ttl: 0,
            flow: self.flow,
            round: 0,
        };
        if let Some(hop) = self.hops.get_mut(place) {
            probe.ttl = hop.ttl;
            probe.round = hop.next_round;
            hop.next_round += 1;
            hop.tally.sent += 1;
            // A hop that was held up does not catch up in a burst.
            hop.next_at = (hop.next_at + interval).max(now + interval / 2);
        }
        if probe.ttl > self.short_of_target {
            self.gate.pass(probe.ttl, probe.round, now);
        }
        probe
    }

    /// Ends the trace at a gap of silent hops, or at the last TTL.
    fn close_if_silent(&mut self) {
        if self.end.is_some() {
            return;
        }
        let probes = self.first_round();
        let silent = self
            .hops
            .iter()
            .rev()
            .take_while(|hop| hop.is_silent(probes))
            .count();
        let gap = usize::from(self.options.gap_limit);
        let at_last = self.hops.last().map(|hop| hop.ttl) == Some(self.options.max_ttl);
        if gap > 0 && silent >= gap {
            let last = self.hops.last().map_or(self.options.max_ttl, |hop| hop.ttl);
            self.end = Some((last, Stop::GapLimit));
        } else if at_last && self.hops.iter().all(|hop| hop.tally.pending() == 0) {
            self.end = Some((self.options.max_ttl, Stop::MaxTtl));
        }
    }

    /// Notes where a reply says that the path ends.
    fn note_end(&mut self, answer: &Answer) {
        let stop = if answer.kind.reaches_target() {
            Stop::Target
        } else {
            match answer.kind {
                Kind::TimeExceeded => {
                    self.short_of_target = self.short_of_target.max(answer.probe.ttl);
                    return;
                }
                _ => Stop::Unreachable,
            }
        };
        let ttl = answer.probe.ttl;
        let nearer = match self.end {
            Some((end, Stop::Target)) => ttl < end,
            Some((end, Stop::Unreachable)) => ttl < end || (ttl == end && stop == Stop::Target),
            Some((_, Stop::GapLimit | Stop::MaxTtl)) | None => true,
            Some((_, Stop::Interrupted)) => false,
        };
        if nearer {
            self.end = Some((ttl, stop));
        }
    }
}

impl Session for Trace {
    fn poll(&mut self, now: Moment) -> Poll {
        if let Some(poll) = self.poll_scout() {
            return poll;
        }
        self.close_if_silent();
        match self.poll_hops(now) {
            Poll::Send(probe) => Poll::Send(probe),
            Poll::Done => Poll::Done,
            Poll::Idle => self.poll_window(now).unwrap_or(Poll::Idle),
            Poll::Wait(moment) => match self.poll_window(now) {
                Some(Poll::Wait(other)) => Poll::Wait(moment.min(other)),
                Some(poll) => poll,
                None => Poll::Wait(moment),
            },
        }
    }

    fn handle_answer(&mut self, answer: &Answer, now: Moment) {
        let ProbeId { ttl, round, .. } = answer.probe;
        if round == SCOUT_ROUND {
            if matches!(self.gate, Gate::Scout { .. }) {
                let rtt = Duration::from_nanos(answer.rtt_ns);
                self.gate = Gate::after_scout(Some(answer.kind), rtt, self.timeout, now);
            }
            return;
        }
        self.gate.settle(ttl, round, Some(answer.kind), now);
        let Some(hop) = self.hop_mut(ttl).filter(|hop| hop.counts(round)) else {
            return;
        };
        hop.tally.count_answer(answer);
        if answer.outcome == Outcome::Valid {
            self.note_end(answer);
        }
    }

    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, now: Moment) {
        if probe.round == SCOUT_ROUND {
            if matches!(self.gate, Gate::Scout { .. }) {
                self.gate = Gate::after_scout(None, Duration::ZERO, self.timeout, now);
            }
            return;
        }
        self.gate.settle(probe.ttl, probe.round, None, now);
        if let Some(hop) = self
            .hop_mut(probe.ttl)
            .filter(|hop| hop.counts(probe.round))
        {
            hop.tally.count_missing(cause);
        }
    }

    fn handle_ambiguity(&mut self, now: Moment) {
        self.gate = Gate::after_ambiguity(now, self.timeout);
        let short = self.short_of_target;
        let open = self.hops.iter().filter(|hop| hop.ttl <= short).count();
        // The hops beyond are probed again, one at a time.
        for hop in self.hops.iter_mut().skip(open) {
            hop.restart(now);
        }
    }

    fn awaits(&self, probe: ProbeId) -> bool {
        let Some(place) = probe.ttl.checked_sub(self.options.first_ttl) else {
            return false;
        };
        self.hops
            .get(usize::from(place))
            .is_some_and(|hop| probe.ttl > self.short_of_target && hop.counts(probe.round))
    }

    fn stop(&mut self) {
        let last = self
            .hops
            .last()
            .map_or(self.options.first_ttl, |hop| hop.ttl);
        self.end.get_or_insert((last, Stop::Interrupted));
        self.gate = Gate::Open;
        for hop in &mut self.hops {
            hop.stop();
        }
    }
}

fn earlier(poll: Poll, at: Moment) -> Poll {
    match poll {
        Poll::Wait(moment) => Poll::Wait(moment.min(at)),
        _ => Poll::Wait(at),
    }
}
