//! The bare generator: puts one frame on the wire again and again, stamped, at its
//! time, and does nothing else.

#![expect(unsafe_code, reason = "map values and a helper")]

use aya_ebpf::{
    bindings::xdp_action, helpers::bpf_redirect, macros::map, maps::Array, programs::XdpContext,
};
use probe_common::{
    abi::floor::{FRAME, Lane, MARK_AT, word},
    wire::Put as _,
};

use crate::{floor, frame::Frame};

#[map]
static FLOOR_LANE: Array<Lane> = Array::with_max_entries(1, 0);

/// Fills one frame, or not; gives the verdict of XDP.
#[inline(always)]
pub(crate) fn generate(ctx: &XdpContext) -> u32 {
    fill(ctx).unwrap_or(xdp_action::XDP_DROP)
}

#[inline(always)]
fn fill(ctx: &XdpContext) -> Option<u32> {
    let place = FLOOR_LANE.get_ptr_mut(0)?;
    // SAFETY: the value is there as long as the map, and one processor runs this.
    let lane = unsafe { &mut *place };
    let now = floor::now_ns();
    if lane.sent >= lane.budget || now < lane.next_ns {
        return None;
    }
    let mut frame = Frame::<FRAME>::of(ctx)?;
    for (place, word) in lane.frame.iter().enumerate() {
        frame.put(place * 8, word.to_ne_bytes())?;
    }
    let index = lane.sent as u32;
    frame.put(MARK_AT, word(index).to_ne_bytes())?;
    lane.sent += 1;
    lane.next_ns = now
        .max(lane.next_ns + lane.interval_ns)
        .min(now + lane.interval_ns);
    floor::stamp_tx(index);
    // SAFETY: the helper takes two numbers.
    Some(unsafe { bpf_redirect(lane.ifindex as u32, 0) } as u32)
}
