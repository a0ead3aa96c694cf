//! The keyed permutation as the kernel computes it, for tests to compare.

use aya_ebpf::programs::XdpContext;
use probe_common::{abi::lab::Permuted, wire::Put as _};

use crate::frame::Frame;

/// Fills in the number in a packet that is one [`Permuted`].
#[inline(always)]
pub(crate) fn permute(ctx: &XdpContext) -> Option<()> {
    let mut frame = Frame::<{ Permuted::LENGTH }>::of(ctx)?;
    let asked = Permuted::from_octets(frame.get(0)?);
    frame.put(0, asked.solved().octets())
}
