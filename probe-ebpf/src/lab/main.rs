//! The programs that only the lab loads: the stamps of the delay responder.
//!
//! They watch and never change or drop a packet.

#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros hand the context over by value"
)]

mod cursor;
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

#[cfg(not(target_arch = "bpf"))]
fn main() {}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // A reachable panic must not verify.
    loop {}
}
