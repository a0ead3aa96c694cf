//! Tags, options, extension headers, fragments and padding around a reply.

use probe_common::abi::Protocol;

use super::{
    Case,
    answers::{answer, echo_reply_type, sequence},
    family,
};
use crate::{
    packet::{
        Extension, Ip, Packet, Transport,
        ethernet::{self, SERVICE_VLAN, VLAN},
        icmp, tcp,
    },
    scene::{Sent, State, addresses},
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for v6 in [false, true] {
        for protocol in Protocol::ALL {
            cases.extend(around(Sent::new(*protocol, v6, State::Armed)));
        }
    }
    for reply in [echo_reply, syn_ack] {
        cases.extend(options(&reply(false)));
        cases.extend(extensions(&reply(true)));
    }
    cases
}

/// A reply and what it is called.
type Reply = (&'static str, Ip, Transport);

fn echo_reply(v6: bool) -> Reply {
    let probe = Sent::new(Protocol::Icmp, v6, State::Armed).probe();
    let nonce = probe.nonce.0.to_be_bytes();
    let reply = icmp::echo(v6, echo_reply_type(v6), probe.port, probe.seq16, &nonce);
    let ip = Ip::between(probe.destination, addresses(v6).us);
    ("echo-reply", ip, reply)
}

fn syn_ack(v6: bool) -> Reply {
    let probe = Sent::new(Protocol::Tcp, v6, State::Armed).probe();
    let ports = [probe.destination_port, probe.port];
    let reply = tcp::segment(ports, 5, sequence(&probe) + 1, tcp::SYN | tcp::ACK);
    let ip = Ip::between(probe.destination, addresses(v6).us);
    ("syn-ack", ip, reply)
}

/// Tags in front, octets behind.
fn around(sent: Sent) -> Vec<Case> {
    let bare = |sent| {
        let mut packet: Packet = answer(sent);
        packet.0.remove(0);
        packet
    };
    let case = |name: &str, verdict, packet| {
        let name = format!("{}-{}-{name}", sent.protocol.name(), family(sent.v6));
        Case::new(name, verdict, &packet)
    };
    let tagged = |tags: &[u16]| ethernet::tagged(tags, bare(sent));
    let other = if sent.v6 {
        ethernet::IPV4
    } else {
        ethernet::IPV6
    };
    vec![
        case("untagged", "valid", tagged(&[])),
        case("tagged", "valid", tagged(&[VLAN])),
        case("service-tagged", "valid", tagged(&[SERVICE_VLAN])),
        case("double-tagged", "valid", tagged(&[SERVICE_VLAN, VLAN])),
        case("old-double-tagged", "valid", tagged(&[VLAN, VLAN])),
        case("triple-tagged", "pass", tagged(&[SERVICE_VLAN, VLAN, VLAN])),
        case("service-inside", "pass", tagged(&[VLAN, SERVICE_VLAN])),
        case(
            "wrong-ethertype",
            "pass",
            ethernet::of_type(&[], other, bare(sent)),
        ),
        case("padded", "valid", answer(sent).followed_by(&[0; 18])),
        case(
            "trailing-octets",
            "valid",
            answer(sent).followed_by(&[0xa5; 300]),
        ),
    ]
}

/// IPv4 options and fragments.
fn options((name, ip, transport): &Reply) -> Vec<Case> {
    let case = |change: &str, verdict, ip: Ip| {
        let packet = ethernet::frame(ip.carrying(transport.clone()));
        Case::new(format!("{name}-v4-{change}"), verdict, &packet)
    };
    let with = |options: &[u8]| Ip {
        options: options.to_vec(),
        ..ip.clone()
    };
    let fragment = |fragment| Ip {
        fragment,
        ..ip.clone()
    };
    vec![
        case("router-alert", "valid", with(&[148, 4, 0, 0])),
        case(
            "record-route",
            "valid",
            with(&[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        case("most-options", "valid", with(&[1; 40])),
        case("dont-fragment", "valid", fragment(0x4000)),
        case("first-fragment", "valid", fragment(0x2000)),
        case("later-fragment", "pass", fragment(0x2003)),
        case("last-fragment", "pass", fragment(0x0100)),
    ]
}

/// IPv6 extension headers and fragments.
fn extensions((name, ip, transport): &Reply) -> Vec<Case> {
    let hop = Extension::hop_by_hop;
    let routing = Extension::routing;
    let authentication = Extension::authentication;
    let options = Extension::destination;
    let fragment = Extension::fragment;
    let four = vec![hop(0), routing(0), fragment(0, true), options(0)];
    let five = [&[hop(0)][..], &vec![options(0); 4]].concat();
    let chains = [
        ("hop-by-hop", "valid", vec![hop(0)]),
        ("destination-options", "valid", vec![options(3)]),
        ("routing", "valid", vec![routing(2)]),
        ("authentication", "valid", vec![authentication(4)]),
        ("authentication-odd", "valid", vec![authentication(5)]),
        ("longest", "valid", vec![options(255)]),
        ("two", "valid", vec![hop(1), options(0)]),
        ("four", "valid", four),
        ("five", "pass", five),
        ("atomic-fragment", "valid", vec![fragment(0, false)]),
        ("first-fragment", "valid", vec![fragment(0, true)]),
        ("later-fragment", "pass", vec![fragment(8, true)]),
        (
            "last-fragment",
            "pass",
            vec![hop(0), fragment(1_240, false)],
        ),
    ];
    let cases = chains.map(|(change, verdict, extensions)| {
        let ip = Ip {
            extensions,
            ..ip.clone()
        };
        let packet = ethernet::frame(ip.carrying(transport.clone()));
        Case::new(format!("{name}-v6-{change}"), verdict, &packet)
    });
    cases.to_vec()
}
