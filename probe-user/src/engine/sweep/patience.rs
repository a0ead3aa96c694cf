//! How long a reply is worth waiting for before the next step on its path, by how long
//! those before it took.

use std::time::Duration;

/// Shares of a new figure in the mean and in the mean deviation, as logarithms: an
/// eighth of what RFC 6298 takes, since these replies come from everywhere.
const MEAN_SHIFT: u32 = 6;
const DEVIATION_SHIFT: u32 = 5;

/// Least patience: threads do not look more often.
const LEAST: Duration = Duration::from_millis(1);

/// Running mean and mean deviation of round-trip times, nanoseconds (after RFC 6298,
/// section 2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    mean: i64,
    deviation: i64,
}

impl Patience {
    /// Takes a round-trip time in.
    #[inline]
    pub fn note(&mut self, rtt_ns: u64) {
        let rtt = i64::try_from(rtt_ns)
            .unwrap_or(i64::MAX / 4)
            .min(i64::MAX / 4);
        if self.mean == 0 {
            self.mean = rtt;
            self.deviation = rtt / 2;
            return;
        }
        let error = rtt - self.mean;
        self.mean += error >> MEAN_SHIFT;
        self.deviation += (error.abs() - self.deviation) >> DEVIATION_SHIFT;
    }

    /// Nanoseconds in which nearly all replies come; 0: there was none yet.
    #[inline]
    pub fn bound_ns(&self) -> u64 {
        u64::try_from(self.mean + 4 * self.deviation).unwrap_or(0)
    }
}

/// How long a path waits for its next probe, by the longest of these bounds; while there
/// is none, as long as replies may take at all.
pub fn of(bounds_ns: impl Iterator<Item = u64>, timeout: Duration) -> Duration {
    match bounds_ns.max().unwrap_or(0) {
        0 => timeout,
        bound => Duration::from_nanos(bound).max(LEAST).min(timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn patience(rtts_ms: impl Iterator<Item = u64>) -> Duration {
        let mut patience = Patience::default();
        rtts_ms.for_each(|rtt| patience.note(rtt * 1_000_000));
        of([patience.bound_ns()].into_iter(), TIMEOUT)
    }

    #[test]
    fn without_replies_the_timeout_holds() {
        assert_eq!(of([0, 0].into_iter(), TIMEOUT), TIMEOUT);
    }

    #[test]
    fn nearly_all_replies_come_within_it() {
        let rtts = || (0..100_000u64).map(|n| 5 + n.wrapping_mul(0x9e37_79b9) % 200);
        let bound = patience(rtts()).as_millis() as u64;
        let late = rtts().filter(|rtt| *rtt > bound).count();
        assert!(late < 1_000 && bound < 400, "{bound} ms, {late} late");
    }

    #[test]
    fn it_follows_a_change_and_stays_within_its_bounds() {
        let longer = patience((0..1_000).map(|n| if n < 500 { 10 } else { 100 }));
        assert!(longer >= Duration::from_millis(100));
        assert_eq!(patience((0..1_000).map(|_| 0)), TIMEOUT);
        assert_eq!(patience((0..1_000).map(|_| 5_000)), TIMEOUT);
        let mut short = Patience::default();
        (0..1_000).for_each(|_| short.note(600));
        assert_eq!(of([short.bound_ns()].into_iter(), TIMEOUT), LEAST);
    }
}
