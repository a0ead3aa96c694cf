//! The Internet checksum by its definition (RFC 1071), octet by octet.

use probe_common::Address;

/// The checksum of `octets`, an odd last one padded by zero.
pub fn internet(octets: &[u8]) -> u16 {
    let mut sum = 0u64;
    for (place, octet) in octets.iter().enumerate() {
        sum += u64::from(*octet) << if place.is_multiple_of(2) { 8 } else { 0 };
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum of a transport segment behind its pseudo header (RFC 768, 8200).
pub fn transport(source: Address, destination: Address, protocol: u8, segment: &[u8]) -> u16 {
    let mut octets = [raw(source), raw(destination)].concat();
    octets.extend((segment.len() as u32).to_be_bytes());
    octets.extend([0, 0, 0, protocol]);
    octets.extend(segment);
    internet(&octets)
}

/// An address as it stands in an IP header: four octets or sixteen.
pub fn raw(address: Address) -> Vec<u8> {
    match address.v4() {
        Some(octets) => octets.to_vec(),
        None => address.octets().to_vec(),
    }
}
