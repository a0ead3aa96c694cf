//! Frames that a program reads and rewrites in place.

#![expect(
    unsafe_code,
    reason = "packet memory through checked pointers, and helpers"
)]

use aya_ebpf::{
    helpers::{bpf_xdp_adjust_head, bpf_xdp_adjust_tail},
    programs::XdpContext,
};
use probe_common::wire::Put;

use crate::opaque::opaque;

/// A frame of which the first `LEN` octets are there. Of no use after its size has
/// been changed: the verifier refuses to follow it then.
#[derive(Clone, Copy)]
pub(crate) struct Frame<const LEN: usize> {
    start: usize,
}

impl<const LEN: usize> Frame<LEN> {
    /// `None` if it is shorter.
    #[inline(always)]
    pub(crate) fn of(ctx: &XdpContext) -> Option<Self> {
        let start = opaque(ctx.data());
        // The form of the comparison that the verifier follows.
        if start + LEN > opaque(ctx.data_end()) {
            return None;
        }
        Some(Self { start })
    }

    /// The octets from a place on; `None` behind the end, which a constant place
    /// decides when the program is compiled.
    #[inline(always)]
    pub(crate) fn get<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        if at + N > LEN {
            return None;
        }
        // SAFETY: the octets lie before the end, by the check of `of`; a byte array
        // has no alignment or validity requirement.
        Some(unsafe { ((self.start + at) as *const [u8; N]).read() })
    }

    /// The word at a place.
    #[inline(always)]
    pub(crate) fn word(self, at: usize) -> Option<u16> {
        self.get(at).map(u16::from_be_bytes)
    }
}

impl<const LEN: usize> Put for Frame<LEN> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, octets: [u8; N]) -> Option<()> {
        if at + N > LEN {
            return None;
        }
        // SAFETY: as in `get`; a program has its packet for itself.
        unsafe { ((self.start + at) as *mut [u8; N]).write(octets) };
        Some(())
    }
}

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
