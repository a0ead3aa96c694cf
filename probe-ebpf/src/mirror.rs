//! A far end that sends frames back as they are, but for whom they go to.

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use probe_common::{abi::floor::LEAST, wire::Put as _};

use crate::frame::Frame;

/// Sends a frame back; one too short to be ours is dropped.
#[inline(always)]
pub(crate) fn mirror(ctx: &XdpContext) -> u32 {
    match turn(ctx) {
        Some(()) => xdp_action::XDP_TX,
        None => xdp_action::XDP_DROP,
    }
}

/// Swaps the two hardware addresses.
#[inline(always)]
fn turn(ctx: &XdpContext) -> Option<()> {
    let mut frame = Frame::<LEAST>::of(ctx)?;
    let (to, from) = (frame.get::<6>(0)?, frame.get::<6>(6)?);
    frame.put(0, from)?;
    frame.put(6, to)
}
