//! Packet formats: one protocol a file, each with what it reads and what it emits.
//!
//! Reading goes through a [`Cursor`], so that the same code runs over packet
//! pointers in the kernel and over slices everywhere else. A read hands out
//! arrays of a fixed size by value; nothing is ever read past [`Bounded`]'s end,
//! so trailing bytes cannot change a result.

pub mod checksum;
pub mod cursor;
pub mod eth;
pub mod extension;
pub mod icmp;
pub mod ip;
pub mod ipv4;
pub mod ipv6;
pub mod put;
pub mod tcp;
pub mod udp;

pub use cursor::{Bounded, Cursor, SliceCursor};
pub use put::{Put, SlicePut};

/// Why a packet could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The packet ends inside a header.
    Truncated,
    /// A header contradicts itself.
    Header,
    /// More extension headers than the walk allows.
    Extensions,
}

/// A result of reading.
pub type Read<T> = Result<T, Malformed>;
