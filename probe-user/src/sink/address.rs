//! Text of addresses, as the standard library has it, without its detours.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use itoa::Buffer;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends an address (IPv6: RFC 5952).
pub(super) fn append(text: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => append_v4(text, v4),
        IpAddr::V6(v6) => append_v6(text, v6),
    }
}

fn append_v4(text: &mut Vec<u8>, address: Ipv4Addr) {
    let mut digits = Buffer::new();
    let [first, rest @ ..] = address.octets();
    text.extend_from_slice(digits.format(first).as_bytes());
    for octet in rest {
        text.push(b'.');
        text.extend_from_slice(digits.format(octet).as_bytes());
    }
}

fn append_v6(text: &mut Vec<u8>, address: Ipv6Addr) {
    if let Some(v4) = address.to_ipv4_mapped() {
        text.extend_from_slice(b"::ffff:");
        return append_v4(text, v4);
    }
    let segments = address.segments();
    let zeros = longest_zeros(&segments);
    for (index, &segment) in segments.iter().enumerate() {
        if index == zeros.start && !zeros.is_empty() {
            text.extend_from_slice(b"::");
        }
        if zeros.contains(&index) {
            continue;
        }
        if index > 0 && index != zeros.end {
            text.push(b':');
        }
        append_segment(text, segment);
    }
}

/// The first of the longest runs of at least two zeros, which the text leaves out.
fn longest_zeros(segments: &[u16; 8]) -> Range<usize> {
    let (mut longest, mut begin) = (0..0, 0);
    for (index, &segment) in segments.iter().enumerate() {
        if segment != 0 {
            begin = index + 1;
        } else if index + 1 - begin > longest.len().max(1) {
            longest = begin..index + 1;
        }
    }
    longest
}

/// In hexadecimal without leading zeros.
fn append_segment(text: &mut Vec<u8>, segment: u16) {
    let mut leading = true;
    for shift in [12, 8, 4, 0] {
        let digit = usize::from(segment >> shift & 0xf);
        leading &= digit == 0 && shift > 0;
        if !leading {
            text.extend(HEX_DIGITS.get(digit));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn an_address_reads_as_in_the_standard_library(address in arbitrary::address()) {
            let mut text = Vec::new();
            append(&mut text, address);
            prop_assert_eq!(String::from_utf8_lossy(&text), address.to_string());
        }
    }
}
