//! The programs that only the lab loads. Those at the devices of real routers and
//! hosts never drop a packet, nor change a byte of it; the simulated internet stands
//! in place of a network.

#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros hand the context over by value"
)]

mod cursor;
#[path = "../floor.rs"]
mod floor;
mod floor_generator;
#[path = "../frame.rs"]
mod frame;
mod hash;
mod hold;
mod internet;
mod maps;
#[path = "../opaque.rs"]
mod opaque;
mod permute;
mod resize;

use aya_ebpf::{
    bindings::{TC_ACT_UNSPEC, xdp_action},
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};

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

/// XDP at the far end of the vantage point's wire: the simulated internet.
#[xdp]
fn internet(ctx: XdpContext) -> u32 {
    internet::answer(&ctx)
}

/// TCX egress of a prober: a bare stamp of what leaves.
#[classifier]
fn floor_tx(ctx: TcContext) -> i32 {
    floor::leaves(&ctx);
    TC_ACT_UNSPEC
}

/// XDP of a prober: a bare stamp of what comes back.
#[xdp]
fn floor_rx(ctx: XdpContext) -> u32 {
    if floor::is_back(&ctx) {
        xdp_action::XDP_DROP
    } else {
        xdp_action::XDP_PASS
    }
}

/// XDP that sends and stamps, run on live frames.
#[xdp]
fn floor_generate(ctx: XdpContext) -> u32 {
    floor_generator::generate(&ctx)
}

/// XDP that lets everything pass.
#[xdp(frags)]
fn pass_all(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// XDP that drops everything.
#[xdp(frags)]
fn drop_all(_: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// XDP that is only run on packets of a test's choice.
#[xdp]
fn permute(ctx: XdpContext) -> u32 {
    match permute::permute(&ctx) {
        Some(()) => xdp_action::XDP_PASS,
        None => xdp_action::XDP_ABORTED,
    }
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // A reachable panic must not verify.
    loop {}
}
