//! The programs that only the lab loads. They never drop a packet, nor change a byte
//! of it.

#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros hand the context over by value"
)]

mod cursor;
mod hash;
mod hold;

use aya_ebpf::{bindings::TC_ACT_UNSPEC, macros::classifier, programs::TcContext};

/// TCX ingress of the responder's device: echo requests arrive.
#[classifier]
fn stamp_request(ctx: TcContext) -> i32 {
    hold::begin(&ctx);
    TC_ACT_UNSPEC
}

/// TCX egress of the responder's device: echo replies leave.
#[classifier]
fn stamp_reply(ctx: TcContext) -> i32 {
    hold::end(&ctx);
    TC_ACT_UNSPEC
}

/// TCX ingress of a router that chooses between arms.
#[classifier]
fn forget_hash(ctx: TcContext) -> i32 {
    hash::forget(&ctx);
    TC_ACT_UNSPEC
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // A reachable panic must not verify.
    loop {}
}
