//! IPv6 (RFC 8200) and a bounded walk over its extension headers.

use super::{Bounded, Cursor, Malformed, Put, Read, ip::Header};
use crate::Address;

/// Octets of the fixed header.
pub const LENGTH: usize = 40;

/// Extension headers that the walk passes before it gives up.
pub const MAX_EXTENSIONS: usize = 4;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

/// Reads the fixed header and walks to the transport header.
#[inline(always)]
pub fn read<C: Cursor>(mut cursor: C) -> Read<(Header, Bounded<C>)> {
    let start = u64::from_be_bytes(cursor.take().ok_or(Malformed::Truncated)?);
    if start >> 60 != 6 {
        return Err(Malformed::Header);
    }
    let source = address(&mut cursor)?;
    let destination = address(&mut cursor)?;
    let payload = (start >> 16) as u16;
    let mut rest = Bounded::new(cursor, payload as u32);
    let (protocol, later_fragment) = walk(&mut rest, (start >> 8) as u8)?;
    let header = Header {
        source,
        destination,
        protocol,
        ttl: start as u8,
        tos: (start >> 52) as u8,
        v6: true,
        id: 0,
        later_fragment,
        length: payload.saturating_add(LENGTH as u16),
    };
    Ok((header, rest))
}

/// What a header is made from.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// Transport protocol.
    pub protocol: u8,
    /// Hop limit.
    pub ttl: u8,
    /// Traffic class.
    pub tos: u8,
    /// Flow label, 20 bits (RFC 6437).
    pub flow_label: u32,
    /// Length behind the fixed header, bytes.
    pub payload: u16,
}

/// Emits a header without extensions at `offset`.
#[inline(always)]
pub fn emit<P: Put>(fields: Fields, out: &mut P, offset: usize) -> Option<()> {
    let first = 0x6000_0000 | ((fields.tos as u32) << 20) | (fields.flow_label & 0xf_ffff);
    let [a, b, c, d] = first.to_be_bytes();
    let [e, f] = fields.payload.to_be_bytes();
    out.put(offset, [a, b, c, d, e, f, fields.protocol, fields.ttl])?;
    put_address(fields.source, out, offset + 8)?;
    put_address(fields.destination, out, offset + 24)
}

#[inline(always)]
fn address<C: Cursor>(cursor: &mut C) -> Read<Address> {
    let high = cursor.take().ok_or(Malformed::Truncated)?;
    let low = cursor.take().ok_or(Malformed::Truncated)?;
    Ok(Address::from_halves(high, low))
}

#[inline(always)]
fn put_address<P: Put>(address: Address, out: &mut P, offset: usize) -> Option<()> {
    let (high, low) = address.halves();
    out.put(offset, high)?;
    out.put(offset + 8, low)
}

/// The transport protocol, and whether this is a fragment other than the first.
#[inline(always)]
fn walk<C: Cursor>(cursor: &mut Bounded<C>, first: u8) -> Read<(u8, bool)> {
    let mut next = first;
    let mut walked = 0;
    while walked < MAX_EXTENSIONS {
        let unit = match next {
            HOP_BY_HOP | ROUTING | DESTINATION => 8,
            AUTHENTICATION => 4,
            FRAGMENT => 0,
            _ => return Ok((next, false)),
        };
        let start = u64::from_be_bytes(cursor.take().ok_or(Malformed::Truncated)?);
        let (following, length) = ((start >> 56) as u8, (start >> 48) as u8);
        if next == FRAGMENT {
            if (start >> 32) as u16 & 0xfff8 != 0 {
                return Ok((following, true));
            }
        } else {
            // Lengths leave out the first 8 octets; AH counts in words (RFC 4302 section 2.2).
            let more = if unit == 4 {
                (length as u16).saturating_mul(4)
            } else {
                length as u16 * 8
            };
            cursor.skip(more).ok_or(Malformed::Truncated)?;
        }
        next = following;
        walked += 1;
    }
    match next {
        HOP_BY_HOP | ROUTING | DESTINATION | AUTHENTICATION | FRAGMENT => {
            Err(Malformed::Extensions)
        }
        _ => Ok((next, false)),
    }
}
