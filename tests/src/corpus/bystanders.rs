//! What passes by: a host's usual traffic.

use probe_common::abi::Protocol;

use super::{Case, PASS, answers::from, family};
use crate::{
    packet::{Ip, Packet, Transport, ethernet, icmp, tcp, udp},
    scene::{PORTS, Sent, State, addresses},
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [false, true].into_iter().flat_map(of_family).collect();
    for (name, ethertype) in [
        ("arp", 0x0806),
        ("lldp", 0x88cc),
        ("mpls", 0x8847),
        ("802.3", 46),
    ] {
        let packet = ethernet::of_type(&[], ethertype, Packet(vec![vec![0x45; 46]]));
        cases.push(Case::new(name, PASS, &packet));
    }
    cases
}

fn of_family(v6: bool) -> Vec<Case> {
    let router = addresses(v6).router;
    let case = |name: &str, transport| {
        let name = format!("{}-{name}", family(v6));
        Case::new(name, PASS, &from(router, transport))
    };
    let other = |protocol| Transport {
        protocol,
        layers: vec![vec![0; 32]],
        checksum: None,
    };
    let request = if v6 { 128 } else { 8 };
    let mut cases = vec![
        case(
            "echo-request",
            icmp::echo(v6, request, PORTS.base, 1, &[0; 12]),
        ),
        case("https", tcp::segment([443, 51_000], 1, 2, tcp::ACK)),
        case(
            "syn-to-us",
            tcp::segment([51_000, PORTS.base], 1, 0, tcp::SYN),
        ),
        case("dns", udp::datagram([53, 5_353], &[0; 40])),
        case(
            "to-the-probed-port",
            udp::datagram([PORTS.base, 33_434], b"x"),
        ),
        case("sctp", other(132)),
        case("igmp", other(2)),
        case("esp", other(50)),
        case("icmp-of-the-other-family", other(if v6 { 1 } else { 58 })),
    ];
    cases.push(own_probe(v6));
    cases
}

/// Our own probe, seen on its way out and in again (loopback).
fn own_probe(v6: bool) -> Case {
    let probe = Sent::new(Protocol::Udp, v6, State::Armed).probe();
    let ip = Ip::between(probe.source, probe.destination);
    let datagram = udp::datagram([probe.port, probe.destination_port], &[1; 12]);
    let packet = ethernet::frame(ip.carrying(datagram));
    Case::new(format!("{}-own-probe", family(v6)), PASS, &packet)
}
