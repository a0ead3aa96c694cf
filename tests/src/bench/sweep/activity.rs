//! When probes came: the time from the first to the last, seen by looking often, and
//! what it cost who sent them.

use std::time::{Duration, Instant};

/// Probes that have come until a moment.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    probes: u64,
    /// Processor time that the sender has had.
    spent: Duration,
}

/// Follows a counter of probes.
#[derive(Debug)]
pub(super) struct Activity {
    last: Look,
    /// The last look before the first probe.
    first: Option<Look>,
    /// The first look after the last probe.
    end: Option<Look>,
}

impl Activity {
    /// Begins with what was counted before.
    pub(super) fn new(at: Instant, probes: u64) -> Self {
        Self {
            last: Look {
                at,
                probes,
                spent: Duration::ZERO,
            },
            first: None,
            end: None,
        }
    }

    /// Takes in what the counter says now, and how much processor time the sender has had.
    pub(super) fn look(&mut self, at: Instant, probes: u64, spent: Duration) {
        let look = Look { at, probes, spent };
        if probes > self.last.probes {
            self.first.get_or_insert(self.last);
            self.end = Some(look);
        }
        self.last = look;
    }

    /// Processor time that the sender had while probes came.
    pub(super) fn spent(&self) -> Duration {
        match (self.first, self.end) {
            (Some(first), Some(end)) => end.spent.saturating_sub(first.spent),
            _ => Duration::ZERO,
        }
    }

    /// How long probes came: too long by no more than two looks are apart.
    pub(super) fn duration(&self) -> Duration {
        match (self.first, self.end) {
            (Some(first), Some(end)) => end.at - first.at,
            _ => Duration::ZERO,
        }
    }

    /// Probes a second.
    pub(super) fn per_second(&self) -> f64 {
        match (self.first, self.end) {
            (Some(first), Some(end)) => {
                (end.probes - first.probes) as f64 / (end.at - first.at).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_before_and_after_does_not_count() {
        let start = Instant::now();
        let mut activity = Activity::new(start, 7);
        let looks = [(1, 7), (2, 7), (3, 107), (4, 207), (5, 307), (9, 307)];
        for (seconds, probes) in looks {
            let after = Duration::from_secs(seconds);
            activity.look(start + after, probes, after / 4);
        }
        assert_eq!(activity.spent(), Duration::from_millis(750));
        assert_eq!(activity.duration(), Duration::from_secs(3));
        assert!((activity.per_second() - 100.0).abs() < 1e-9);
        assert_eq!(Activity::new(start, 7).duration(), Duration::ZERO);
    }
}
