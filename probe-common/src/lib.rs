//! What both sides of the kernel boundary agree on, in one copy that the
//! kernel can run.
//!
//! * [`abi`]: records, counters and names shared through maps;
//! * [`wire`]: packet formats, read through a [`wire::Cursor`] and emitted
//!   through a [`wire::Put`];
//! * [`identity`]: how a probe is named on the wire (port, index, nonce) and
//!   how that name leads back to its slot;
//! * [`probe`]: a probe as bytes, and those bytes (sent or quoted) as a probe;
//! * [`plan`]: the probes of a sweep as numbers, and [`permutation`]: their order;
//! * [`arrears`]: what a stall costs a sweep, and how it is made up for;
//! * [`adaptive`]: which probes of a path replies make unnecessary;
//! * [`reply_ttl`]: how far a reply came;
//! * [`classify`]: is this packet a candidate reply, and to what;
//! * [`verdict`]: does the slot agree;
//! * [`lab`]: the truth about the lab's simulated internet.
//!
//! Rules, because the compiled program must pass the kernel's verifier: no
//! unsafe, no panics, no indexing by a variable, no `u128`, no loop without a
//! constant bound, everything inlined.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

pub mod abi;
pub mod adaptive;
pub mod address;
pub mod arrears;
pub mod classify;
pub mod identity;
pub mod lab;
pub mod permutation;
pub mod plan;
pub mod probe;
pub mod reply_ttl;
pub mod slot;
pub mod verdict;
pub mod wire;

pub use address::Address;
