//! The rate limit of a responder, from when its replies came.
//!
//! A token bucket answers a burst at first, and then as often as tokens come, however
//! often it is asked. Whenever it answers after it did not, one more token has just come:
//! these replies lie on a line over time, whose slope is the rate. How close to a line
//! they must lie, chance decides: losses at random would make a walk around it. Sums
//! only (Welford, 1962): its size does not grow with the number of probes.

use super::{
    report::RateLimit,
    ticks::Ticks,
    time::{Moment, nanoseconds},
};

/// Replies after silence that it takes to see a line.
const LEAST_POINTS: u64 = 8;

/// How many times closer to the line than by chance replies must lie. With this, fewer
/// than one in a hundred runs of losses at random look like a limit.
const CLOSER: f64 = 12.0;

/// Greatest standard error of a rate, as a share of it.
const MOST_ERROR: f64 = 0.05;

/// The replies of a hop, in the order of sending.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// When the first and the last reply before all silence came, and how many did.
    burst: Option<(Moment, Moment)>,
    in_burst: u64,
    /// What came since; most hops are never silent.
    since: Option<Box<SinceSilence>>,
}

/// Probes and replies since a hop was first silent.
#[derive(Clone, Debug, Default)]
struct SinceSilence {
    /// Probes without reply, since the last with one.
    silent: u64,
    longest_silence: u64,
    probes: u64,
    replies: u64,
    /// The same, when the last point was.
    at_point: (u64, u64),
    origin: Option<Moment>,
    line: Line,
    ticks: Ticks,
}

/// Replies over time, and how close to a line they are.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    points: u64,
    mean: [f64; 2],
    /// Sums of squared deviations: of times, of replies; and of their products.
    times: f64,
    replies: f64,
    both: f64,
}

impl Bucket {
    /// The next probe: when its reply came, if one did.
    pub fn record(&mut self, arrived: Option<Moment>) {
        match (&mut self.since, arrived) {
            (Some(since), arrived) => since.record(arrived),
            (none, None) => none.get_or_insert_default().record(None),
            (None, Some(arrived)) => {
                let first = self.burst.map_or(arrived, |(first, _)| first);
                self.burst = Some((first, arrived));
                self.in_burst += 1;
            }
        }
    }

    /// The limit, if replies came as from behind one.
    pub fn limit(&self) -> Option<RateLimit> {
        let since = self.since.as_ref()?;
        let one_by_one = since.rate();
        // A bucket that fills at ticks is filled at the end of the first burst too.
        let burst = one_by_one.and_then(|rate| self.burst_of(rate));
        Some(RateLimit {
            per_second: one_by_one.or_else(|| since.ticks.rate())?,
            burst,
            interval_ns: None,
        })
    }

    /// Tokens that were there at first: replies before the first silence, less what
    /// came meanwhile.
    fn burst_of(&self, rate: f64) -> Option<u64> {
        let (first, last) = self.burst?;
        let refilled = nanoseconds(last.since(first)) as f64 / 1e9 * rate;
        let tokens = (self.in_burst as f64 - refilled - 0.05).ceil();
        Some(tokens.max(1.0) as u64)
    }
}

impl SinceSilence {
    fn record(&mut self, arrived: Option<Moment>) {
        if let Some(arrived) = arrived {
            if self.silent > 0 {
                self.add_point(arrived);
            }
            self.replies += 1;
            self.silent = 0;
        } else {
            self.silent += 1;
        }
        self.probes += 1;
    }

    fn add_point(&mut self, arrived: Moment) {
        let origin = *self.origin.get_or_insert(arrived);
        let time = nanoseconds(arrived.since(origin)) as f64 / 1e9;
        self.line.add(time, self.replies as f64);
        if self.line.points > 1 {
            self.longest_silence = self.longest_silence.max(self.silent);
        }
        self.at_point = (self.probes, self.replies);
        self.ticks.add(arrived, self.probes, self.replies);
    }

    /// Tokens a second, if replies came as from behind a limit.
    fn rate(&self) -> Option<f64> {
        let (probes, replies) = self.at_point;
        if self.line.points < LEAST_POINTS || replies == 0 {
            return None;
        }
        let (rate, error, variance) = self.line.fit()?;
        let share = replies as f64 / probes as f64;
        // A random walk strays from the line through it by a fifteenth of its length
        // times the variance of a step, on average.
        let by_chance = probes as f64 * share * (1.0 - share) / 15.0;
        // Tokens come one by one: silence is not much longer than between two.
        let long = self.longest_silence as f64 > 2.0 / share + 1.0;
        let certain = variance * CLOSER <= by_chance && error <= rate * MOST_ERROR;
        (certain && !long).then_some(rate)
    }
}

impl Line {
    fn add(&mut self, time: f64, replies: f64) {
        self.points += 1;
        let [mean_time, mean_replies] = self.mean;
        let before = [time - mean_time, replies - mean_replies];
        self.mean = [
            mean_time + before[0] / self.points as f64,
            mean_replies + before[1] / self.points as f64,
        ];
        let after = [time - self.mean[0], replies - self.mean[1]];
        self.times += before[0] * after[0];
        self.replies += before[1] * after[1];
        self.both += before[0] * after[1];
    }

    /// Least squares: the slope, its standard error, and the variance around the line.
    fn fit(&self) -> Option<(f64, f64, f64)> {
        if self.times <= 0.0 || self.points < 3 {
            return None;
        }
        let slope = self.both / self.times;
        let rest = (self.replies - slope * self.both).max(0.0);
        let error = (rest / (self.points - 2) as f64 / self.times).sqrt();
        Some((slope, error, rest / self.points as f64))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A token bucket asked `probes` times, each `gap` give or take a share of it.
    struct Asked {
        probes: u32,
        gap: f64,
        wander: f64,
    }

    impl Asked {
        fn replies(&self, rate: f64, burst: f64, rng: &mut fastrand::Rng) -> Vec<Option<f64>> {
            let (mut tokens, mut last) = (burst, 0.0);
            let times =
                (0..self.probes).map(|n| (f64::from(n) + self.wander * rng.f64()) * self.gap);
            let replies = times.map(|time| {
                tokens = burst.min(tokens + (time - last) * rate);
                last = time;
                let answers = tokens >= 1.0;
                tokens -= f64::from(answers);
                answers.then_some(time)
            });
            replies.collect()
        }
    }

    fn bucket(replies: &[Option<f64>]) -> Bucket {
        let mut bucket = Bucket::default();
        for reply in replies {
            bucket.record(reply.map(|time| Moment(1_000) + Duration::from_secs_f64(time)));
        }
        bucket
    }

    const LIMITS: [(u32, f64, f64, u64); 8] = [
        // Linux: one a second to each destination, after six.
        (600, 0.02, 1.0, 6),
        (110, 0.1, 1.0, 6),
        (40, 0.5, 1.0, 6),
        (200, 0.1, 7.0, 10),
        (400, 0.01, 50.0, 20),
        (1_000, 0.01, 90.0, 20),
        (200, 0.1, 3.3, 2),
        (100_000, 0.001, 125.0, 3),
    ];

    #[test]
    fn rate_and_burst_of_a_token_bucket_are_found() {
        let mut rng = fastrand::Rng::with_seed(1);
        for (probes, gap, rate, burst) in LIMITS {
            for wander in [0.0, 0.1] {
                let asked = Asked {
                    probes,
                    gap,
                    wander,
                };
                let replies = asked.replies(rate, burst as f64, &mut rng);
                let limit = bucket(&replies).limit().expect("a limit");
                let error = (limit.per_second / rate - 1.0).abs();
                assert!(error < 0.05, "{limit:?}, not {rate}");
                let found = limit.burst.expect("replies at first");
                assert!(found.abs_diff(burst) <= 1, "{limit:?}, not {burst}");
            }
        }
    }

    /// Least squares over the stored points.
    #[test]
    fn the_rate_is_that_of_the_line_through_the_replies_after_silence() {
        let asked = Asked {
            probes: 200,
            gap: 0.1,
            wander: 0.3,
        };
        let replies = asked.replies(7.0, 10.0, &mut fastrand::Rng::with_seed(4));
        let from = replies.iter().position(Option::is_none).expect("silence");
        let mut points = Vec::new();
        let mut count = 0.0;
        for pair in replies[from..].windows(2) {
            if let (None, Some(time)) = (pair[0], pair[1]) {
                points.push((time, count));
            }
            count += f64::from(pair[1].is_some());
        }
        let n = points.len() as f64;
        let (x, y) = points
            .iter()
            .fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
        let both: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let times: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
        let got = bucket(&replies).limit().expect("a limit").per_second;
        assert!((got - both / times).abs() < 1e-6, "{got}");
    }

    #[test]
    fn losses_at_random_are_no_limit() {
        let mut rng = fastrand::Rng::with_seed(2);
        let (mut called, mut runs) = (0, 0);
        for probes in [20, 50, 100, 200, 500] {
            for share in [0.1, 0.3, 0.5, 0.7, 0.8, 0.95] {
                for _ in 0..100 {
                    let replies: Vec<_> = (0..probes)
                        .map(|n| (rng.f64() < share).then_some(f64::from(n) * 0.1))
                        .collect();
                    called += u32::from(bucket(&replies).limit().is_some());
                    runs += 1;
                }
            }
        }
        assert!(called * 100 < runs, "{called} of {runs}");
    }

    #[test]
    fn a_path_that_comes_and_goes_is_no_limit() {
        let replies: Vec<_> = (0..2_000)
            .map(|n| (n % 100 < 80).then_some(f64::from(n) * 0.1))
            .collect();
        assert_eq!(bucket(&replies).limit(), None);
    }

    #[test]
    fn without_silence_or_with_little_nothing_is_said() {
        assert_eq!(bucket(&[Some(0.0); 100]).limit(), None);
        assert_eq!(bucket(&[None; 100]).limit(), None);
        let asked = Asked {
            probes: 100,
            gap: 0.02,
            wander: 0.0,
        };
        let few = asked.replies(1.0, 6.0, &mut fastrand::Rng::with_seed(1));
        assert_eq!(bucket(&few).limit(), None);
    }
}
