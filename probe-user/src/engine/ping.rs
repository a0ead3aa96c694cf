//! A ping: one target, again and again.

use std::time::Duration;

use probe_common::abi::Outcome;

use super::{
    answer::{Answer, ProbeId},
    beats::Beats,
    flight::GRACE,
    flows::Flows,
    latency::Precision,
    order::Order,
    plan::PingOptions,
    recent::Recent,
    report::{Bursts, Causes, Interval, Loss, Omitted, RateLimit, Reordered},
    responses::Responses,
    session::{Missing, Poll, Session},
    stamp::Stamp,
    tally::{Tally, is_icmp_error},
    time::{Moment, nanoseconds},
};

/// A ping under way.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Probes still to be sent; `None`: without end.
    left: Option<u64>,
    ttl: u8,
    /// Begins again at 0 after four billion.
    next_round: u32,
    beats: Beats,
    /// How long after it was counted a loss may be taken back.
    revocable: Duration,
    stopped: bool,
    flows: Flows,
    /// Rounds before this one do not count unless they were settled by then.
    from: u32,
    tally: Tally,
    /// ICMP errors: answers, but not the target's.
    errors: Option<Box<Tally>>,
    /// Which probes are lost and which are not, until all before them are known.
    responses: Responses,
    order: Order,
    /// Kept only where intervals are reported.
    recent: Option<Box<Recent>>,
    /// Whether the target answers by ICMP errors.
    answers_by_errors: bool,
    /// Whether probes are slowed down to the limit that is found.
    respects_limits: bool,
}

/// Rounds are compared by their distance, round about: what is further back than this
/// cannot be under way any more.
const MOST_UNDER_WAY: u32 = 1 << 30;

impl Ping {
    /// A ping that begins at `begin`, over `flows`. Probes are given up after `timeout`.
    pub fn new(options: &PingOptions, begin: Moment, flows: Flows, timeout: Duration) -> Self {
        Self {
            left: options.count.map(u64::from),
            ttl: options.ttl,
            beats: Beats::new(options.interval, begin),
            revocable: timeout + GRACE,
            next_round: options.first_round,
            stopped: false,
            flows,
            from: options.first_round,
            tally: Tally::default(),
            errors: None,
            responses: Responses::default(),
            order: Order::default(),
            recent: None,
            answers_by_errors: false,
            respects_limits: options.respect_limits,
        }
    }

    /// Keeps percentiles of this precision.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.tally = Tally::new(precision);
        self
    }

    /// Keeps the figures of intervals too, the first of which begins at `now`.
    #[must_use]
    pub fn with_intervals(mut self, now: Moment) -> Self {
        self.recent = Some(Box::new(Recent::new(now, self.tally.latency.precision())));
        self
    }

    /// Looks for the limit by which the target answers.
    #[must_use]
    pub fn with_limits(mut self) -> Self {
        self.responses = Responses::with_limits();
        self
    }

    /// The interval that ends now, if they are kept.
    pub fn close_interval(&mut self, now: Moment) -> Option<Interval> {
        let recent = self.recent.as_mut()?;
        Some(recent.close(&self.tally, now))
    }

    /// What became of the probes.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// ICMP errors among the replies, if there were any.
    pub fn errors(&self) -> Option<&Tally> {
        self.errors.as_deref()
    }

    /// Loss by cause, and how sure its ratio is. A limit on ICMP errors that the replies
    /// look like explains it all, and then nothing tells how sure that is.
    pub fn loss(&self) -> Loss {
        let loss = self.tally.loss(self.rate_limited());
        let ci95 = if loss.rate_limited == 0 {
            self.responses.series().interval()
        } else {
            None
        };
        Loss { ci95, ..loss }
    }

    /// Each lost probe by its cause.
    pub fn causes(&self) -> Causes {
        self.tally.causes(self.rate_limited(), self.refused())
    }

    /// Probes that an error answered, be it late.
    fn refused(&self) -> u64 {
        self.errors()
            .map_or(0, |errors| errors.received.saturating_add(errors.late))
    }

    /// The limit that replies look like, if they do: the target's, where it answers by
    /// ICMP errors, or a policer's on the path.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        if self.tally.is_mostly_late() {
            return None;
        }
        let limit = self.responses.limit()?;
        let slowed = self
            .respects_limits
            .then(|| nanoseconds(self.beats.interval()));
        Some(RateLimit {
            interval_ns: slowed,
            ..limit
        })
    }

    fn rate_limited(&self) -> u64 {
        // What else comes only so often has met a policer: that is the path's.
        if !self.answers_by_errors || self.rate_limit().is_none() {
            return 0;
        }
        let explained = self.refused().saturating_add(self.tally.late);
        self.tally.unanswered.saturating_sub(explained)
    }

    /// Bursts of loss, if there was any.
    pub fn bursts(&self) -> Option<Bursts> {
        self.responses.series().bursts()
    }

    /// Replies overtaken by others.
    pub fn reordered(&self) -> Reordered {
        self.order.reordered()
    }

    /// Probes whose time passed before they could be sent.
    pub fn omitted(&self) -> Option<Omitted> {
        self.beats.omitted()
    }

    /// A probe's outcome: when its reply came, if one did; `None`: it says nothing of the
    /// path.
    fn settle(
        &mut self,
        probe: ProbeId,
        arrived: Option<Option<Moment>>,
        final_at: Moment,
        now: Moment,
    ) {
        self.responses.settle(probe.round, arrived, final_at, now);
        // Only replies tell more of a limit.
        if self.respects_limits
            && matches!(arrived, Some(Some(_)))
            && !self.tally.is_mostly_late()
            && let Some(interval) = self.responses.respectful_interval()
        {
            self.beats.slow_down(interval);
        }
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.tally.latency.stamp()
    }

    fn is_sent_out(&self) -> bool {
        self.stopped || self.left == Some(0)
    }

    fn counts(&self, probe: ProbeId) -> bool {
        probe.round.wrapping_sub(self.from) < u32::MAX / 2
    }

    /// Takes the next round.
    fn take_round(&mut self) -> u32 {
        let round = self.next_round;
        self.next_round = round.wrapping_add(1);
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        if self.next_round.wrapping_sub(self.from) > MOST_UNDER_WAY {
            self.from = self.next_round.wrapping_sub(MOST_UNDER_WAY);
        }
        round
    }
}

impl Session for Ping {
    fn poll(&mut self, now: Moment) -> Poll {
        if self.is_sent_out() {
            return if self.tally.pending() == 0 {
                Poll::Done
            } else {
                Poll::Idle
            };
        }
        if self.beats.due() > now {
            return Poll::Wait(self.beats.due());
        }
        let round = self.next_round;
        let flow = match self.flows.choose(round, now) {
            Ok(flow) => flow,
            Err(free_at) => return free_at.map_or(Poll::Idle, Poll::Wait),
        };
        self.take_round();
        self.tally.sent += 1;
        self.responses.open(round);
        self.beats.take(now);
        Poll::Send(ProbeId {
            ttl: self.ttl,
            flow,
            round,
        })
    }

    fn handle_answer(&mut self, answer: &Answer, now: Moment) {
        self.flows.release(answer.probe, Some(answer.kind), now);
        if !self.counts(answer.probe) {
            return;
        }
        let valid = answer.outcome == Outcome::Valid;
        let reached = answer.kind.reaches_target();
        if reached {
            self.tally.count_reply(answer);
        } else if valid || answer.outcome == Outcome::Late {
            // An error is an answer, but not the target's: it counts as
            // unanswered, and apart.
            let errors = self.errors.get_or_insert_default();
            errors.count_answer(answer);
            if valid {
                self.tally.count_missing(Missing::Unanswered);
            }
        }
        if valid {
            self.answers_by_errors |= reached && is_icmp_error(answer.kind);
            let arrived = reached.then_some(answer.arrived);
            self.settle(answer.probe, Some(arrived), now, now);
        }
        if valid && reached {
            self.recent
                .iter_mut()
                .for_each(|recent| recent.record(answer));
            self.order.record(answer.probe.round, answer.arrived);
        }
    }

    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, now: Moment) {
        self.flows.release(probe, None, now);
        if self.counts(probe) {
            self.tally.count_missing(cause);
            let silence = (cause == Missing::Unanswered).then_some(None);
            self.settle(probe, silence, now + self.revocable, now);
        }
    }

    fn take_back(&mut self, probe: ProbeId, cause: Missing) {
        if self.counts(probe) {
            self.tally.take_back(cause);
            self.responses.reopen(probe.round);
        }
    }

    /// What is under way counts no more, and others go in its place, so that it
    /// can be told apart.
    fn handle_ambiguity(&mut self, age: Duration, now: Moment) {
        if self.flows.part(age, now) {
            let pending = self.tally.pending();
            self.tally.sent -= pending;
            if let Some(left) = &mut self.left {
                *left = left.saturating_add(pending);
            }
            self.responses.skip_open();
            self.from = self.next_round;
        }
    }

    fn awaits(&self, probe: ProbeId) -> bool {
        self.counts(probe)
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}
