//! Round-trip times of one hop or target.

use hdrhistogram::Histogram;

use super::{compact::Compact, report::Rtt, stamp::Stamp};

/// Significant decimal digits of the percentiles.
const DIGITS: u8 = 3;

/// Round-trip times that are kept as they are. Most hops never see more, and a
/// histogram takes the room of thousands.
const EXACT: usize = 256;

/// The same, where the percentiles are those of one of very many targets.
const FEW_EXACT: usize = 8;

/// How many times smaller than the least of the first round-trip times one can
/// be and still have all its digits.
const HEADROOM: u64 = 4;

/// Values of a histogram's finest step: 10^3 digits, rounded up to a power of two, twice.
const STEPS: u64 = 2_048;

/// Percentiles with exact moments, of stamps from one source.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    stamp: Option<Stamp>,
    times: Times,
    count: u64,
    min: u64,
    max: u64,
    /// Running mean and sum of squared deviations (Welford, 1962).
    mean: f64,
    deviations: f64,
    last: Option<u64>,
    /// Sum of absolute differences of consecutive round-trip times.
    differences: f64,
    /// Their running average of RFC 3550, section 6.4.1.
    smoothed: f64,
}

/// How exact percentiles are, of more round-trip times than are kept as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Three digits; some 20 to 100 KiB.
    #[default]
    Fine,
    /// 3 %; at most 1 KiB, mostly a quarter of that.
    Compact,
}

/// What percentiles are read from.
#[derive(Clone, Debug)]
enum Times {
    Exact(Vec<u64>, Precision),
    Histogram(Box<Histogram<u32>>),
    Compact(Compact),
}

impl Default for Times {
    fn default() -> Self {
        Self::of(Precision::default())
    }
}

impl Latency {
    /// Without a round-trip time.
    pub fn new(precision: Precision) -> Self {
        Self {
            times: Times::of(precision),
            ..Self::default()
        }
    }

    /// How exact its percentiles are.
    pub fn precision(&self) -> Precision {
        self.times.precision()
    }

    /// What it holds; it begins anew, with the same precision.
    pub fn take(&mut self) -> Self {
        let fresh = Self::new(self.times.precision());
        std::mem::replace(self, fresh)
    }

    /// Records a round-trip time, unless its stamps come from another source
    /// than those before. Returns whether it was recorded.
    pub fn record(&mut self, rtt_ns: u64, stamp: Stamp) -> bool {
        if *self.stamp.get_or_insert(stamp) != stamp {
            return false;
        }
        self.count += 1;
        self.min = if self.count == 1 {
            rtt_ns
        } else {
            self.min.min(rtt_ns)
        };
        self.max = self.max.max(rtt_ns);
        let deviation = rtt_ns as f64 - self.mean;
        self.mean += deviation / self.count as f64;
        self.deviations += deviation * (rtt_ns as f64 - self.mean);
        if let Some(last) = self.last.replace(rtt_ns) {
            let difference = rtt_ns.abs_diff(last) as f64;
            self.differences += difference;
            // D of two packets is what their transits differ by.
            self.smoothed += (difference - self.smoothed) / 16.0;
        }
        self.times.record(rtt_ns);
        true
    }

    /// The source of the stamps, once there is one.
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// What is reported; `None` without a round-trip time.
    pub fn summary(&self) -> Option<Rtt> {
        if self.count == 0 {
            return None;
        }
        let [p50, p90, p99, p999] = self
            .times
            .percentiles([0.5, 0.9, 0.99, 0.999])
            .map(|time| time.clamp(self.min, self.max));
        Some(Rtt {
            count: self.count,
            min: self.min,
            mean: self.mean.round() as u64,
            stddev: self.standard_deviation().round() as u64,
            p50,
            p90,
            p99,
            p999,
            max: self.max,
            jitter: self.jitter().round() as u64,
            jitter_rfc3550: self.smoothed.round() as u64,
        })
    }

    /// Of the population, as ping(8) has it.
    fn standard_deviation(&self) -> f64 {
        (self.deviations / self.count.max(1) as f64).sqrt()
    }

    fn jitter(&self) -> f64 {
        self.differences / self.count.saturating_sub(1).max(1) as f64
    }
}

impl Times {
    fn of(precision: Precision) -> Self {
        Self::Exact(Vec::new(), precision)
    }

    fn precision(&self) -> Precision {
        match self {
            Self::Exact(_, precision) => *precision,
            Self::Histogram(_) => Precision::Fine,
            Self::Compact(_) => Precision::Compact,
        }
    }

    fn record(&mut self, time: u64) {
        match self {
            Self::Exact(times, Precision::Fine) => {
                times.push(time);
                if times.len() > EXACT
                    && let Some(histogram) = histogram_of(times)
                {
                    *self = Self::Histogram(Box::new(histogram));
                }
            }
            Self::Exact(times, Precision::Compact) if times.len() < FEW_EXACT => {
                // Room that grows leaves gaps, a hundred thousand times.
                if times.is_empty() {
                    times.reserve_exact(FEW_EXACT);
                }
                times.push(time);
            }
            Self::Exact(times, Precision::Compact) => {
                let mut histogram = Compact::default();
                times.iter().for_each(|time| histogram.record(*time));
                histogram.record(time);
                *self = Self::Compact(histogram);
            }
            Self::Compact(histogram) => histogram.record(time),
            // It grows as it must: only for want of memory it could not.
            Self::Histogram(histogram) => drop(histogram.record(time)),
        }
    }

    /// The least time that such a share of all times does not exceed.
    fn percentiles<const N: usize>(&self, shares: [f64; N]) -> [u64; N] {
        match self {
            Self::Exact(times, _) => {
                let mut sorted = times.clone();
                sorted.sort_unstable();
                shares.map(|share| {
                    let rank = (share * sorted.len() as f64).ceil() as usize;
                    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
                })
            }
            Self::Histogram(histogram) => shares.map(|share| histogram.value_at_quantile(share)),
            Self::Compact(histogram) => histogram.quantiles(shares),
        }
    }
}

/// A histogram that is no finer than these times need: each power of two below
/// them would cost as much as one between them.
fn histogram_of(times: &[u64]) -> Option<Histogram<u32>> {
    let least = times.iter().copied().min().unwrap_or_default();
    let finest = (least / (STEPS * HEADROOM)).max(1);
    let mut histogram = Histogram::new_with_bounds(finest, finest * 2, DIGITS).ok()?;
    histogram.auto(true);
    for time in times {
        histogram.record(*time).ok()?;
    }
    Some(histogram)
}

#[cfg(test)]
mod tests {
    use probe_common::abi::TxSource;
    use proptest::prelude::*;

    use super::*;
    use crate::engine::stamp::RxHook;

    const STAMP: Stamp = Stamp {
        tx: TxSource::Tcx,
        rx: RxHook::Tcx,
    };

    fn recorded(times: &[u64]) -> Rtt {
        recorded_by(Precision::Fine, times)
    }

    fn recorded_by(precision: Precision, times: &[u64]) -> Rtt {
        let mut latency = Latency::new(precision);
        for time in times {
            assert!(latency.record(*time, STAMP));
        }
        latency.summary().expect("recorded")
    }

    #[test]
    fn moments_are_those_of_the_formulas() {
        let rtt = recorded(&[5_000, 7_000, 6_000, 30_000]);
        assert_eq!(
            (rtt.count, rtt.min, rtt.max, rtt.mean),
            (4, 5_000, 30_000, 12_000)
        );
        // sqrt((7000² + 5000² + 6000² + 18000²) / 4)
        assert_eq!(rtt.stddev, 10_416);
        // (2000 + 1000 + 24000) / 3
        assert_eq!(rtt.jitter, 9_000);
        // ((2000 / 16) × 15/16 + 1000 / 16) × 15/16 + 24000 / 16
        assert_eq!(rtt.jitter_rfc3550, 1_668);
    }

    /// Times around a base with a tail, as networks have them; some far below.
    fn times() -> impl Strategy<Value = Vec<u64>> {
        let scales = prop::sample::select(vec![2_000u64, 300_000, 40_000_000, 2_000_000_000]);
        (scales, 1usize..3_000).prop_flat_map(|(base, count)| {
            let time = prop_oneof![
                90 => base..base + base / 4,
                9 => base..base * 20,
                1 => 1..base,
            ];
            prop::collection::vec(time, count)
        })
    }

    fn close(got: u64, exact: f64) -> bool {
        (got as f64 - exact).abs() <= 0.5 + exact * 1e-9
    }

    proptest! {
        #[test]
        fn all_figures_are_those_of_the_definitions(times in times()) {
            let rtt = recorded(&times);
            let n = times.len() as f64;
            let mean = times.iter().map(|t| *t as f64).sum::<f64>() / n;
            let variance = times.iter().map(|t| (*t as f64 - mean).powi(2)).sum::<f64>() / n;
            let differences = times.windows(2).map(|w| w[0].abs_diff(w[1]) as f64).sum::<f64>();
            prop_assert_eq!(rtt.count, times.len() as u64);
            prop_assert_eq!(Some(&rtt.min), times.iter().min());
            prop_assert_eq!(Some(&rtt.max), times.iter().max());
            prop_assert!(close(rtt.mean, mean));
            prop_assert!(close(rtt.stddev, variance.sqrt()));
            prop_assert!(close(rtt.jitter, differences / (n - 1.0).max(1.0)));
            // The recursion of RFC 3550 written out: each difference counts a sixteenth,
            // and fades by as much with each that follows.
            let smoothed = times.windows(2).rev().enumerate().map(|(age, w)| {
                w[0].abs_diff(w[1]) as f64 / 16.0 * (15.0f64 / 16.0).powi(age as i32)
            });
            prop_assert!(close(rtt.jitter_rfc3550, smoothed.sum::<f64>()));
        }

        #[test]
        fn percentiles_are_exact_to_three_digits(times in times()) {
            let rtt = recorded(&times);
            let mut sorted = times;
            sorted.sort_unstable();
            let usual = sorted[sorted.len() / 2] / 20;
            for (share, got) in [(0.5, rtt.p50), (0.9, rtt.p90), (0.99, rtt.p99), (0.999, rtt.p999)] {
                let exact = sorted[((share * sorted.len() as f64).ceil() as usize).max(1) - 1];
                prop_assume!(exact >= usual);
                prop_assert!(got.abs_diff(exact) <= exact / 1_000 + 1, "p{}: {} for {}", share, got, exact);
            }
        }
    }

    proptest! {
        #[test]
        fn compact_figures_are_the_same_but_for_percentiles_to_three_percent(times in times()) {
            let (fine, compact) = (recorded(&times), recorded_by(Precision::Compact, &times));
            let mut sorted = times;
            sorted.sort_unstable();
            let got = [compact.p50, compact.p90, compact.p99, compact.p999];
            for (share, got) in [0.5, 0.9, 0.99, 0.999].into_iter().zip(got) {
                let exact = sorted[((share * sorted.len() as f64).ceil() as usize).max(1) - 1];
                let most = if sorted.len() > FEW_EXACT { exact * 3 / 100 + 64 } else { 0 };
                prop_assert!(got.abs_diff(exact) <= most, "p{}: {} for {}", share, got, exact);
            }
            let Rtt { p50, p90, p99, p999, .. } = fine;
            prop_assert_eq!(Rtt { p50, p90, p99, p999, ..compact }, fine);
        }
    }

    #[test]
    fn what_is_taken_leaves_the_same_precision() {
        for precision in [Precision::Fine, Precision::Compact] {
            let mut latency = Latency::new(precision);
            (0..1_000).for_each(|time| assert!(latency.record(1_000 + time, STAMP)));
            assert_eq!(latency.take().summary().expect("recorded").count, 1_000);
            assert_eq!((latency.count, latency.times.precision()), (0, precision));
        }
    }

    #[test]
    fn a_hop_of_few_probes_takes_little_room() {
        let mut latency = Latency::default();
        for time in 0..EXACT as u64 {
            latency.record(10_000_000 + time, STAMP);
        }
        assert!(matches!(latency.times, Times::Exact(..)));
    }

    #[test]
    fn a_hop_of_many_probes_takes_a_bounded_room() {
        let mut latency = Latency::default();
        for time in 0..100_000u64 {
            latency.record(10_000_000 + time % 50_000_000, STAMP);
        }
        let Times::Histogram(histogram) = &latency.times else {
            panic!("so many times are kept one by one");
        };
        assert!(histogram.distinct_values() <= 8 * STEPS as usize);
    }

    #[test]
    fn stamps_of_different_sources_do_not_mix() {
        let mut latency = Latency::default();
        assert!(latency.record(1_000, STAMP));
        let other = Stamp {
            rx: RxHook::XdpNative,
            ..STAMP
        };
        assert!(!latency.record(9_000, other));
        assert_eq!(latency.summary().expect("recorded").count, 1);
    }
}
