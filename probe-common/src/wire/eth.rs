//! Ethernet II with up to two VLAN tags (IEEE 802.1Q, 802.1ad).

use super::Cursor;

/// Ethertype of IPv4.
pub const IPV4: u16 = 0x0800;
/// Ethertype of IPv6.
pub const IPV6: u16 = 0x86dd;
/// Octets of a header without tags.
pub const LENGTH: usize = 14;

/// Octets of the two addresses.
const ADDRESSES: u16 = 12;
/// Octets of a tag.
const TAG: u16 = 4;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;

/// The ethertype behind the addresses and at most two tags, and the octets up to
/// and with it; moves past them.
#[inline(always)]
pub fn read<C: Cursor>(cursor: &mut C) -> Option<(u16, u16)> {
    cursor.skip(ADDRESSES)?;
    let ethertype = u16::from_be_bytes(cursor.take()?);
    if ethertype != VLAN && ethertype != SERVICE_VLAN {
        return Some((ethertype, LENGTH as u16));
    }
    let ethertype = tag(cursor)?;
    if ethertype != VLAN {
        return Some((ethertype, LENGTH as u16 + TAG));
    }
    Some((tag(cursor)?, LENGTH as u16 + 2 * TAG))
}

/// A header: destination, source, ethertype.
#[inline(always)]
pub const fn header(destination: [u8; 6], source: [u8; 6], ethertype: u16) -> [u8; LENGTH] {
    let [a, b, c, d, e, f] = destination;
    let [g, h, i, j, k, l] = source;
    let [m, n] = ethertype.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n]
}

#[inline(always)]
fn tag<C: Cursor>(cursor: &mut C) -> Option<u16> {
    cursor.skip(2)?;
    Some(u16::from_be_bytes(cursor.take()?))
}
