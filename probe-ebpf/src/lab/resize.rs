//! Frames of another length.

#![expect(unsafe_code, reason = "helpers")]

use aya_ebpf::{
    helpers::{bpf_xdp_adjust_head, bpf_xdp_adjust_tail},
    programs::XdpContext,
};

use crate::opaque::opaque;

/// Octets of a frame.
#[inline(always)]
pub(crate) fn length(ctx: &XdpContext) -> usize {
    opaque(ctx.data_end()) - opaque(ctx.data())
}

/// Makes room for octets before the first.
#[inline(always)]
pub(crate) fn prepend(ctx: &XdpContext, octets: u16) -> Option<()> {
    // SAFETY: the context is the program's own.
    let failed = unsafe { bpf_xdp_adjust_head(ctx.ctx, -i32::from(octets)) };
    (failed == 0).then_some(())
}

/// Gives a frame another length.
#[inline(always)]
pub(crate) fn resize(ctx: &XdpContext, octets: u16) -> Option<()> {
    let delta = i32::from(octets) - length(ctx) as i32;
    if delta == 0 {
        return Some(());
    }
    // SAFETY: the context is the program's own.
    let failed = unsafe { bpf_xdp_adjust_tail(ctx.ctx, delta) };
    (failed == 0).then_some(())
}
