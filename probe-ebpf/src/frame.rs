//! Frames that a program reads and rewrites in place.

#![expect(unsafe_code, reason = "packet memory through checked pointers")]
#![allow(dead_code, reason = "the generator only writes")]

use aya_ebpf::programs::XdpContext;
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

impl<const LEN: usize> Frame<LEN> {
    /// Writes octets that may lie behind the first `LEN`; `None` behind the end.
    #[inline(always)]
    pub(crate) fn put_behind<const N: usize>(
        ctx: &XdpContext,
        at: usize,
        octets: [u8; N],
    ) -> Option<()> {
        let place = opaque(ctx.data()) + at;
        if place + N > opaque(ctx.data_end()) {
            return None;
        }
        // SAFETY: the octets lie before the end, by the check above.
        unsafe { (place as *mut [u8; N]).write(octets) };
        Some(())
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
