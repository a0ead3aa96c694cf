//! A rate limit whose tokens come many at once, at ticks.
//!
//! Linux fills the bucket of all its ICMP errors (`icmp_msgs_per_sec`) only once it is
//! empty, and no sooner than a fiftieth of a second after the last time; an error takes
//! none, one or two tokens, as chance will (`icmp_global_allow`, `icmp_global_consume` in
//! net/ipv4/icmp.c). Such replies lie on no line over time. But after silence they come
//! back at ticks, which losses at random do not know.

use std::time::Duration;

use super::time::{Moment, nanoseconds};

/// Between two returns: less is no tick, more is several. A fiftieth of a second, by a
/// clock of 4 ms or less; and the next probe comes later.
const SHORTEST: Duration = Duration::from_millis(18);
const LONGEST: Duration = Duration::from_millis(28);

/// Returns that it takes to see ticks.
const LEAST: u64 = 20;

/// Mean time between two probes up to which losses at random would end sooner.
const DENSE: Duration = Duration::from_millis(6);

/// Replies that it takes to know the rate to 5 %: each takes a token, give or take
/// `sqrt(2/3)`.
const LEAST_REPLIES: u64 = 270;

/// When replies came back after silence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ticks {
    first: Option<Return>,
    last: Option<Return>,
    gaps: u64,
    early: u64,
    single: u64,
}

/// A reply after silence.
#[derive(Clone, Copy, Debug)]
struct Return {
    at: Moment,
    /// Probes and replies before it.
    probes: u64,
    replies: u64,
}

impl Ticks {
    /// A reply after silence, with the probes and replies before it.
    pub(super) fn add(&mut self, at: Moment, probes: u64, replies: u64) {
        let now = Return {
            at,
            probes,
            replies,
        };
        self.first.get_or_insert(now);
        if let Some(last) = self.last.replace(now) {
            let gap = at.since(last.at);
            self.gaps += 1;
            self.early += u64::from(gap < SHORTEST);
            self.single += u64::from((SHORTEST..=LONGEST).contains(&gap));
        }
    }

    /// Tokens a second, if replies came at ticks.
    pub(super) fn rate(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let (probes, replies) = (last.probes - first.probes, last.replies - first.replies);
        let span = nanoseconds(last.at.since(first.at));
        // One in fifty may be late by what held the host up.
        let at_ticks = self.early * 50 <= self.gaps && self.single * 2 >= self.gaps;
        let enough = self.gaps >= LEAST && replies >= LEAST_REPLIES;
        let dense = span <= nanoseconds(DENSE).saturating_mul(probes);
        (at_ticks && enough && dense).then(|| replies as f64 * 1e9 / span as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bucket::Bucket;

    /// Milliseconds of a tick of the kernel's clock.
    const JIFFY: u64 = 4;

    /// The bucket of Linux, by milliseconds.
    struct Linux {
        per_second: u64,
        burst: i64,
        credit: i64,
        stamp: u64,
    }

    impl Linux {
        fn new(per_second: u64, burst: i64) -> Self {
            Self {
                per_second,
                burst,
                credit: burst,
                stamp: 0,
            }
        }

        fn answers(&mut self, now_ms: f64, rng: &mut fastrand::Rng) -> bool {
            let allowed = self.credit > 0 || self.is_filled(now_ms as u64 / JIFFY);
            if allowed {
                self.credit -= rng.i64(0..3);
            }
            allowed
        }

        fn is_filled(&mut self, now: u64) -> bool {
            let hertz = 1_000 / JIFFY;
            let delta = (now - self.stamp).min(hertz);
            let more = self.per_second * delta / hertz;
            if delta < hertz / 50 || more == 0 {
                return false;
            }
            self.stamp = now;
            self.credit = (self.credit + more as i64).min(self.burst);
            true
        }
    }

    fn bucket(replies: impl Iterator<Item = Option<f64>>) -> Bucket {
        let mut bucket = Bucket::default();
        for reply in replies {
            let at = reply.map(|ms| Moment(1_000) + Duration::from_secs_f64(ms / 1e3));
            bucket.record(at);
        }
        bucket
    }

    #[test]
    fn the_rate_of_linux_is_found() {
        let mut rng = fastrand::Rng::with_seed(3);
        for (per_second, burst, gap_ms, probes) in [
            (1_000, 50, 0.5, 6_000),
            (1_000, 50, 0.2, 10_000),
            (100, 10, 5.0, 1_000),
            (100, 50, 2.0, 3_000),
            (250, 20, 2.0, 2_000),
        ] {
            for _ in 0..20 {
                let mut linux = Linux::new(per_second, burst);
                let begin = 10_000.0 + rng.f64() * 20.0;
                let replies: Vec<_> = (0..probes)
                    .map(|n| begin + f64::from(n) * gap_ms)
                    .map(|now| linux.answers(now, &mut rng).then_some(now))
                    .collect();
                let from = replies.iter().position(Option::is_none).expect("silence");
                let count = replies[from..].iter().flatten().count() as f64;
                let span = f64::from(probes) * gap_ms - from as f64 * gap_ms;
                let limit = bucket(replies.into_iter()).limit();
                let found = limit.expect("a limit").per_second;
                let error = found / (count * 1e3 / span) - 1.0;
                assert!(error.abs() < 0.03, "{found}, not {count} in {span} ms");
                // Whole tokens at each tick, and one for nothing: not what is configured.
                let error = found / per_second as f64 - 1.0;
                assert!(error.abs() < 0.25, "{found} of {per_second}");
            }
        }
    }

    #[test]
    fn losses_at_random_and_in_bursts_have_no_ticks() {
        let mut rng = fastrand::Rng::with_seed(5);
        for gap_ms in [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0] {
            for stay in [0.0, 0.5, 0.9, 0.97] {
                for share in [0.2, 0.5, 0.8, 0.97] {
                    let mut answers = true;
                    let replies = (0..5_000).map(|n| {
                        if rng.f64() >= stay {
                            answers = rng.f64() < share;
                        }
                        answers.then_some(f64::from(n) * gap_ms)
                    });
                    let limit = bucket(replies).limit();
                    assert_eq!(limit, None, "{gap_ms} ms, {stay}, {share}");
                }
            }
        }
    }
}
