//! One hop of a trace: which of its probes have left, and what became of them.

use std::time::Duration;

use probe_common::abi::Outcome;

use super::{
    answer::Answer, bucket::Bucket, pace::next_beat, report, sequence::Sequence, session::Missing,
    tally::Tally, time::Moment,
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
    /// When the reply to each probe came, until all before it are known.
    arrivals: Sequence<Option<Moment>>,
    bucket: Bucket,
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
            arrivals: Sequence::default(),
            bucket: Bucket::default(),
        }
    }

    /// Whether probes are left to be sent.
    pub fn has_more(&self) -> bool {
        self.next_round < self.until
    }

    /// Takes the next round, which leaves now.
    pub fn take(&mut self, now: Moment, interval: Duration) -> u32 {
        let round = self.next_round;
        self.next_round += 1;
        self.tally.sent += 1;
        self.arrivals.open(round);
        self.next_at = next_beat(self.next_at, now, interval);
        round
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
        self.arrivals.reopen(round);
    }

    /// The limit that its replies look like, if they do.
    pub fn limit(&self) -> Option<report::RateLimit> {
        let mut bucket = self.bucket.clone();
        self.arrivals
            .rest()
            .for_each(|arrived| bucket.record(arrived));
        bucket.limit()
    }

    fn settle(
        &mut self,
        round: u32,
        arrived: Option<Option<Moment>>,
        final_at: Moment,
        now: Moment,
    ) {
        self.arrivals.settle(round, arrived, final_at);
        while let Some(arrived) = self.arrivals.next(now) {
            self.bucket.record(arrived);
        }
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
    /// this as far as it is known.
    pub fn report(&self, rate_limited: u64, limit: Option<report::RateLimit>) -> report::Hop {
        report::Hop {
            ttl: self.ttl,
            sent: self.tally.sent,
            received: self.tally.received,
            late: self.tally.late,
            duplicates: self.tally.duplicates,
            loss: self.tally.loss(rate_limited),
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
        self.arrivals = Sequence::default();
        self.bucket = Bucket::default();
    }
}
