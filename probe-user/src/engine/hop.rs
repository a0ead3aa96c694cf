//! One hop of a trace: which of its probes have left, and what became of them.

use std::time::Duration;

use probe_common::abi::Outcome;

use super::{
    answer::Answer,
    pace::next_beat,
    report,
    responses::Responses,
    session::Missing,
    tally::Tally,
    time::{Moment, nanoseconds},
};

/// A hop.
#[derive(Clone, Debug)]
pub struct Hop {
    /// TTL or hop limit.
    pub ttl: u8,
    /// What became of its probes.
    pub tally: Tally,
    /// Round of the next probe.
    pub next_round: u32,
    /// When the next probe is due.
    pub next_at: Moment,
    /// Rounds before this one do not count any more.
    from: u32,
    /// Rounds that are to be sent end before this one.
    until: u32,
    responses: Responses,
    /// Probes are so far apart since it was found to be limited.
    slowed: Option<Slowed>,
}

/// A hop that is probed less often than asked for.
#[derive(Clone, Copy, Debug)]
struct Slowed {
    interval: Duration,
    /// When its last round would have been due; rounds that did not fit are left out.
    /// `None`: all are sent.
    end: Option<Moment>,
}

impl Hop {
    /// A hop that is to get `rounds` probes from `now` on.
    pub fn new(ttl: u8, rounds: u32, now: Moment) -> Self {
        Self {
            ttl,
            tally: Tally::default(),
            next_round: 0,
            next_at: now,
            from: 0,
            until: rounds,
            responses: Responses::with_limits(),
            slowed: None,
        }
    }

    /// Whether probes are left to be sent.
    pub fn has_more(&self) -> bool {
        let end = self.slowed.and_then(|slowed| slowed.end);
        self.next_round < self.until && end.is_none_or(|end| self.next_at < end)
    }

    /// Takes the next round, which leaves now.
    pub fn take(&mut self, now: Moment, interval: Duration) -> u32 {
        let round = self.next_round;
        self.next_round += 1;
        self.tally.sent += 1;
        self.responses.open(round);
        let interval = self.slowed.map_or(interval, |slowed| slowed.interval);
        self.next_at = next_beat(self.next_at, now, interval);
        round
    }

    /// Probes it no more often than the limit allows that its replies show, if they do.
    /// Rounds that it gets no probe in are left out, so that the trace takes no longer;
    /// without an `interval` there are none.
    pub fn respect_limit(&mut self, interval: Duration) {
        let Some(respectful) = self.responses.respectful_interval() else {
            return;
        };
        if self.tally.is_mostly_late() {
            return;
        }
        let end = match self.slowed {
            Some(slowed) => slowed.end,
            None if interval.is_zero() => None,
            None => Some(self.next_at + interval * self.until.saturating_sub(self.next_round)),
        };
        if self.slowed.is_none() {
            // The bucket is empty now.
            self.next_at = self.next_at + respectful;
        }
        self.slowed = Some(Slowed {
            interval: respectful.max(interval),
            end,
        });
    }

    /// Counts a reply to a probe that counts.
    pub fn count_answer(&mut self, answer: &Answer, now: Moment) {
        self.tally.count_answer(answer);
        if answer.outcome == Outcome::Valid {
            self.settle(answer.probe.round, Some(Some(answer.arrived)), now, now);
        }
    }

    /// Counts a probe whose time is up; that may be taken back before `final_at`.
    pub fn count_missing(&mut self, round: u32, cause: Missing, final_at: Moment, now: Moment) {
        self.tally.count_missing(cause);
        let silence = (cause == Missing::Unanswered).then_some(None);
        self.settle(round, silence, final_at, now);
    }

    /// Takes back that a probe was missing for this cause.
    pub fn take_back(&mut self, round: u32, cause: Missing) {
        self.tally.take_back(cause);
        self.responses.reopen(round);
    }

    /// The limit that its replies look like, if they do.
    pub fn limit(&self) -> Option<report::RateLimit> {
        if self.tally.is_mostly_late() {
            return None;
        }
        let limit = self.responses.limit()?;
        let slowed = self.slowed.map(|slowed| nanoseconds(slowed.interval));
        Some(report::RateLimit {
            interval_ns: slowed,
            ..limit
        })
    }

    /// Bounds of the chance that a probe to it is not answered, 95 %.
    pub fn interval(&self) -> Option<[f64; 2]> {
        self.responses.series().interval()
    }

    fn settle(
        &mut self,
        round: u32,
        arrived: Option<Option<Moment>>,
        final_at: Moment,
        now: Moment,
    ) {
        self.responses.settle(round, arrived, final_at, now);
    }

    /// Whether a probe of this round counts.
    pub fn counts(&self, round: u32) -> bool {
        round >= self.from && round < self.next_round
    }

    /// Whether `probes` have left and none was answered.
    pub fn is_silent(&self, probes: u64) -> bool {
        self.tally.received == 0 && self.tally.pending() == 0 && self.tally.sent >= probes
    }

    /// Sends nothing more.
    pub fn stop(&mut self) {
        self.until = self.until.min(self.next_round);
    }

    /// What is told of it, with so many losses explained by its rate limit, which is
    /// this as far as it is known; the chance of loss on the way to it has these bounds.
    pub fn report(
        &self,
        rate_limited: u64,
        limit: Option<report::RateLimit>,
        ci95: Option<[f64; 2]>,
    ) -> report::Hop {
        let loss = self.tally.loss(rate_limited);
        report::Hop {
            ttl: self.ttl,
            sent: self.tally.sent,
            received: self.tally.received,
            late: self.tally.late,
            duplicates: self.tally.duplicates,
            loss: report::Loss { ci95, ..loss },
            causes: self.tally.causes(rate_limited, 0),
            rate_limit: limit.filter(|_| rate_limited > 0),
            responders: self.tally.responders(),
            rtt_ns: self.tally.latency.summary(),
        }
    }

    /// Begins anew: what was sent so far does not count. The interval is kept.
    pub fn restart(&mut self) {
        let rounds = self.until.saturating_sub(self.from);
        self.from = self.next_round;
        self.until = self.from.saturating_add(rounds);
        self.tally = Tally::default();
        self.responses = Responses::with_limits();
        self.slowed = None;
    }
}
