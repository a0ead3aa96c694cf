//! Flow hashes, which no wire carries.
//!
//! A packet keeps the hash that its sending socket drew at random while it goes from
//! namespace to namespace over veths, and a router with multipath hash policy 1
//! takes that for the packet's (`fib_multipath_hash`, short-circuit on `l4_hash`):
//! two sockets of one flow would take two arms.

#![expect(unsafe_code, reason = "a kernel helper is called")]

use aya_ebpf::{EbpfContext as _, helpers::bpf_set_hash_invalid, programs::TcContext};

/// Makes the kernel compute the hash anew, from the packet.
#[inline(always)]
pub(crate) fn forget(ctx: &TcContext) {
    // SAFETY: the helper is allowed in this program type, on its own context.
    unsafe { bpf_set_hash_invalid(ctx.as_ptr().cast()) };
}
