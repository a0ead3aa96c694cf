//! Frames that the driver did not take: nobody else tells, since they have left
//! the program by then.
//!
//! The kernel tells of each bundle of redirected frames, anybody's, by the device
//! that they came from. Which one that is for ours, the first after our own first
//! frame shows: it is flushed before anything else can redirect on that processor.

use aya_ebpf::programs::RawTracePointContext;

use super::maps;

/// A bundle of frames was handed to a driver (`xdp_devmap_xmit`: from, to, sent,
/// drops, error; kernel/bpf/devmap.c).
#[inline(always)]
pub(crate) fn of_bulk(ctx: &RawTracePointContext) {
    count(ctx.arg(0), ctx.arg::<u64>(3) as u32);
}

/// A frame was handed to nobody (`xdp_redirect_err`: from, ...; net/core/filter.c).
#[inline(always)]
pub(crate) fn of_error(ctx: &RawTracePointContext) {
    count(ctx.arg(0), 1);
}

#[inline(always)]
fn count(device: u64, frames: u32) {
    let Some(refusals) = maps::refusals() else {
        return;
    };
    if refusals.expected != 0 && refusals.device == 0 {
        refusals.device = device;
    }
    if refusals.device == device {
        refusals.refused += u64::from(frames);
    }
}

/// The next frame that is told of on this processor is ours.
#[inline(always)]
pub(super) fn expect() {
    if let Some(refusals) = maps::refusals() {
        refusals.expected = 1;
    }
}
