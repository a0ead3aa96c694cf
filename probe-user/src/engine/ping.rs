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
    report::{Bursts, Interval, Loss, Omitted, Reordered},
    sequence::Sequence,
    series::Series,
    session::{Missing, Poll, Session},
    stamp::Stamp,
    tally::Tally,
    time::Moment,
};

/// A ping under way.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Probes in all.
    count: u32,
    ttl: u8,
    next_round: u32,
    beats: Beats,
    /// How long after it was counted a loss may be taken back.
    revocable: Duration,
    stopped: bool,
    flows: Flows,
    /// Rounds before this one do not count unless they were settled by then.
    from: u32,
    /// Rounds that do not count: their answers could not be told apart.
    void: u32,
    tally: Tally,
    /// ICMP errors: answers, but not the target's.
    errors: Option<Box<Tally>>,
    /// Which probes are lost and which are not, until all before them are known.
    outcomes: Sequence<bool>,
    series: Series,
    order: Order,
    /// Kept only where intervals are reported.
    recent: Option<Box<Recent>>,
}

impl Ping {
    /// A ping that begins at `begin`, over `flows`. Probes are given up after `timeout`.
    pub fn new(options: &PingOptions, begin: Moment, flows: Flows, timeout: Duration) -> Self {
        Self {
            count: options.count.unwrap_or(u32::MAX),
            ttl: options.ttl,
            beats: Beats::new(options.interval, begin),
            revocable: timeout + GRACE,
            next_round: 0,
            stopped: false,
            flows,
            from: 0,
            void: 0,
            tally: Tally::default(),
            errors: None,
            outcomes: Sequence::default(),
            series: Series::default(),
            order: Order::default(),
            recent: None,
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

    /// Loss by cause, and how sure its ratio is.
    pub fn loss(&self) -> Loss {
        Loss {
            ci95: self.series().interval(),
            ..self.tally.loss(0)
        }
    }

    /// Bursts of loss, if there was any.
    pub fn bursts(&self) -> Option<Bursts> {
        self.series().bursts()
    }

    /// Replies overtaken by others.
    pub fn reordered(&self) -> Reordered {
        self.order.reordered()
    }

    /// Probes whose time passed before they could be sent.
    pub fn omitted(&self) -> Option<Omitted> {
        self.beats.omitted()
    }

    /// All probes whose outcome is known, in order.
    fn series(&self) -> Series {
        let mut series = self.series.clone();
        self.outcomes.rest().for_each(|lost| series.record(lost));
        series
    }

    /// A probe's outcome: lost or not; `None`: it says nothing of the path.
    fn settle(&mut self, probe: ProbeId, lost: Option<bool>, final_at: Moment, now: Moment) {
        self.outcomes.settle(probe.round, lost, final_at);
        while let Some(lost) = self.outcomes.next(now) {
            self.series.record(lost);
        }
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.tally.latency.stamp()
    }

    fn is_sent_out(&self) -> bool {
        self.stopped || self.next_round >= self.count.saturating_add(self.void)
    }

    fn counts(&self, probe: ProbeId) -> bool {
        probe.round >= self.from
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
        self.next_round += 1;
        self.tally.sent += 1;
        self.outcomes.open(round);
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
        } else if valid {
            // An error is an answer, but not the target's: it counts as
            // unanswered, and apart.
            let errors = self.errors.get_or_insert_default();
            errors.count_answer(answer);
            self.tally.count_missing(Missing::Unanswered);
        }
        if valid {
            self.settle(answer.probe, Some(!reached), now, now);
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
            let lost = (cause == Missing::Unanswered).then_some(true);
            self.settle(probe, lost, now + self.revocable, now);
        }
    }

    fn take_back(&mut self, probe: ProbeId, cause: Missing) {
        if self.counts(probe) {
            self.tally.take_back(cause);
            self.outcomes.reopen(probe.round);
        }
    }

    /// What is under way counts no more, and others go in its place, so that it
    /// can be told apart.
    fn handle_ambiguity(&mut self, age: Duration, now: Moment) {
        if self.flows.part(age, now) {
            let pending = self.tally.pending();
            self.tally.sent -= pending;
            self.void += pending as u32;
            self.outcomes.skip_open();
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
