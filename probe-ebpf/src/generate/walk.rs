//! An adaptive sweep: a lane walks round its trails, each with a path that is probed
//! one hop at a time. A path that is known far enough makes room for the next.

use probe_common::{
    Address,
    adaptive::{
        SHARED_TTLS, State, Trail,
        hint::{self, Prefix},
        trail::{self, bit},
    },
    plan::Place,
};

use super::{
    maps::{self, LanePtr},
    pace,
    step::{self, Step},
    target::{self, Number},
};
use crate::trails::{self, TrailPtr};

/// Whether the walk may go on: not round to the first trail before its last probe had
/// time to be answered. More trails are taken if that means waiting.
#[inline(always)]
pub(super) fn may_go_on(lane: LanePtr, now: u64) -> bool {
    if lane.cycle_ns() == 0 {
        lane.set_cycle_ns(now);
    }
    if lane.seat() < lane.window() {
        return true;
    }
    let exhausted = step::is_last(lane);
    if lane.busy() == 0 && exhausted {
        lane.set_done(1);
        return false;
    }
    // Without new paths the last trails may come round sooner than the first.
    let last = if exhausted { lane.last_ns() } else { 0 };
    let begin = lane.cycle_ns().max(last);
    if now < begin + lane.patience_ns() {
        lane.set_waited(1);
        return false;
    }
    if lane.waited() != 0 {
        lane.set_waited(0);
        pace::rest(lane, now);
        if !exhausted {
            lane.set_window((2 * lane.window()).min(lane.seats()));
        }
    }
    lane.set_cycle_ns(now);
    lane.set_seat(0);
    lane.set_busy(0);
    true
}

/// The next probe: of the path in this trail, or of the next path if that one is done.
#[inline(always)]
pub(super) fn peek(lane: LanePtr) -> Step {
    let Some(trail) = here(lane) else {
        return Step::Hole;
    };
    let owner = trail.owner();
    if owner != 0 {
        let state = trail.state();
        let number = Number {
            high: trail.high(),
            low: trail.low(),
        };
        if let Some(ttl) = state.next(maps::rules()) {
            return Step::Probe(place(owner, ttl), number);
        }
        settle(lane, &state, number);
        trail.set_owner(0);
    }
    if step::is_last(lane) || lane.cursor() >= lane.reserved() {
        lane.set_seat(lane.seat() + 1);
        return Step::Hole;
    }
    let step = step::peek(lane);
    if let Step::Probe(Place { target, flow, .. }, number) = step {
        let ttl = begin(lane, trail, trail::owner(target, flow), number);
        step::advance(lane);
        return Step::Probe(Place { target, ttl, flow }, number);
    }
    step::advance(lane);
    Step::Hole
}

/// Whether the routers at this TTL, if all paths share them, are spared a probe for
/// long enough.
#[inline(always)]
pub(super) fn spares_hop(lane: LanePtr, ttl: u8, now: u64) -> bool {
    maps::hop_interval_ns() == 0 || ttl > SHARED_TTLS || lane.hop_next(ttl) <= now
}

/// The probe must wait, and comes again.
#[inline(always)]
pub(super) fn defer(lane: LanePtr) {
    lane.set_busy(lane.busy() + 1);
    lane.set_seat(lane.seat() + 1);
}

/// The probe of this TTL has left.
#[inline(always)]
pub(super) fn sent(lane: LanePtr, ttl: u8, now: u64) {
    let interval = maps::hop_interval_ns();
    if interval != 0 && ttl <= SHARED_TTLS {
        lane.set_hop_next(ttl, pace::due_after(lane.hop_next(ttl), interval, now));
    }
    if let Some(trail) = here(lane) {
        trail.set_probed(trail.probed() | u64::from(bit(ttl)));
    }
    lane.set_busy(lane.busy() + 1);
    lane.set_seat(lane.seat() + 1);
}

/// The path cannot be probed: how many probes of it are left out.
#[inline(always)]
pub(super) fn give_up(lane: LanePtr) -> u64 {
    let Some(trail) = here(lane) else {
        return 0;
    };
    trail.set_owner(0);
    let probed = (trail.probed() as u32).count_ones();
    u64::from(maps::rules().ttls().saturating_sub(probed))
}

/// The step of the schedule that the path of this trail came from.
#[inline(always)]
pub(super) fn cursor(lane: LanePtr) -> u64 {
    here(lane).map_or(0, TrailPtr::cursor)
}

/// The trail whose turn it is.
#[inline(always)]
fn here(lane: LanePtr) -> Option<TrailPtr> {
    trails::trail((lane.first_seat() + lane.seat()) as u32)
}

#[inline(always)]
fn place(owner: u64, ttl: u8) -> Place {
    Place {
        target: (owner >> 32) as u32,
        ttl,
        flow: (owner >> 16) as u16,
    }
}

/// Begins a path where its neighbours were found; gives the TTL of its first probe.
#[inline(always)]
fn begin(lane: LanePtr, trail: TrailPtr, owner: u64, number: Number) -> u8 {
    let address = address(number);
    let network = found(address, Prefix::Network);
    let hints = [
        network,
        found(address, Prefix::Region),
        lane.anywhere() as u8,
    ];
    let start = maps::rules().start(hints);
    trail.hand_over(&Trail {
        owner,
        probed: Trail::beginning(start, network),
        high: number.high,
        low: number.low,
        cursor: lane.cursor(),
        ..Trail::NOBODYS
    });
    start
}

/// Counts what was spared of a path that is done, and tells its neighbours.
#[inline(always)]
fn settle(lane: LanePtr, state: &State, number: Number) {
    let spared = state.spared(maps::rules());
    lane.set_target_reached(lane.target_reached() + u64::from(spared.target_reached));
    lane.set_gap_limit(lane.gap_limit() + u64::from(spared.gap_limit));
    lane.set_known_path(lane.known_path() + u64::from(spared.known_path));
    let distance = state.distance();
    if distance == 0 {
        return;
    }
    let address = address(number);
    tell(address, Prefix::Network, distance);
    tell(address, Prefix::Region, distance);
    lane.set_anywhere(u64::from(distance));
}

/// Where a neighbour was found.
#[inline(always)]
fn found(address: Address, prefix: Prefix) -> u8 {
    let name = hint::name(address, prefix);
    hint::distance(trails::hint(hint::place(name, maps::hint_mask())), name)
}

#[inline(always)]
fn tell(address: Address, prefix: Prefix, distance: u8) {
    let name = hint::name(address, prefix);
    let place = hint::place(name, maps::hint_mask());
    trails::set_hint(place, hint::word(name, distance));
}

#[inline(always)]
fn address(number: Number) -> Address {
    if maps::v6() != 0 {
        target::v6(number)
    } else {
        target::v4(number)
    }
}
