//! Every ICMP error, by type and code.

use probe_common::abi::Protocol;

use super::{Case, answers::from, family};
use crate::{
    packet::{Layers, Packet, Quote, icmp},
    scene::{Sent, State, addresses},
};

/// Octets of a v4 quote behind the IP header that every router sends (RFC 792).
const LEAST_QUOTE: usize = 8;

/// Type of a time-exceeded message.
pub(super) fn time_exceeded_type(v6: bool) -> u8 {
    if v6 { 3 } else { 11 }
}

/// The quote that a router of the family sends at least: eight octets of
/// transport for IPv4; for IPv6 the whole packet (RFC 4443).
pub(super) fn usual_quote(sent: Sent) -> Layers {
    let quote = Quote::of(&sent.octets()).ttl(1);
    if sent.v6 {
        quote.layers()
    } else {
        quote.keep(LEAST_QUOTE).layers()
    }
}

/// A time-exceeded message of a router with this quote.
pub(super) fn time_exceeded(v6: bool, quote: Layers) -> Packet {
    let message = icmp::error(v6, time_exceeded_type(v6), 0, [0; 4], quote);
    from(addresses(v6).router, message)
}

/// The target's port-unreachable message.
pub(super) fn port_unreachable(sent: Sent) -> Packet {
    let (kind, code) = if sent.v6 { (1, 4) } else { (3, 3) };
    let message = icmp::error(sent.v6, kind, code, [0; 4], usual_quote(sent));
    from(addresses(sent.v6).target, message)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for v6 in [false, true] {
        for protocol in Protocol::ALL {
            let sent = Sent::new(*protocol, v6, State::Armed);
            cases.extend(messages(v6).map(|message| case(sent, message)));
        }
    }
    cases
}

/// Type, code, the four octets behind the checksum, and the verdict.
type Message = (u8, u8, [u8; 4], &'static str);

fn messages(v6: bool) -> impl Iterator<Item = Message> {
    let (unreachable, codes) = if v6 { (1, 0..=9) } else { (3, 0..=16) };
    let every_code = codes.map(move |code| (unreachable, code, [0; 4], "valid"));
    every_code.chain(other_messages(v6).iter().copied())
}

fn other_messages(v6: bool) -> &'static [Message] {
    if v6 {
        &[
            (2, 0, [0, 0, 0x05, 0x00], "valid"),
            (2, 0, [0, 1, 0x86, 0xa0], "valid"),
            (3, 0, [0; 4], "valid"),
            (3, 1, [0; 4], "valid"),
            (4, 0, [0, 0, 0, 6], "valid"),
            (4, 2, [0, 0, 0, 40], "valid"),
            (0, 0, [0; 4], "pass"),
            (5, 0, [0; 4], "pass"),
            (100, 0, [0; 4], "pass"),
            (137, 0, [0; 4], "pass"),
        ]
    } else {
        &[
            (3, 4, [0, 0, 0x05, 0x00], "valid"),
            (11, 0, [0; 4], "valid"),
            (11, 1, [0; 4], "valid"),
            (12, 0, [8, 0, 0, 0], "valid"),
            (12, 1, [0; 4], "valid"),
            (4, 0, [0; 4], "pass"),
            (5, 1, [8, 0, 0, 2], "pass"),
            (13, 0, [0; 4], "pass"),
            (255, 255, [0xff; 4], "pass"),
        ]
    }
}

fn case(sent: Sent, (kind, code, rest, verdict): Message) -> Case {
    let message = icmp::error(sent.v6, kind, code, rest, usual_quote(sent));
    let [high, low] = [rest[2], rest[3]];
    let name = format!(
        "{}-{}-type-{kind}-code-{code}-{high:02x}{low:02x}",
        sent.protocol.name(),
        family(sent.v6),
    );
    Case::new(name, verdict, &from(addresses(sent.v6).router, message))
}
