//! A bound on the rate over all sessions.

use std::time::Duration;

use super::time::Moment;

/// Credit that may be saved up: what a stall leaves unused beyond it is lost,
/// not made up in a burst.
const MAX_CREDIT: Duration = Duration::from_millis(2);

/// A token bucket over time.
#[derive(Clone, Debug)]
pub struct Pace {
    gap: Duration,
    next: Moment,
}

impl Pace {
    /// At most `rate` probes a second; `None`: no bound.
    pub fn new(rate: Option<u64>) -> Self {
        let gap = rate.map_or(Duration::ZERO, |rate| {
            Duration::from_nanos(1_000_000_000 / rate.max(1))
        });
        Self {
            gap,
            next: Moment(0),
        }
    }

    /// Whether a probe may leave; drops credit that is too old.
    pub fn allows(&mut self, now: Moment) -> bool {
        self.next = self.next.max(now - MAX_CREDIT);
        self.next <= now
    }

    /// A probe leaves.
    pub fn take(&mut self) {
        self.next = self.next + self.gap;
    }

    /// When the next probe may leave.
    pub fn next(&self, now: Moment) -> Moment {
        if self.gap.is_zero() { now } else { self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_as_many_probes_as_the_rate() {
        let mut pace = Pace::new(Some(1_000));
        let sent = (0..1_000_000u64)
            .filter(|us| {
                let now = Moment(10_000_000_000 + us * 1_000);
                let allowed = pace.allows(now);
                if allowed {
                    pace.take();
                }
                allowed
            })
            .count();
        assert!((1_000..=1_003).contains(&sent), "{sent}");
    }

    #[test]
    fn a_stall_is_not_made_up() {
        let mut pace = Pace::new(Some(1_000));
        let now = Moment(60_000_000_000);
        let mut burst = 0;
        while pace.allows(now) {
            pace.take();
            burst += 1;
        }
        assert!(burst <= 3, "{burst}");
    }
}
