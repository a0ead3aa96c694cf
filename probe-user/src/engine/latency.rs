//! Round-trip times of one hop or target.

use hdrhistogram::Histogram;

use super::{report::Rtt, stamp::Stamp};

/// Significant decimal digits of the percentiles.
const DIGITS: u8 = 3;

/// A histogram with exact moments, of stamps from one source.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    stamp: Option<Stamp>,
    histogram: Option<Histogram<u64>>,
    count: u64,
    min: u64,
    max: u64,
    /// Running mean and sum of squared deviations (Welford, 1962).
    mean: f64,
    deviations: f64,
    last: Option<u64>,
    /// Sum and number of absolute differences of consecutive round-trip times.
    differences: f64,
}

impl Latency {
    /// Records a round-trip time, unless its stamps come from another source
    /// than those before. Returns whether it was recorded.
    pub fn record(&mut self, rtt_ns: u64, stamp: Stamp) -> bool {
        if *self.stamp.get_or_insert(stamp) != stamp {
            return false;
        }
        if self.histogram.is_none() {
            self.histogram = Histogram::new(DIGITS).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            // Grows as needed: only an allocation can fail.
            let _ = histogram.record(rtt_ns);
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
            self.differences += rtt_ns.abs_diff(last) as f64;
        }
        true
    }

    /// The source of the stamps, once there is one.
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// What is reported; `None` without a round-trip time.
    pub fn summary(&self) -> Option<Rtt> {
        let histogram = self.histogram.as_ref()?;
        let quantile = |q: f64| histogram.value_at_quantile(q).clamp(self.min, self.max);
        Some(Rtt {
            count: self.count,
            min: self.min,
            mean: self.mean.round() as u64,
            stddev: self.standard_deviation().round() as u64,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: self.max,
            jitter: self.jitter().round() as u64,
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

#[cfg(test)]
mod tests {
    use probe_common::abi::TxSource;

    use super::*;
    use crate::engine::stamp::RxHook;

    const STAMP: Stamp = Stamp {
        tx: TxSource::Tcx,
        rx: RxHook::Tcx,
    };

    #[test]
    fn moments_are_those_of_the_formulas() {
        let times = [5_000u64, 7_000, 6_000, 30_000];
        let mut latency = Latency::default();
        for time in times {
            latency.record(time, STAMP);
        }
        let rtt = latency.summary().expect("recorded");
        assert_eq!(
            (rtt.count, rtt.min, rtt.max, rtt.mean),
            (4, 5_000, 30_000, 12_000)
        );
        // sqrt((7000² + 5000² + 6000² + 18000²) / 4)
        assert_eq!(rtt.stddev, 10_416);
        // (2000 + 1000 + 24000) / 3
        assert_eq!(rtt.jitter, 9_000);
    }

    #[test]
    fn percentiles_are_within_the_stated_precision() {
        let mut latency = Latency::default();
        for time in 1..=10_000u64 {
            latency.record(time * 1_000, STAMP);
        }
        let rtt = latency.summary().expect("recorded");
        for (got, exact) in [
            (rtt.p50, 5_000_000u64),
            (rtt.p90, 9_000_000),
            (rtt.p99, 9_900_000),
        ] {
            assert!(got.abs_diff(exact) <= exact / 1_000, "{got} for {exact}");
        }
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
