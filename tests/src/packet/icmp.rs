//! ICMP and ICMPv6 messages.

use super::{Checksum, Layers, Transport, ip};

/// A message: type, code, the four octets behind the checksum, and a body.
pub fn message(v6: bool, kind: u8, code: u8, rest: [u8; 4], body: &[u8]) -> Transport {
    error(v6, kind, code, rest, vec![body.to_vec()])
}

/// An echo request or reply.
pub fn echo(v6: bool, kind: u8, identifier: u16, sequence: u16, body: &[u8]) -> Transport {
    let [i0, i1] = identifier.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    message(v6, kind, 0, [i0, i1, s0, s1], body)
}

/// An error: as [`message`], with a quote.
pub fn error(v6: bool, kind: u8, code: u8, rest: [u8; 4], quote: Layers) -> Transport {
    let mut layers = vec![[&[kind, code, 0, 0][..], &rest].concat()];
    layers.extend(quote);
    Transport {
        protocol: if v6 { ip::ICMPV6 } else { ip::ICMP },
        layers,
        checksum: Some(Checksum {
            offset: 2,
            pseudo_header: v6,
        }),
    }
}

/// An extension structure of one MPLS label stack entry (RFC 4884, RFC 4950).
pub fn mpls_extension(label: u32, ttl: u8) -> Vec<u8> {
    let entry = (label << 12 | 1 << 8 | u32::from(ttl)).to_be_bytes();
    let mut octets = vec![0x20, 0, 0, 0, 0, 8, 1, 1];
    octets.extend(entry);
    sum_extension(&mut octets);
    octets
}

/// An extension structure that says by which interface a packet came in: index, IPv4
/// address, name (at most seven octets) and MTU (RFC 5837).
pub fn interface_extension(index: u32, address: [u8; 4], name: &str, mtu: u32) -> Vec<u8> {
    let mut padded = [0; 8];
    padded[0] = 8;
    let places = padded.iter_mut().skip(1);
    places
        .zip(name.bytes())
        .for_each(|(place, octet)| *place = octet);
    let mut octets = vec![0x20, 0, 0, 0, 0, 28, 2, 0x0f];
    octets.extend(index.to_be_bytes());
    octets.extend([0, 1, 0, 0]);
    octets.extend(address);
    octets.extend(padded);
    octets.extend(mtu.to_be_bytes());
    sum_extension(&mut octets);
    octets
}

/// Makes the checksum of an extension structure right, if it has room for one.
pub fn sum_extension(octets: &mut [u8]) {
    if let Some(place) = octets.get_mut(2..4) {
        place.fill(0);
    }
    let sum = super::checksum::internet(octets).to_be_bytes();
    if let Some(place) = octets.get_mut(2..4) {
        place.copy_from_slice(&sum);
    }
}
