//! The programs that a run loads: receivers (XDP and TCX ingress, from one body)
//! and the stamp (TCX egress).
//!
//! Everything that is not provably ours passes untouched, always.

#![cfg_attr(target_arch = "bpf", no_std, no_main)]
// Rust gives the bpf target no compare-and-swap; the instruction set has it (v3).
#![cfg_attr(
    target_arch = "bpf",
    feature(asm_experimental_arch, core_intrinsics),
    expect(internal_features, reason = "the only way to the atomic instructions")
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the entry points' macros pass contexts by value"
)]

mod atomic;
mod clock;
mod cursor;
mod emit;
mod floor;
mod frame;
mod generate;
mod log;
mod maps;
mod mirror;
mod opaque;
mod rx;
mod trails;
mod tx;

use aya_ebpf::{
    bindings::{TC_ACT_UNSPEC, xdp_action},
    macros::{classifier, raw_tracepoint, xdp},
    programs::{RawTracePointContext, TcContext, XdpContext},
};

use crate::rx::{Hook, Host};

/// Receiver for devices with an Ethernet header.
#[xdp(frags)]
fn rx_xdp(ctx: XdpContext) -> u32 {
    xdp_verdict(rx::receive_frame(&ctx, Hook::Xdp))
}

/// Receiver for devices whose packets begin with the IP header.
#[xdp(frags)]
fn rx_xdp_l3(ctx: XdpContext) -> u32 {
    xdp_verdict(rx::receive_packet(&ctx, Hook::Xdp))
}

/// Receiver behind the driver, beside other programs.
#[classifier]
fn rx_tcx(ctx: TcContext) -> i32 {
    tc_verdict(rx::receive_frame(&ctx, Hook::Tcx))
}

/// Receiver behind the driver for devices whose packets begin with the IP header.
#[classifier]
fn rx_tcx_l3(ctx: TcContext) -> i32 {
    tc_verdict(rx::receive_packet(&ctx, Hook::Tcx))
}

/// Stamp of probes on their way out.
#[classifier]
fn tx_tcx(ctx: TcContext) -> i32 {
    tx::stamp_frame(&ctx);
    TC_ACT_UNSPEC
}

/// Stamp of probes on devices whose packets begin with the IP header.
#[classifier]
fn tx_tcx_l3(ctx: TcContext) -> i32 {
    tx::stamp_packet(&ctx);
    TC_ACT_UNSPEC
}

/// Transmitter, run on live frames.
#[xdp]
#[inline(always)]
fn generate(ctx: XdpContext) -> u32 {
    generate::generate(&ctx)
}

/// What drivers took of frames that were redirected.
#[raw_tracepoint(tracepoint = "xdp_devmap_xmit")]
fn tx_bulk(ctx: RawTracePointContext) -> i32 {
    generate::refusals::of_bulk(&ctx);
    0
}

/// Frames that never got to a driver.
#[raw_tracepoint(tracepoint = "xdp_redirect_err")]
fn tx_error(ctx: RawTracePointContext) -> i32 {
    generate::refusals::of_error(&ctx);
    0
}

/// Bare stamp of what leaves, for who measures what stamps cost.
#[classifier]
fn floor_tx(ctx: TcContext) -> i32 {
    floor::leaves(&ctx);
    TC_ACT_UNSPEC
}

/// Bare stamp of what comes back.
#[xdp]
fn floor_rx(ctx: XdpContext) -> u32 {
    if floor::is_back(&ctx) {
        xdp_action::XDP_DROP
    } else {
        xdp_action::XDP_PASS
    }
}

/// The far end between the two.
#[xdp]
fn floor_mirror(ctx: XdpContext) -> u32 {
    mirror::mirror(&ctx)
}

#[inline(always)]
fn xdp_verdict(host: Host) -> u32 {
    match host {
        Host::Gets => xdp_action::XDP_PASS,
        Host::Spared => xdp_action::XDP_DROP,
    }
}

/// TCX shares its hook: other programs always have their turn.
#[inline(always)]
fn tc_verdict(_: Host) -> i32 {
    TC_ACT_UNSPEC
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never reached: the verifier refuses a program that could come here.
    loop {}
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}
