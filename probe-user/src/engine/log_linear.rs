//! Buckets of round-trip times: 17 of equal width for each power of two, from 64 ns to a
//! minute. What is read back is off by at most half a bucket: 1/34 (2.9 %).

/// Buckets for each power of two. With 16, the error were above 3 %.
const STEPS: u64 = 17;

/// The first power of two that is told apart: all below counts as the least.
const LEAST_BITS: u32 = 6;

/// The first value that is too large, nanoseconds (68.7 s): it and all above count as the last.
const LIMIT: u64 = 1 << LIMIT_BITS;
const LIMIT_BITS: u32 = 36;

/// How many there are.
pub const BUCKETS: usize = STEPS as usize * (LIMIT_BITS - LEAST_BITS) as usize;

/// The bucket of a value, nanoseconds.
pub fn bucket(value: u64) -> usize {
    let value = value.clamp(1 << LEAST_BITS, LIMIT - 1);
    let bits = value.ilog2();
    let beyond = value - (1 << bits);
    (u64::from(bits - LEAST_BITS) * STEPS + ((beyond * STEPS) >> bits)) as usize
}

/// The middle of a bucket, nanoseconds.
pub fn middle(bucket: usize) -> u64 {
    let (octave, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    let base = 1 << (octave + u64::from(LEAST_BITS)).min(63);
    base + (2 * step + 1) * base / (2 * STEPS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_is_known_to_three_percent(value in (6u32..36).prop_flat_map(|bits| 1u64 << bits..2 << bits)) {
            let known = middle(bucket(value));
            prop_assert!(known.abs_diff(value) as f64 <= 0.03 * value as f64 + 1.0, "{} for {}", known, value);
        }

        #[test]
        fn larger_values_never_stand_in_smaller_buckets(a in any::<u64>(), b in any::<u64>(), shift in 0u32..64) {
            let (a, b) = (a >> shift, b >> shift);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(bucket(low) <= bucket(high));
            prop_assert!(bucket(high) < BUCKETS);
        }
    }

    #[test]
    fn every_bucket_has_its_values() {
        let known: Vec<usize> = (0..BUCKETS).map(|place| bucket(middle(place))).collect();
        assert_eq!(known, (0..BUCKETS).collect::<Vec<_>>());
    }
}
