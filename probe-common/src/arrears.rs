//! What stalls cost a sweep, and how it is made up for: little by little, never in a
//! burst.
//!
//! A sender that was kept from its work for longer than a token bucket remembers would
//! end below the rate it was asked for, though there is room to hold it. So it owes the
//! rest, up to [`MOST_OWED_NS`], and goes a little faster until that is paid. What
//! exceeds this is lost, and told.

/// Most that is made up for, nanoseconds.
pub const MOST_OWED_NS: u64 = 250_000_000;

/// A sender that owes goes faster by one part in two to the power of this: 3 %.
const HASTE_BITS: u32 = 5;

/// What a sender owes after another stall, and what of it is lost for good, nanoseconds.
#[inline(always)]
pub const fn after_stall(owed_ns: u64, stall_ns: u64) -> (u64, u64) {
    let sum = owed_ns.saturating_add(stall_ns);
    let lost = sum.saturating_sub(MOST_OWED_NS);
    (sum - lost, lost)
}

/// By how much the next probe is due sooner, nanoseconds, of a sender that owes; with
/// the `interval` that the rate asks for.
#[inline(always)]
pub const fn payment(owed_ns: u64, interval_ns: u64) -> u64 {
    let haste = interval_ns >> HASTE_BITS;
    if haste < owed_ns { haste } else { owed_ns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_owed_up_to_a_bound_and_lost_beyond_it() {
        assert_eq!(after_stall(0, 3_000), (3_000, 0));
        assert_eq!(after_stall(MOST_OWED_NS - 1, 3), (MOST_OWED_NS, 2));
        let all = u64::MAX - MOST_OWED_NS;
        assert_eq!(after_stall(0, u64::MAX), (MOST_OWED_NS, all));
    }

    #[test]
    fn what_is_owed_is_paid_to_the_last_nanosecond_and_no_faster_than_a_thirtieth() {
        for interval in [100, 1_000, 50_000, 10_000_000] {
            let (mut owed, mut paid) = (MOST_OWED_NS, 0);
            while owed > 0 {
                let part = payment(owed, interval);
                assert!(part > 0 && part * 30 <= interval, "{interval}");
                (owed, paid) = (owed - part, paid + part);
            }
            assert_eq!(paid, MOST_OWED_NS);
        }
        assert_eq!(payment(0, 1_000), 0);
    }
}
