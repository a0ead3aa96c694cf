//! A histogram for each of very many targets: only the buckets between the least and the
//! largest value are there, in as few octets as they need.

use super::log_linear::{BUCKETS, bucket, middle};

/// Counts of round-trip times, nanoseconds, in the buckets of [`super::log_linear`]. It
/// takes at most 1 KiB until a bucket holds more than 65,535 values, and twice as much
/// from then on; times within a power of two take 34 octets (68).
#[derive(Clone, Debug, Default)]
pub struct Compact {
    /// The bucket of the first count.
    first: u16,
    counts: Counts,
}

#[derive(Clone, Debug)]
enum Counts {
    Narrow(Vec<u16>),
    /// A bucket that is full stays so: after 4 billion values.
    Wide(Vec<u32>),
}

impl Default for Counts {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Compact {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        let place = self.reach(bucket(value) as u16);
        match &mut self.counts {
            Counts::Narrow(counts) => {
                let Some(count) = counts.get_mut(place) else {
                    return;
                };
                if let Some(more) = count.checked_add(1) {
                    *count = more;
                    return;
                }
                let mut wide: Vec<u32> = counts.iter().map(|count| u32::from(*count)).collect();
                wide.iter_mut()
                    .skip(place)
                    .take(1)
                    .for_each(|count| *count += 1);
                self.counts = Counts::Wide(wide);
            }
            Counts::Wide(counts) => {
                if let Some(count) = counts.get_mut(place) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// For each share, ascending, the middle of the bucket that holds the value which it of
    /// all do not exceed; 0 if there are none.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [u64; N] {
        match &self.counts {
            Counts::Narrow(counts) => self.read(counts, shares),
            Counts::Wide(counts) => self.read(counts, shares),
        }
    }

    fn read<T: Copy + Into<u64>, const N: usize>(
        &self,
        counts: &[T],
        shares: [f64; N],
    ) -> [u64; N] {
        let total: u64 = counts.iter().map(|count| (*count).into()).sum();
        shares.map(|share| {
            let rank = ((share * total as f64).ceil() as u64).max(1);
            let mut below = 0;
            let reached = counts.iter().position(|count| {
                below += (*count).into();
                below >= rank
            });
            reached.map_or(0, |place| middle(usize::from(self.first) + place))
        })
    }

    /// Makes room for a bucket, and gives its place.
    fn reach(&mut self, bucket: u16) -> usize {
        match &mut self.counts {
            Counts::Narrow(counts) => reach(counts, &mut self.first, bucket),
            Counts::Wide(counts) => reach(counts, &mut self.first, bucket),
        }
    }
}

/// Grows by what is needed and no more: it seldom grows.
fn reach<T: Clone + Default>(counts: &mut Vec<T>, first: &mut u16, bucket: u16) -> usize {
    debug_assert!(usize::from(bucket) < BUCKETS);
    if counts.is_empty() {
        *first = bucket;
    }
    if bucket < *first {
        let more = usize::from(*first - bucket);
        counts.reserve_exact(more);
        counts.splice(0..0, std::iter::repeat_n(T::default(), more));
        *first = bucket;
    }
    let place = usize::from(bucket - *first);
    if let Some(more) = (place + 1).checked_sub(counts.len()) {
        counts.reserve_exact(more);
        counts.resize(place + 1, T::default());
    }
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(histogram: &Compact) -> usize {
        let counts = match &histogram.counts {
            Counts::Narrow(counts) => 2 * counts.capacity(),
            Counts::Wide(counts) => 4 * counts.capacity(),
        };
        counts + size_of::<Compact>()
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_values(
            values in prop::collection::vec((0u32..40).prop_flat_map(|bits| 1u64 << bits..2 << bits), 1..500),
        ) {
            let mut histogram = Compact::default();
            values.iter().for_each(|value| histogram.record(*value));
            prop_assert!(room(&histogram) <= 1_100);
            let mut sorted = values;
            sorted.sort_unstable();
            let shares = [0.01, 0.5, 0.9, 0.99, 1.0];
            for (share, got) in shares.into_iter().zip(histogram.quantiles(shares)) {
                let exact = sorted[((share * sorted.len() as f64).ceil() as usize).max(1) - 1];
                let exact = exact.clamp(64, (1 << 36) - 1) as f64;
                prop_assert!((got as f64 - exact).abs() <= 0.03 * exact + 1.0, "{} for {}", got, exact);
            }
        }
    }

    #[test]
    fn a_year_of_seconds_counts_in_full_and_takes_less_than_a_kibibyte() {
        let mut histogram = Compact::default();
        for second in 0..365 * 86_400u64 {
            // A tenth of a second beyond the median; one in a thousand takes two.
            let spike = if second % 1_000 == 0 {
                2_000_000_000
            } else {
                0
            };
            histogram.record(20_000_000 + second * 7_919 % 100_000_000 + spike);
        }
        let [p50, p999, last] = histogram.quantiles([0.5, 0.998, 0.9999]);
        assert!(p50.abs_diff(70_000_000) <= 2_100_000, "{p50}");
        assert!(p999.abs_diff(120_000_000) <= 3_600_000, "{p999}");
        assert!(last > 1_900_000_000, "{last}");
        assert!(room(&histogram) <= 1_024, "{}", room(&histogram));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Compact::default().quantiles([0.5]), [0]);
    }
}
