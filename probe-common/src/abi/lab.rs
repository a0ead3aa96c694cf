//! What the lab's kernel programs share with the lab: names, the true time that a
//! delay responder held an echo, stamped at its own device, and numbers permuted by
//! the kernel. (What the simulated internet counts: [`crate::lab::Traffic`].)

use bytemuck::{Pod, Zeroable};

use crate::permutation::Permutation;

/// TCX ingress program: stamps echo requests as they arrive.
pub const STAMP_REQUEST: &str = "stamp_request";
/// TCX egress program: stamps echo replies as they leave.
pub const STAMP_REPLY: &str = "stamp_reply";
/// TCX ingress program: makes a packet as unknown as if it came from a wire.
pub const FORGET_HASH: &str = "forget_hash";
/// XDP program: the simulated internet.
pub const INTERNET_PROGRAM: &str = "internet";
/// XDP program: lets every packet pass. A veth sends back what its peer's program
/// answers with only if it has a program itself.
pub const PASS_ALL: &str = "pass_all";
/// XDP program: drops every packet.
pub const DROP_ALL: &str = "drop_all";
/// XDP program, only for test runs: solves a [`Permuted`].
pub const PERMUTE: &str = "permute";
/// Read-only global of type [`crate::lab::Internet`], written before the load.
pub const INTERNET: &str = "INTERNET";
/// Per-CPU array of one [`crate::lab::Traffic`].
pub const TRAFFIC: &str = "TRAFFIC";
/// Device map: the simulated internet's own device, twice.
pub const DOUBLES: &str = "DOUBLES";
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

/// A position of a permutation, and the number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Permuted {
    /// The permutation.
    pub permutation: Permutation,
    /// The position.
    pub position: u64,
    /// The number at the position, or [`Self::HOLE`].
    pub number: u64,
}

impl Permuted {
    /// Octets of one.
    pub const LENGTH: usize = size_of::<Self>();
    /// There is no number at the position.
    pub const HOLE: u64 = u64::MAX;

    /// With the number that belongs there.
    #[inline(always)]
    #[must_use]
    pub const fn solved(self) -> Self {
        let number = match self.permutation.at(self.position) {
            Some(number) => number,
            None => Self::HOLE,
        };
        Self { number, ..self }
    }

    /// From a packet.
    #[inline(always)]
    pub fn from_octets(octets: [u8; Self::LENGTH]) -> Self {
        bytemuck::cast(octets)
    }

    /// As a packet.
    #[inline(always)]
    pub fn octets(self) -> [u8; Self::LENGTH] {
        bytemuck::cast(self)
    }
}

const _: () = assert!(size_of::<Hold>() == 32);
const _: () = assert!(Permuted::LENGTH == 48);
