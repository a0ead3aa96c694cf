//! What a router said behind its quote, as a few octets.

use std::net::IpAddr;

use super::record::address;
use crate::engine::report::{Extensions, Interface, Interfaces, MplsLabel};

const PRESENT: u8 = 1 << 7;
const HAS_INDEX: u8 = 1;
const HAS_V4: u8 = 2;
const HAS_V6: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_MTU: u8 = 16;

/// Adds labels and interfaces. Of both there is as much as 256 octets of a packet hold,
/// so that counts and lengths fit into one octet.
pub(super) fn encode(extensions: &Extensions, into: &mut Vec<u8>) {
    let count = u8::try_from(extensions.mpls.len()).unwrap_or(u8::MAX);
    into.push(count);
    for label in extensions.mpls.iter().take(usize::from(count)) {
        let low = u32::from(label.tc) << 9 | u32::from(label.s) << 8 | u32::from(label.ttl);
        into.extend((label.label << 12 | low).to_le_bytes());
    }
    let interfaces = extensions.interface.as_ref();
    for interface in roles(interfaces.unwrap_or(&Interfaces::default())) {
        match interface {
            Some(interface) => encode_interface(interface, into),
            None => into.push(0),
        }
    }
}

/// Reads the next; `None` at the end.
pub(super) fn decode(from: &mut &[u8]) -> Option<Extensions> {
    let count = octet(from)?;
    let mut mpls = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let entry = number(from)?;
        mpls.push(MplsLabel {
            label: entry >> 12,
            tc: (entry >> 9) as u8 & 7,
            s: entry >> 8 & 1 == 1,
            ttl: entry as u8,
        });
    }
    let interfaces = Interfaces {
        incoming: decode_interface(from)?,
        sub_ip: decode_interface(from)?,
        outgoing: decode_interface(from)?,
        next_hop: decode_interface(from)?,
    };
    Some(Extensions {
        mpls,
        interface: (interfaces != Interfaces::default()).then_some(interfaces),
    })
}

fn roles(interfaces: &Interfaces) -> [Option<&Interface>; 4] {
    let Interfaces {
        incoming,
        sub_ip,
        outgoing,
        next_hop,
    } = interfaces;
    [incoming, sub_ip, outgoing, next_hop].map(Option::as_ref)
}

fn encode_interface(interface: &Interface, into: &mut Vec<u8>) {
    let place = into.len();
    into.push(0);
    let mut flags = PRESENT;
    if let Some(index) = interface.index {
        flags |= HAS_INDEX;
        into.extend(index.to_le_bytes());
    }
    match interface.address {
        Some(IpAddr::V4(v4)) => {
            flags |= HAS_V4;
            into.extend(v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            flags |= HAS_V6;
            into.extend(v6.octets());
        }
        None => {}
    }
    if let Some(name) = &interface.name
        && let Ok(length) = u8::try_from(name.len())
    {
        flags |= HAS_NAME;
        into.push(length);
        into.extend(name.bytes());
    }
    if let Some(mtu) = interface.mtu {
        flags |= HAS_MTU;
        into.extend(mtu.to_le_bytes());
    }
    if let Some(octet) = into.get_mut(place) {
        *octet = flags;
    }
}

fn decode_interface(from: &mut &[u8]) -> Option<Option<Interface>> {
    let flags = octet(from)?;
    if flags & PRESENT == 0 {
        return Some(None);
    }
    let has = |flag: u8| flags & flag != 0;
    Some(Some(Interface {
        index: if has(HAS_INDEX) {
            Some(number(from)?)
        } else {
            None
        },
        address: if has(HAS_V4 | HAS_V6) {
            Some(address(from, has(HAS_V6))?)
        } else {
            None
        },
        name: if has(HAS_NAME) {
            Some(text(from)?)
        } else {
            None
        },
        mtu: if has(HAS_MTU) {
            Some(number(from)?)
        } else {
            None
        },
    }))
}

fn octet(from: &mut &[u8]) -> Option<u8> {
    let (octet, rest) = from.split_first()?;
    *from = rest;
    Some(*octet)
}

fn number(from: &mut &[u8]) -> Option<u32> {
    let (octets, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u32::from_le_bytes(*octets))
}

fn text(from: &mut &[u8]) -> Option<String> {
    let length = octet(from)?;
    let (octets, rest) = from.split_at_checked(usize::from(length))?;
    *from = rest;
    Some(String::from_utf8_lossy(octets).into_owned())
}
