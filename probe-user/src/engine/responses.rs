//! What a responder's replies tell, in the order in which its probes were sent: how sure
//! its loss is, and whether it answers by a limit.

use std::time::Duration;

use super::{bucket::Bucket, report::RateLimit, sequence::Sequence, series::Series, time::Moment};

/// How much of a limit's rate is asked for, where limits are respected: what was fitted is
/// a little wrong, and a bucket that is asked for just its rate stays empty.
const RESPECTFUL: f64 = 0.9;

/// Probes of a responder, from those under way to sums over all.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    /// When the reply to each probe came, if one did, until all before it are known.
    arrivals: Sequence<Option<Moment>>,
    series: Series,
    /// Kept only where limits are looked for.
    bucket: Option<Box<Bucket>>,
}

impl Responses {
    /// None yet, of one whose limit is looked for.
    pub fn with_limits() -> Self {
        Self {
            bucket: Some(Box::default()),
            ..Self::default()
        }
    }

    /// A round is sent.
    pub fn open(&mut self, round: u32) {
        self.arrivals.open(round);
    }

    /// A round's outcome is known: when its reply came, if one did. `None`: it tells
    /// nothing. It may be revoked before `final_at`.
    pub fn settle(
        &mut self,
        round: u32,
        arrived: Option<Option<Moment>>,
        final_at: Moment,
        now: Moment,
    ) {
        self.arrivals.settle(round, arrived, final_at);
        while let Some(arrived) = self.arrivals.next(now) {
            self.series.record(arrived.is_none());
            if let Some(bucket) = &mut self.bucket {
                bucket.record(arrived);
            }
        }
    }

    /// A round's outcome is revoked.
    pub fn reopen(&mut self, round: u32) {
        self.arrivals.reopen(round);
    }

    /// What is under way counts for nothing.
    pub fn skip_open(&mut self) {
        self.arrivals.skip_open();
    }

    /// The limit that all replies look like, if they do.
    pub fn limit(&self) -> Option<RateLimit> {
        let mut bucket = self.bucket.clone()?;
        let rest = self.arrivals.rest();
        rest.for_each(|arrived| bucket.record(arrived));
        bucket.limit()
    }

    /// All probes whose outcome is known, in order.
    pub fn series(&self) -> Series {
        let mut series = self.series.clone();
        let rest = self.arrivals.rest();
        rest.for_each(|arrived| series.record(arrived.is_none()));
        series
    }

    /// The time between two probes that respects the limit.
    pub fn respectful_interval(&self) -> Option<Duration> {
        let rate = self.limit()?.per_second;
        Duration::try_from_secs_f64(1.0 / (RESPECTFUL * rate)).ok()
    }
}
