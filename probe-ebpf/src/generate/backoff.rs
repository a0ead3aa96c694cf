//! A full device is left alone until it has room: what it refuses is lost behind its
//! stamp, and a queue that is never empty stays with the processor that serves it.

use super::maps::{self, LanePtr};

/// How long at first, and at most, nanoseconds. A queue of some hundred frames is
/// empty after the first.
const FIRST: u64 = 100_000;
const LONGEST: u64 = 400_000;

/// So many times the last back-off after its end, the next one is a first one again.
const FORGOTTEN: u64 = 16;

/// Looks, at the beginning of a batch, what the device refused of those before.
#[inline(always)]
pub(super) fn look(lane: LanePtr, now: u64) {
    let Some(refusals) = maps::refusals() else {
        return;
    };
    let refused = refusals.refused;
    if refused == lane.refused() {
        return;
    }
    lane.set_refused(refused);
    let last = lane.backoff_ns();
    let is_again = now < lane.resume_ns() + FORGOTTEN * last;
    let backoff = if is_again {
        (2 * last).min(LONGEST)
    } else {
        FIRST
    };
    lane.set_backoff_ns(backoff);
    lane.set_resume_ns(now + backoff);
}

/// Whether the device is left alone for now.
#[inline(always)]
pub(super) fn is_on(lane: LanePtr, now: u64) -> bool {
    now < lane.resume_ns()
}
