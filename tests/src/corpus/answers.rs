//! What targets answer with, once for each protocol and family, and near misses.

use probe_common::{Address, abi::Protocol, probe::Probe};

use super::{Case, family};
use crate::{
    packet::{Ip, Packet, ethernet, icmp, tcp, udp},
    scene::{PORTS, Sent, State, addresses},
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
    [echoes(v6), segments(v6), datagrams(v6)].concat()
}

fn echoes(v6: bool) -> Vec<Case> {
    let sent = Sent::new(Protocol::Icmp, v6, State::Armed);
    let probe = sent.probe();
    let payload = probe.nonce.0.to_be_bytes();
    let kind = echo_reply_type(v6);
    let with = |identifier: u16, sequence: u16, payload: &[u8]| {
        let reply = icmp::echo(v6, kind, identifier, sequence, payload);
        from(probe.destination, reply)
    };
    let stranger = icmp::echo(v6, kind, probe.port, probe.seq16, &payload);
    let other_flow = PORTS.port(2, PORTS.shard(probe.destination.hash()));
    let case = |name: &str, verdict, packet| {
        Case::new(
            format!("echo-reply-{}-{name}", family(v6)),
            verdict,
            &packet,
        )
    };
    vec![
        case("whole", "valid", echo_reply(sent)),
        case(
            "nonce-only",
            "valid",
            with(probe.port, probe.seq16, &payload),
        ),
        case(
            "from-another",
            "valid",
            from(addresses(v6).stranger, stranger),
        ),
        case(
            "short-nonce",
            "bad_nonce",
            with(probe.port, probe.seq16, &payload[..7]),
        ),
        case(
            "zero-nonce",
            "bad_nonce",
            with(probe.port, probe.seq16, &[0; 8]),
        ),
        case(
            "forged-nonce",
            "bad_nonce",
            with(probe.port, probe.seq16, &[7; 8]),
        ),
        case(
            "other-flow",
            "bad_nonce",
            with(other_flow, probe.seq16, &payload),
        ),
        case("other-slot", "foreign", with(probe.port, 0xfffe, &payload)),
        case(
            "below-range",
            "foreign",
            with(PORTS.base - 1, probe.seq16, &payload),
        ),
        case(
            "above-range",
            "foreign",
            with(PORTS.base + 8, probe.seq16, &payload),
        ),
    ]
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
    let ports = [probe.destination_port, probe.port];
    let elsewhere = tcp::segment(ports, 1, own + 1, syn | ack);
    let not_ours = tcp::segment([80, PORTS.base - 1], 1, own + 1, syn | ack);
    let mut add = |name: &str, verdict, packet| {
        let name = format!("tcp-{}-{name}", family(v6));
        cases.push(Case::new(name, verdict, &packet));
    };
    let stranger = addresses(v6).stranger;
    add(
        "syn-ack-from-another",
        "bad_destination",
        from(stranger, elsewhere),
    );
    add(
        "syn-ack-other-port",
        "pass",
        from(probe.destination, not_ours),
    );
    cases
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
