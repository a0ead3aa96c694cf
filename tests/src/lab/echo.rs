//! An echo reply, made in place from the frame of its request.

use probe_common::wire::{SliceCursor, checksum::Sum, eth, icmp, ip, ipv4};

const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;
const TTL: u8 = 64;

/// Octets of an IPv6 header.
const IPV6_LENGTH: usize = 40;

/// Turns an Ethernet frame with an ICMP or ICMPv6 echo request, to any address,
/// into the reply; `None` if it holds something else: then it is not to be sent.
pub(crate) fn reply_to(frame: &mut [u8]) -> Option<()> {
    let mut cursor = SliceCursor::new(frame);
    let is_v6 = match eth::read(&mut cursor)?.0 {
        eth::IPV4 => false,
        eth::IPV6 => true,
        _ => return None,
    };
    let (header, mut rest) = ip::read(cursor, is_v6).ok()?;
    let message = icmp::read(&mut rest)?;
    let (protocol, request) = match is_v6 {
        false => (ip::protocol::ICMP, icmp::ECHO_REQUEST),
        true => (ip::protocol::ICMPV6, icmp::ECHO_REQUEST_V6),
    };
    if header.protocol != protocol || header.later_fragment || message.kind != request {
        return None;
    }
    let (link, packet) = frame.split_at_mut_checked(eth::LENGTH)?;
    swap::<6>(link, 0, 6)?;
    match is_v6 {
        false => reply_v4(packet),
        true => reply_v6(packet),
    }
}

fn reply_v4(packet: &mut [u8]) -> Option<()> {
    let header_length = usize::from(packet.first()? & 0x0f) * 4;
    let (header, message) = packet.split_at_mut_checked(header_length)?;
    // Swapping the addresses does not change their sum.
    swap::<4>(header, 12, 16)?;
    set_word_high(header, 8, TTL, 10)?;
    debug_assert!(header_length >= ipv4::LENGTH);
    set_word_high(message, 0, ECHO_REPLY, 2)
}

fn reply_v6(packet: &mut [u8]) -> Option<()> {
    let (header, message) = packet.split_at_mut_checked(IPV6_LENGTH)?;
    // An extension header before the message: not what probes or ping send.
    if *header.get(6)? != ip::protocol::ICMPV6 {
        return None;
    }
    swap::<16>(header, 8, 24)?;
    *header.get_mut(7)? = TTL;
    set_word_high(message, 0, ECHO_REPLY_V6, 2)
}

/// Swaps `N` octets at two offsets.
fn swap<const N: usize>(bytes: &mut [u8], first: usize, second: usize) -> Option<()> {
    let (head, tail) = bytes.split_at_mut_checked(second)?;
    let first = head.get_mut(first..first + N)?;
    first.swap_with_slice(tail.get_mut(..N)?);
    Some(())
}

/// Sets the first octet of the word at `offset` and the checksum over it, which
/// stands at `checksum`, to agree (RFC 1624, equation 3).
fn set_word_high(bytes: &mut [u8], offset: usize, value: u8, checksum: usize) -> Option<()> {
    let old = word(bytes, offset)?;
    *bytes.get_mut(offset)? = value;
    let new = word(bytes, offset)?;
    let sum = Sum::ZERO.add(!word(bytes, checksum)?).add(!old).add(new);
    let updated = bytes.get_mut(checksum..checksum + 2)?;
    updated.copy_from_slice(&sum.checksum().to_be_bytes());
    Some(())
}

fn word(bytes: &[u8], offset: usize) -> Option<u16> {
    let word = bytes.get(offset..offset + 2)?;
    Some(u16::from_be_bytes(word.try_into().ok()?))
}
