//! A slot for a probe.

use probe_common::{
    identity::{Nonce, NonceKey, slot_index},
    slot::Fate,
};

use super::maps::{self, LanePtr};
use crate::maps::{self as shared, Slot};

/// Slots tried for one probe before it must wait.
const TRIES: u32 = 8;

/// A slot held by a probe.
pub(super) struct Lease {
    pub(super) slot: Slot,
    pub(super) seq16: u16,
    pub(super) nonce: Nonce,
    pub(super) previous: u64,
}

/// Gives a probe the next slot of its shard that nobody waits for. `None`: all that
/// were tried wait for an answer.
#[inline(always)]
pub(super) fn lease(lane: LanePtr, shard: u16, now: u64) -> Option<Lease> {
    let index = place(lane, shard);
    let (first, last) = (lane.first() as u16, lane.last() as u16);
    for _ in 0..TRIES {
        let seq16 = maps::take_next(index, first, last)?;
        let slot = shared::slot(slot_index(shard, seq16))?;
        let (state, tx_ns) = slot.tenancy();
        if Fate::of(state).is_settled(tx_ns, now, shared::timeout_ns()) {
            let drawn = lane.drawn() + 1;
            lane.set_drawn(drawn);
            let previous = slot.nonce();
            let nonce = NonceKey(maps::key()).draw(drawn, Nonce(previous));
            return Some(Lease {
                slot,
                seq16,
                nonce,
                previous,
            });
        }
    }
    None
}

/// Slots of a shard that are brought near at once: a power of two.
const GROUP: u16 = 16;

/// At each beginning of a group, reads the slots of the next one, so that they are near
/// when their turn comes: what is far away in memory is waited for once for all of them.
#[inline(always)]
pub(super) fn bring_next_near(shard: u16, seq16: u16) {
    if !seq16.is_multiple_of(GROUP) {
        return;
    }
    let begin = slot_index(shard, seq16.wrapping_add(GROUP));
    for index in 0..u32::from(GROUP) {
        if let Some(slot) = shared::slot(begin + index) {
            let _ = slot.tenancy();
        }
    }
}

/// Where a lane's next number in a shard stands.
#[inline(always)]
fn place(lane: LanePtr, shard: u16) -> u32 {
    let shards = shared::ports().slots() >> 16;
    (lane.number() as u32).wrapping_mul(shards) + u32::from(shard)
}

/// Counts what became of the tenant before, by the state that it left.
#[inline(always)]
pub(super) fn count(lane: LanePtr, state: u64) {
    match Fate::of(state) {
        // Nothing is marked dropped here: the driver does not say which it was.
        Fate::NeverStamped | Fate::Dropped => {}
        Fate::Answered => lane.set_answered(lane.answered() + 1),
        Fate::LateOnly => lane.set_late_only(lane.late_only() + 1),
        Fate::Unanswered => lane.set_unanswered(lane.unanswered() + 1),
    }
}
