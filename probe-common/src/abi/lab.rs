//! What the lab's kernel programs share with the lab: above all the true time that
//! a delay responder held an echo, stamped at its own device.

use bytemuck::{Pod, Zeroable};

/// TCX ingress program: stamps echo requests as they arrive.
pub const STAMP_REQUEST: &str = "stamp_request";
/// TCX egress program: stamps echo replies as they leave.
pub const STAMP_REPLY: &str = "stamp_reply";
/// TCX ingress program: makes a packet as unknown as if it came from a wire.
pub const FORGET_HASH: &str = "forget_hash";
/// Ring buffer of [`Hold`].
pub const HOLDS: &str = "HOLDS";
/// Per-CPU array of `u64`, one for each [`HoldCounter`].
pub const HOLD_COUNTERS: &str = "HOLD_COUNTERS";

/// How long one echo was held, by the kernel's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Hold {
    /// When the request arrived (CLOCK_MONOTONIC, nanoseconds).
    pub in_ns: u64,
    /// When the reply left (CLOCK_MONOTONIC, nanoseconds).
    pub out_ns: u64,
    /// The low half of the pinged address ([`crate::Address::halves`]).
    pub target_low: [u8; 8],
    /// Identifier of the echo.
    pub identifier: u16,
    /// Sequence number of the echo.
    pub sequence: u16,
    /// Explicit padding.
    pub reserved: u32,
}

/// A counter of the stamp programs; the value is its place in [`HOLD_COUNTERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HoldCounter {
    /// Echo requests stamped.
    Requests,
    /// Echo replies whose request was stamped, handed to the ring.
    Held,
    /// Echo replies whose request was not stamped or has been forgotten.
    Unpaired,
    /// Pairs that found the ring full.
    RingFull,
}

impl HoldCounter {
    /// How many there are.
    pub const COUNT: u32 = 4;
}

const _: () = assert!(size_of::<Hold>() == 32);
