//! What the two versions of IP have in common.

use super::{Bounded, Cursor, Read, ipv4, ipv6};
use crate::Address;

/// Protocol numbers (IANA).
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
}

/// An IP header, either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// Transport protocol (behind extension headers).
    pub protocol: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Whether this is version 6.
    pub v6: bool,
    /// Identification (0 for version 6).
    pub id: u16,
    /// Whether this is a fragment other than the first: no transport header follows.
    pub later_fragment: bool,
    /// Length of header and payload, as stated, bytes.
    pub length: u16,
}

/// Reads the header of a packet whose link layer said which version it is.
///
/// The returned cursor ends with the packet as the header states its length.
#[inline(always)]
pub fn read<C: Cursor>(cursor: C, v6: bool) -> Read<(Header, Bounded<C>)> {
    if v6 {
        ipv6::read(cursor)
    } else {
        ipv4::read(cursor)
    }
}
