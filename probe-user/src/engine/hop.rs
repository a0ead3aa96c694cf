//! One hop of a trace: which of its probes have left, and what became of them.

use std::time::Duration;

use super::{pace::next_beat, report, tally::Tally, time::Moment};

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
        self.next_at = next_beat(self.next_at, now, interval);
        round
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

    /// What is told of it, with so many losses explained by its rate limit.
    pub fn report(&self, rate_limited: u64) -> report::Hop {
        report::Hop {
            ttl: self.ttl,
            sent: self.tally.sent,
            received: self.tally.received,
            late: self.tally.late,
            duplicates: self.tally.duplicates,
            loss: self.tally.loss(rate_limited),
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
    }
}
