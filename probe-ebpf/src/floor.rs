//! Bare stamps: one when a packet leaves, one when it comes back, and nothing else.

#![expect(
    unsafe_code,
    reason = "a word of the packet, map values, and the clock"
)]

use aya_ebpf::{
    helpers::bpf_ktime_get_ns,
    macros::map,
    maps::Array,
    programs::{TcContext, XdpContext},
};
use probe_common::abi::floor::{LEAST, MARK_AT, Pair, place};

use crate::opaque::opaque;

/// Those who read the stamps say how many there are.
#[map]
static FLOOR: Array<Pair> = Array::with_max_entries(1, 0);

/// Stamps a packet that leaves, as late as can be.
#[inline(always)]
pub(crate) fn leaves(ctx: &TcContext) {
    if let Some(index) = mark(ctx.data(), ctx.data_end()) {
        stamp_tx(index);
    }
}

/// Stamps a packet that has come back, before all else; whether it is one.
#[inline(always)]
pub(crate) fn is_back(ctx: &XdpContext) -> bool {
    let rx_ns = now_ns();
    let Some(index) = mark(ctx.data(), ctx.data_end()) else {
        return false;
    };
    if let Some(pair) = FLOOR.get_ptr_mut(index) {
        // SAFETY: the value is there as long as the map; nobody else writes this half.
        unsafe { (*pair).rx_ns = rx_ns };
    }
    true
}

/// Stamps the packet of a place.
#[inline(always)]
pub(crate) fn stamp_tx(index: u32) {
    if let Some(pair) = FLOOR.get_ptr_mut(index) {
        // SAFETY: the value is there as long as the map; nobody else writes this half.
        unsafe { (*pair).tx_ns = now_ns() };
    }
}

/// The place that a packet names.
#[inline(always)]
fn mark(data: usize, end: usize) -> Option<u32> {
    let start = opaque(data);
    // The form of the comparison that the verifier follows.
    if start + LEAST > opaque(end) {
        return None;
    }
    // SAFETY: the octets lie before the end, by the check above.
    place(unsafe { ((start + MARK_AT) as *const u64).read_unaligned() })
}

/// CLOCK_MONOTONIC, nanoseconds.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    // SAFETY: the helper takes no argument and is allowed in every program type.
    unsafe { bpf_ktime_get_ns() }
}
