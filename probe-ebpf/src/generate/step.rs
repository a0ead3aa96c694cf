//! The steps of a lane: which probe is next, and where its target is.

use probe_common::{abi::generator::LOOK_AHEAD, plan::Place};

use super::{
    maps::{self, LanePtr},
    target::{self, Number},
};

/// The bit of a place that says that there is one.
const FOUND: u64 = 1;

/// A step that was looked up.
pub(super) enum Step {
    /// A probe, and where it goes.
    Probe(Place, Number),
    /// A hole of the permutation.
    Hole,
}

/// The next step, which stays the next.
#[inline(always)]
pub(super) fn peek(lane: LanePtr) -> Step {
    if lane.ahead() == 0 {
        look_ahead(lane);
    }
    let [place, high, low] = lane.step(lane.ahead().wrapping_sub(1));
    if place & FOUND == 0 {
        return Step::Hole;
    }
    let place = Place {
        target: (place >> 32) as u32,
        ttl: (place >> 8) as u8,
        flow: (place >> 16) as u16,
    };
    Step::Probe(place, Number { high, low })
}

/// Whether there is no next step.
#[inline(always)]
pub(super) fn is_last(lane: LanePtr) -> bool {
    lane.round() >= u64::from(maps::rounds()) || maps::steps_of_round() == 0
}

/// Goes one step on.
#[inline(always)]
pub(super) fn advance(lane: LanePtr) {
    let stride = u64::from(maps::lanes());
    let (rounds, offset) = beyond(lane.offset() + stride);
    if rounds != 0 {
        lane.set_round(lane.round() + rounds);
    }
    lane.set_offset(offset);
    lane.set_cursor(lane.cursor() + stride);
    lane.set_ahead(lane.ahead().saturating_sub(1));
}

/// Looks the next steps up: first which they are, then where. What is far away in
/// memory is so waited for all at once.
#[inline(always)]
fn look_ahead(lane: LanePtr) {
    let (permutation, space) = (maps::permutation(), maps::space());
    let mut offset = lane.offset();
    for index in (0..LOOK_AHEAD).rev() {
        let position = u64::from(maps::shard()) + offset * u64::from(maps::shards());
        let place = permutation
            .at(position)
            .and_then(|number| space.place(number));
        lane.set_place(index, place.map_or(0, packed));
        (_, offset) = beyond(offset + u64::from(maps::lanes()));
    }
    for index in (0..LOOK_AHEAD).rev() {
        let [place, ..] = lane.step(index as u64);
        if let Some(Number { high, low }) = target::find((place >> 32) as u32) {
            lane.set_number(index, high, low);
        } else {
            lane.set_place(index, 0);
        }
    }
    lane.set_ahead(LOOK_AHEAD as u64);
}

/// A place as a word.
#[inline(always)]
fn packed(place: Place) -> u64 {
    let flow_and_ttl = u64::from(place.flow) << 16 | u64::from(place.ttl) << 8;
    u64::from(place.target) << 32 | flow_and_ttl | FOUND
}

/// Rounds that an offset goes beyond, and what is left of it. With more lanes than
/// steps, a round may be passed over.
#[inline(always)]
fn beyond(offset: u64) -> (u64, u64) {
    let length = maps::steps_of_round();
    if offset < length || length == 0 {
        return (0, offset);
    }
    (offset / length, offset % length)
}
