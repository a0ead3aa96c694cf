//! The bridge between `bytemuck` and `aya`: the one place that vouches for plain data.

#![expect(unsafe_code, reason = "aya's marker trait is unsafe")]

/// A shared record as aya wants it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct AsPod<T>(pub(crate) T);

// SAFETY: `bytemuck::Pod` promises what `aya::Pod` asks: any bit pattern is
// valid, and there is no padding.
unsafe impl<T: bytemuck::Pod> aya::Pod for AsPod<T> {}
