//! Flow hashes, which no wire carries.
//!
//! A packet keeps the hash that its sending socket drew at random while it goes from
//! namespace to namespace over veths, and a router with multipath hash policy 1
//! takes that for the packet's (`fib_multipath_hash`, short-circuit on `l4_hash`):
//! two sockets of one flow would take two arms.

use aya_ebpf::{bindings::BPF_F_INVALIDATE_HASH, programs::TcContext};

/// Makes the kernel compute the hash anew, from the packet.
#[inline(always)]
pub(crate) fn forget(ctx: &TcContext) {
    // Any write can invalidate the hash: here, of an octet by itself.
    if let Ok(octet) = ctx.load::<u8>(0) {
        let _ = ctx.store(0, &octet, u64::from(BPF_F_INVALIDATE_HASH));
    }
}
