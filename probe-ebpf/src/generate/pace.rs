//! When a lane may send: a token bucket on the kernel's clock, rounds, and rings
//! that their readers must not be behind with.

use probe_common::{abi::generator::INTERVAL_BITS, arrears};

use super::{
    backoff,
    maps::{self, LanePtr},
};
use crate::{clock, maps as shared};

/// Credit that may be saved up, nanoseconds: what a stall leaves unused beyond it is
/// owed ([`arrears`]), not made up in a burst. Two of the ticks at which the kernel
/// gives a processor that is shared to somebody else (`CONFIG_HZ` of 250).
const MAX_CREDIT: u64 = 8_000_000;

/// The same for a hop that all paths share.
const MAX_CREDIT_OF_HOP: u64 = 2_000_000;

/// Probes between two looks at the ring.
const RING_LOOK: u64 = 32;

/// Runs of the program between two readings of the clock, where stamps are no more
/// exact than a batch anyway: a reading waits for all that is under way.
const CLOCK_LOOK: u64 = 4;

/// The time, nanoseconds: exact, or as it was a few runs ago.
#[inline(always)]
pub(super) fn now(lane: LanePtr) -> u64 {
    if maps::precise() == 0 && !lane.turn().is_multiple_of(CLOCK_LOOK) {
        return lane.clock_ns();
    }
    let now = clock::now_ns();
    lane.set_clock_ns(now);
    now
}

/// Notes that the program runs once more, and how long the probes of a batch have
/// waited for its end.
#[inline(always)]
pub(super) fn turn(lane: LanePtr, now: u64) {
    let turn = lane.turn() + 1;
    if turn < u64::from(maps::batch()) {
        return lane.set_turn(turn);
    }
    lane.set_turn(0);
    backoff::look(lane, now);
    let begin = lane.batch_ns();
    if begin != 0 {
        let span = now.saturating_sub(begin);
        lane.set_batches(lane.batches() + 1);
        lane.set_span_ns(lane.span_ns() + span);
        lane.set_longest_span_ns(lane.longest_span_ns().max(span));
        lane.set_batch_ns(0);
    }
}

/// Whether the rate allows a probe; owes credit that is too old.
#[inline(always)]
pub(super) fn allows(lane: LanePtr, now: u64) -> bool {
    if lane.interval() == 0 {
        return true;
    }
    let oldest = now.saturating_sub(MAX_CREDIT);
    let next = lane.next_ns();
    if next < oldest {
        if next != 0 {
            note_stall(lane, oldest - next);
        }
        lane.set_next_ns(oldest);
        return true;
    }
    next <= now
}

/// Credit that is too old is dropped and is no stall: there was nothing to send.
#[inline(always)]
pub(super) fn rest(lane: LanePtr, now: u64) {
    let oldest = now.saturating_sub(MAX_CREDIT);
    if lane.next_ns() < oldest {
        lane.set_next_ns(oldest);
    }
}

/// When the next token is due, once one was taken.
#[inline(always)]
pub(super) fn due_after(next: u64, interval: u64, now: u64) -> u64 {
    next.max(now.saturating_sub(MAX_CREDIT_OF_HOP)) + interval
}

/// A probe leaves.
#[inline(always)]
pub(super) fn sent(lane: LanePtr, stamp: u64) {
    let parts = lane.fraction() + lane.interval();
    lane.set_fraction(parts & ((1 << INTERVAL_BITS) - 1));
    lane.set_next_ns(lane.next_ns() + pay(lane, parts >> INTERVAL_BITS));
    if lane.batch_ns() == 0 {
        lane.set_batch_ns(stamp);
    }
}

#[inline(always)]
fn note_stall(lane: LanePtr, nanoseconds: u64) {
    let (owed, lost) = arrears::after_stall(lane.owed_ns(), nanoseconds);
    lane.set_owed_ns(owed);
    lane.set_owed_at(lane.interval());
    lane.set_stalled_ns(lane.stalled_ns() + lost);
}

/// What is left of an interval when part of what the lane owes is paid by it. What was
/// owed at another rate is lost.
#[inline(always)]
fn pay(lane: LanePtr, interval: u64) -> u64 {
    let owed = lane.owed_ns();
    if owed == 0 {
        return interval;
    }
    if lane.owed_at() != lane.interval() {
        lane.set_owed_ns(0);
        lane.set_stalled_ns(lane.stalled_ns() + owed);
        return interval;
    }
    let payment = arrears::payment(owed, interval);
    lane.set_owed_ns(owed - payment);
    interval - payment
}

/// Whether the round of the next step has begun: it does no sooner than its time
/// has come.
#[inline(always)]
pub(super) fn is_in_round(lane: LanePtr, now: u64) -> bool {
    let round = lane.round();
    // The mark of a round that waits for its beginning, and of the first of a run.
    if lane.begun() == round + 1 {
        return true;
    }
    let begin = lane.round_begin_ns();
    if begin != 0 && now < begin + maps::round_interval_ns() {
        rest(lane, now);
        return false;
    }
    lane.set_round_begin_ns(now);
    lane.set_begun(round + 1);
    true
}

/// Whether this processor's ring waits for its reader: what is not sent now is sent
/// when it has read.
#[inline(always)]
pub(super) fn is_ring_filling(lane: LanePtr) -> bool {
    let limit = lane.ring_limit();
    if limit == 0 || (lane.full() == 0 && !lane.stamped().is_multiple_of(RING_LOOK)) {
        return false;
    }
    let full = shared::ring().is_some_and(|ring| shared::waiting_bytes(ring) > limit);
    lane.set_full(full as u64);
    full
}
