//! A full device is left alone until it has room: what it refuses is lost behind its
//! stamp, and a queue that is kept full is served on another processor for as long.

use super::maps::{self, LanePtr};

/// How long at first, and at most, nanoseconds. A queue of some hundred frames is
/// empty after the first.
const FIRST: u64 = 100_000;
const LONGEST: u64 = 400_000;

/// Frames that are taken for so long after a rest, times the rest: the device is well.
const FORGIVEN: u64 = 16;

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
    let last = lane.rest_ns();
    let is_again = now < lane.resume_ns() + FORGIVEN * last;
    let rest = if is_again {
        (2 * last).min(LONGEST)
    } else {
        FIRST
    };
    lane.set_rest_ns(rest);
    lane.set_resume_ns(now + rest);
}

/// Whether the device is left alone for now.
#[inline(always)]
pub(super) fn is_on(lane: LanePtr, now: u64) -> bool {
    now < lane.resume_ns()
}
