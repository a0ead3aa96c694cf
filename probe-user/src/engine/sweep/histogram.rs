//! A log-linear histogram of fixed size: 32 steps for each power of two, so that a
//! value is known to 1/32 (3.1 %), from nanoseconds to a minute.

/// Steps for each power of two, as a power of two.
const STEP_BITS: u32 = 5;
const STEPS: u64 = 1 << STEP_BITS;
/// The first value that is too large, nanoseconds (68.7 s): it and all above count as the last.
const LIMIT: u64 = 1 << 36;
const BUCKETS: usize = (STEPS as usize) * (36 - STEP_BITS as usize + 1);

/// Counts of round-trip times, nanoseconds. 8 KiB.
#[derive(Clone, Debug)]
pub struct LogLinear {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for LogLinear {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            total: 0,
        }
    }
}

impl LogLinear {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(bucket(value)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// Values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The middle of the bucket that holds the value which `share` of all do not
    /// exceed; `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((share * self.total as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (index, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank && *count > 0 {
                return Some(middle(index));
            }
        }
        None
    }
}

fn bucket(value: u64) -> usize {
    let value = value.min(LIMIT - 1);
    let shift = value.checked_ilog2().unwrap_or(0).saturating_sub(STEP_BITS);
    (u64::from(shift) * STEPS + (value >> shift)) as usize
}

fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    let first = (bucket - shift * STEPS) << shift;
    first + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_is_known_to_a_thirty_second(value in 0..LIMIT) {
            let known = middle(bucket(value));
            prop_assert!(known.abs_diff(value) <= value / 32 + 1, "{} for {}", known, value);
        }

        #[test]
        fn larger_values_never_stand_in_smaller_buckets(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!((a <= b) <= (bucket(a) <= bucket(b)));
            prop_assert!(bucket(a) < BUCKETS);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(values in prop::collection::vec(1u64..10_000_000, 1..500)) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let (mut whole, mut other) = (LogLinear::default(), LogLinear::default());
            for (place, value) in values.iter().enumerate() {
                if place % 2 == 0 { whole.record(*value) } else { other.record(*value) }
            }
            whole.merge(&other);
            for share in [0.01, 0.5, 0.9, 0.99, 1.0] {
                let exact = sorted[((share * sorted.len() as f64).ceil() as usize).max(1) - 1];
                let got = whole.quantile(share).expect("values");
                prop_assert!(got.abs_diff(exact) <= exact / 32 + 1, "{} for {}", got, exact);
            }
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(LogLinear::default().quantile(0.5), None);
    }
}
