//! IPv4 (RFC 791).

use super::{Bounded, Cursor, Malformed, Put, Read, checksum::Sum, ip::Header};
use crate::Address;

/// Octets of a header without options.
pub const LENGTH: usize = 20;

/// Reads a header and moves past its options.
#[inline(always)]
pub fn read<C: Cursor>(mut cursor: C) -> Read<(Header, Bounded<C>)> {
    let start = u64::from_be_bytes(cursor.take().ok_or(Malformed::Truncated)?);
    let middle = u64::from_be_bytes(cursor.take().ok_or(Malformed::Truncated)?);
    let destination = cursor.take().ok_or(Malformed::Truncated)?;
    let header_length = ((start >> 56) as u16 & 0x0f) << 2;
    let length = (start >> 32) as u16;
    if start >> 60 != 4 || header_length < LENGTH as u16 || length < header_length {
        return Err(Malformed::Header);
    }
    let mut rest = Bounded::new(cursor, length as u32 - LENGTH as u32);
    rest.skip(header_length - LENGTH as u16)
        .ok_or(Malformed::Truncated)?;
    let header = Header {
        source: Address::from_v4((middle as u32).to_be_bytes()),
        destination: Address::from_v4(destination),
        protocol: (middle >> 48) as u8,
        ttl: (middle >> 56) as u8,
        tos: (start >> 48) as u8,
        v6: false,
        id: (start >> 16) as u16,
        later_fragment: start & 0x1fff != 0,
        length,
    };
    Ok((header, rest))
}

/// What a header is made from; both addresses must be mapped IPv4.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Source octets.
    pub source: [u8; 4],
    /// Destination octets.
    pub destination: [u8; 4],
    /// Transport protocol.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// Type of service.
    pub tos: u8,
    /// Identification.
    pub id: u16,
    /// Length of header and payload, bytes.
    pub length: u16,
}

/// Emits a header without options, don't-fragment unset (so that any MTU on the
/// path carries the probe), at `offset`.
#[inline(always)]
pub fn emit<P: Put>(fields: Fields, out: &mut P, offset: usize) -> Option<()> {
    let first = 0x45 << 56
        | (fields.tos as u64) << 48
        | (fields.length as u64) << 32
        | (fields.id as u64) << 16;
    let second = (fields.ttl as u64) << 56
        | (fields.protocol as u64) << 48
        | u32::from_be_bytes(fields.source) as u64;
    let sum = Sum::ZERO
        .add_u64(first)
        .add_u64(second)
        .add4(fields.destination);
    let second = second | (sum.checksum() as u64) << 32;
    // Whole words: each store that is left out counts where millions are made.
    out.put(offset, first.to_be_bytes())?;
    out.put(offset + 8, second.to_be_bytes())?;
    out.put(offset + 16, fields.destination)
}
