//! A cursor that copies from a socket buffer: slower than packet pointers, and
//! without their `unsafe`; the stamps are taken before the first read.

use aya_ebpf::programs::TcContext;
use probe_common::wire::Cursor;

/// Reads a socket buffer front to back.
#[derive(Clone, Copy)]
pub(crate) struct BufferCursor<'a> {
    ctx: &'a TcContext,
    offset: u32,
}

impl<'a> BufferCursor<'a> {
    /// Starts at the link-layer header.
    #[inline(always)]
    pub(crate) fn new(ctx: &'a TcContext) -> Self {
        Self { ctx, offset: 0 }
    }
}

impl Cursor for BufferCursor<'_> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.ctx.load(self.offset as usize).ok()?;
        self.offset += N as u32;
        Some(bytes)
    }

    #[inline(always)]
    fn skip(&mut self, count: u16) -> Option<()> {
        self.offset += u32::from(count);
        Some(())
    }
}
