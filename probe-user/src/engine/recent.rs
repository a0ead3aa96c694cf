//! What a ping has found since it last reported.

use super::{
    answer::Answer,
    latency::{Latency, Precision},
    report::{Interval, Loss, Totals},
    tally::{Tally, ratio},
    time::Moment,
};

/// The figures of an interval. A reply or a loss belongs to that in which it became
/// known.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    begin: Moment,
    before: Totals,
    latency: Latency,
}

impl Recent {
    pub(super) fn new(begin: Moment, precision: Precision) -> Self {
        Self {
            begin,
            before: Totals::default(),
            latency: Latency::new(precision),
        }
    }

    /// A valid reply of the target.
    pub(super) fn record(&mut self, answer: &Answer) {
        self.latency.record(answer.rtt_ns, answer.stamp);
    }

    /// The interval that ends now; the next begins.
    pub(super) fn close(&mut self, tally: &Tally, now: Moment) -> Interval {
        let counts = tally.totals();
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
                ratio: ratio(new.unanswered, known),
                ci95: None,
                unanswered: new.unanswered,
                never_sent: new.never_sent,
                by_us: new.by_us,
                rate_limited: 0,
                pending: 0,
            },
            rtt_ns: self.latency.take().summary(),
        }
    }
}
