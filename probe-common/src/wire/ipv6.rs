//! IPv6 (RFC 8200) and a bounded walk over its extension headers.

use super::{Bounded, Cursor, Malformed, Put, Read, ip::Header};
use crate::Address;

/// Octets of the fixed header.
pub const LENGTH: usize = 40;

/// Extension headers that the walk passes before it gives up.
pub const MAX_EXTENSIONS: usize = 4;

/// Protocol numbers below 64 as bits: Hop-by-Hop 0, Routing 43, Fragment 44,
/// Authentication 51, Destination Options 60.
const EXTENSIONS: u64 = 1 | 1 << 43 | FRAGMENT | AUTHENTICATION | 1 << 60;
const FRAGMENT: u64 = 1 << 44;
const AUTHENTICATION: u64 = 1 << 51;

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
    let first = (first as u64) << 32
        | (fields.payload as u64) << 16
        | (fields.protocol as u64) << 8
        | fields.ttl as u64;
    out.put(offset, first.to_be_bytes())?;
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
///
/// Free of branches but for the ways out: each would double the paths that the
/// kernel's verifier follows.
#[inline(always)]
fn walk<C: Cursor>(cursor: &mut Bounded<C>, first: u8) -> Read<(u8, bool)> {
    let mut next = first;
    let mut offset = 0;
    let mut walked = 0;
    while walked < MAX_EXTENSIONS {
        if !is(next, EXTENSIONS) {
            return Ok((next, offset != 0));
        }
        let start = u64::from_be_bytes(cursor.take().ok_or(Malformed::Truncated)?);
        let length = (start >> 48) as u16 & 0xff;
        // Lengths leave out the first 8 octets; AH counts in words of 4 (RFC 4302
        // section 2.2); a fragment header has none (RFC 8200 section 4.5).
        let more = ((length << 3) >> bit(next, AUTHENTICATION)) & all_unless(next, FRAGMENT);
        offset |= (start >> 32) as u16 & 0xfff8 & !all_unless(next, FRAGMENT);
        cursor.skip(more).ok_or(Malformed::Truncated)?;
        next = (start >> 56) as u8;
        walked += 1;
    }
    if is(next, EXTENSIONS) {
        return Err(Malformed::Extensions);
    }
    Ok((next, offset != 0))
}

#[inline(always)]
const fn is(protocol: u8, set: u64) -> bool {
    protocol < 64 && bit(protocol, set) == 1
}

/// 1 if the protocol, below 64, is in the set.
#[inline(always)]
const fn bit(protocol: u8, set: u64) -> u16 {
    (set >> (protocol & 63)) as u16 & 1
}

/// All bits if the protocol, below 64, is not in the set.
#[inline(always)]
const fn all_unless(protocol: u8, set: u64) -> u16 {
    bit(protocol, set).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SliceCursor;

    fn transport(first: u8, extensions: &[u8]) -> Read<(u8, bool)> {
        let mut cursor = Bounded::new(SliceCursor::new(extensions), extensions.len() as u32);
        walk(&mut cursor, first)
    }

    #[test]
    fn the_walk_ends_at_the_transport_header() {
        assert_eq!(transport(58, &[]), Ok((58, false)));
        // Hop-by-Hop of 16 octets, then Destination Options of 8, then TCP.
        let mut chain = [0u8; 24];
        (chain[0], chain[1], chain[16]) = (60, 1, 6);
        assert_eq!(transport(0, &chain), Ok((6, false)));
        // AH of 24 octets: (24 / 4) - 2 = 4.
        let mut authenticated = [0u8; 24];
        (authenticated[0], authenticated[1]) = (17, 4);
        assert_eq!(transport(51, &authenticated), Ok((17, false)));
    }

    #[test]
    fn a_fragment_other_than_the_first_is_told() {
        let first = [58, 255, 0, 1, 0, 0, 0, 0];
        let later = [58, 255, 5, 0x60, 0, 0, 0, 0];
        assert_eq!(transport(44, &first), Ok((58, false)));
        assert_eq!(transport(44, &later), Ok((58, true)));
    }

    #[test]
    fn a_chain_is_followed_as_far_as_the_bound() {
        assert_eq!(transport(0, &[0; 32]), Err(Malformed::Extensions));
        assert_eq!(transport(0, &[0; 12]), Err(Malformed::Truncated));
    }
}
