//! What targets answer with, once for each protocol and family, and near misses.

use probe_common::{Address, abi::Protocol, probe::Probe};

use super::{Case, family};
use crate::{
    packet::{Ip, Packet, ethernet, icmp, tcp, udp},
    scene::{Addresses, PORTS, Sent, State, addresses},
};

/// Type of an echo reply.
pub(super) fn echo_reply_type(v6: bool) -> u8 {
    if v6 { 129 } else { 0 }
}

/// A frame from `source` to us.
pub(super) fn from(source: Address, transport: crate::packet::Transport) -> Packet {
    let us = addresses(!source.is_v4()).us;
    ethernet::frame(Ip::between(source, us).carrying(transport))
}

/// The echo reply to a probe, its payload as it came.
pub(super) fn echo_reply(sent: Sent) -> Packet {
    let probe = sent.probe();
    let octets = sent.octets();
    let payload = &octets[if sent.v6 { 48 } else { 28 }..];
    let kind = echo_reply_type(sent.v6);
    let reply = icmp::echo(sent.v6, kind, probe.port, probe.seq16, payload);
    from(probe.destination, reply)
}

/// The sequence number of a TCP probe.
pub(super) fn sequence(probe: &Probe) -> u32 {
    u32::from(probe.seq16) << 16 | u32::from(probe.nonce.narrow())
}

/// A segment from the probe's port of the target to the probe's own.
pub(super) fn segment(probe: &Probe, sequence: u32, acknowledgement: u32, flags: u8) -> Packet {
    let ports = [probe.destination_port, probe.port];
    let segment = tcp::segment(ports, sequence, acknowledgement, flags);
    from(probe.destination, segment)
}

/// The answer of a closed or open port to a probe of any protocol.
pub(super) fn answer(sent: Sent) -> Packet {
    let probe = sent.probe();
    match sent.protocol {
        Protocol::Icmp => echo_reply(sent),
        Protocol::Tcp => segment(&probe, 9, sequence(&probe) + 1, tcp::SYN | tcp::ACK),
        Protocol::Udp => super::errors::port_unreachable(sent),
    }
}

pub(super) fn cases() -> Vec<Case> {
    [false, true].into_iter().flat_map(of_family).collect()
}

fn of_family(v6: bool) -> Vec<Case> {
    let sent = Sent::new(Protocol::Icmp, v6, State::Armed);
    let name = format!("echo-reply-{}-whole", family(v6));
    let whole = Case::new(name, "valid", &echo_reply(sent));
    [vec![whole], echoes(v6), segments(v6), datagrams(v6)].concat()
}

/// Name, verdict, responder, identifier, sequence number, payload.
type Echo<'a> = (&'a str, &'a str, Address, u16, u16, &'a [u8]);

fn echoes(v6: bool) -> Vec<Case> {
    let probe = Sent::new(Protocol::Icmp, v6, State::Armed).probe();
    let (port, seq16) = (probe.port, probe.seq16);
    let nonce = &probe.nonce.0.to_be_bytes();
    let other_flow = PORTS.port(2, PORTS.shard(probe.destination.hash()));
    let Addresses {
        target, stranger, ..
    } = addresses(v6);
    let replies: [Echo<'_>; 9] = [
        ("nonce-only", "valid", target, port, seq16, nonce),
        ("from-another", "valid", stranger, port, seq16, nonce),
        ("short-nonce", "bad_nonce", target, port, seq16, &nonce[..7]),
        ("zero-nonce", "bad_nonce", target, port, seq16, &[0; 8]),
        ("forged-nonce", "bad_nonce", target, port, seq16, &[7; 8]),
        ("other-flow", "bad_nonce", target, other_flow, seq16, nonce),
        ("other-slot", "foreign", target, port, 0xfffe, nonce),
        (
            "below-range",
            "foreign",
            target,
            PORTS.base - 1,
            seq16,
            nonce,
        ),
        (
            "above-range",
            "foreign",
            target,
            PORTS.base + 8,
            seq16,
            nonce,
        ),
    ];
    let cases = replies.map(|(name, verdict, responder, port, seq16, payload)| {
        let reply = icmp::echo(v6, echo_reply_type(v6), port, seq16, payload);
        let name = format!("echo-reply-{}-{name}", family(v6));
        Case::new(name, verdict, &from(responder, reply))
    });
    cases.to_vec()
}

fn segments(v6: bool) -> Vec<Case> {
    let probe = Sent::new(Protocol::Tcp, v6, State::Armed).probe();
    let own = sequence(&probe);
    let case = |name: &str, verdict, sequence: u32, acknowledgement: u32, flags| {
        let packet = segment(&probe, sequence, acknowledgement, flags);
        Case::new(format!("tcp-{}-{name}", family(v6)), verdict, &packet)
    };
    let (syn, ack, rst, fin) = (tcp::SYN, tcp::ACK, tcp::RST, tcp::FIN);
    let mut cases = vec![
        case("syn-ack", "valid", 0xfeed_beef, own + 1, syn | ack),
        case("rst-ack", "valid", 0, own + 1, rst | ack),
        case("rst", "valid", own + 1, 0, rst),
        case("ack", "valid", 77, own + 1, ack),
        case("ack-push", "valid", 77, own + 1, ack | 0x08),
        case("syn-ack-ecn", "valid", 1, own + 1, syn | ack | 0x40),
        case("syn-ack-of-the-isn", "bad_nonce", 1, own, syn | ack),
        case("syn-ack-forged", "bad_nonce", 1, own ^ 0xff, syn | ack),
        case("rst-of-nothing", "foreign", 0, 0, rst),
        case("rst-other-slot", "foreign", 0, own + 0x7000_0001, rst | ack),
        case("syn", "pass", 1, own + 1, syn),
        case("fin-ack", "pass", 1, own + 1, fin | ack),
        case("no-flags", "pass", own + 1, own + 1, 0),
    ];
    cases.extend(misdirected_segments(v6));
    cases
}

/// The right number from the wrong address, or to a port of others.
fn misdirected_segments(v6: bool) -> [Case; 2] {
    let probe = Sent::new(Protocol::Tcp, v6, State::Armed).probe();
    let case = |name: &str, verdict, responder, port| {
        let ports = [probe.destination_port, port];
        let segment = tcp::segment(ports, 1, sequence(&probe) + 1, tcp::SYN | tcp::ACK);
        let name = format!("tcp-{}-{name}", family(v6));
        Case::new(name, verdict, &from(responder, segment))
    };
    let Addresses {
        target, stranger, ..
    } = addresses(v6);
    [
        case(
            "syn-ack-from-another",
            "bad_destination",
            stranger,
            probe.port,
        ),
        case("syn-ack-other-port", "pass", target, PORTS.base - 1),
    ]
}

fn datagrams(v6: bool) -> Vec<Case> {
    let probe = Sent::new(Protocol::Udp, v6, State::Armed).probe();
    let case = |name: &str, verdict, port, data: &[u8]| {
        let datagram = udp::datagram([probe.destination_port, port], data);
        let name = format!("udp-{}-{name}", family(v6));
        Case::new(name, verdict, &from(probe.destination, datagram))
    };
    vec![
        case("data", "unindexed", probe.port, b"hello"),
        case("no-data", "unindexed", probe.port, b""),
        case("first-port", "unindexed", PORTS.base, b"x"),
        case("last-port", "unindexed", PORTS.base + 7, b"x"),
        case("other-port", "pass", PORTS.base + 8, b"hello"),
    ]
}
