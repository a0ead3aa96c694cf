//! What a ping has found since it last reported.

use super::{
    answer::Answer,
    latency::Latency,
    report::{Interval, Loss},
    tally::Tally,
    time::Moment,
};

/// The figures of an interval. A reply or a loss belongs to that in which it became
/// known.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    begin: Moment,
    before: Counts,
    latency: Latency,
}

/// A tally's counts at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    sent: u64,
    received: u64,
    late: u64,
    duplicates: u64,
    unanswered: u64,
    never_sent: u64,
    by_us: u64,
}

impl Recent {
    pub(super) fn new(begin: Moment) -> Self {
        Self {
            begin,
            before: Counts::default(),
            latency: Latency::default(),
        }
    }

    /// A valid reply of the target.
    pub(super) fn record(&mut self, answer: &Answer) {
        self.latency.record(answer.rtt_ns, answer.stamp);
    }

    /// The interval that ends now; the next begins.
    pub(super) fn close(&mut self, tally: &Tally, now: Moment) -> Interval {
        let counts = Counts::of(tally);
        let new = counts.since(std::mem::replace(&mut self.before, counts));
        let begin = std::mem::replace(&mut self.begin, now);
        let known = new.received + new.unanswered;
        Interval {
            begin_ns: begin.0,
            end_ns: now.0,
            sent: new.sent,
            received: new.received,
            late: new.late,
            duplicates: new.duplicates,
            loss: Loss {
                ratio: new.unanswered as f64 / known.max(1) as f64,
                ci95: None,
                unanswered: new.unanswered,
                never_sent: new.never_sent,
                by_us: new.by_us,
                rate_limited: 0,
            },
            rtt_ns: std::mem::take(&mut self.latency).summary(),
        }
    }
}

impl Counts {
    fn of(tally: &Tally) -> Self {
        Self {
            sent: tally.sent,
            received: tally.received,
            late: tally.late,
            duplicates: tally.duplicates,
            unanswered: tally.unanswered,
            never_sent: tally.never_sent,
            by_us: tally.by_us,
        }
    }

    /// What is taken back leaves nothing, not less.
    fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
            late: self.late.saturating_sub(before.late),
            duplicates: self.duplicates.saturating_sub(before.duplicates),
            unanswered: self.unanswered.saturating_sub(before.unanswered),
            never_sent: self.never_sent.saturating_sub(before.never_sent),
            by_us: self.by_us.saturating_sub(before.by_us),
        }
    }
}
