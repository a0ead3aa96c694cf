//! A probe that left, answered: whatever the quote went through, it is found
//! right, and of the right kind.

use probe_common::{
    Address,
    abi::{Flags, Grade, Kind, Protocol},
    classify::{Candidate, Finding, classify},
    probe::Probe,
    verdict::{Verdict, judge},
    wire::SliceCursor,
};
use probe_tests::packet::{Extension, Ip, Packet, Quote, Transport, icmp, tcp};
use proptest::prelude::*;

use crate::probes;

/// What a packet is to a run of this one probe.
fn find(probe: &Probe, packet: &[u8]) -> Option<(Candidate, Verdict)> {
    match classify(
        SliceCursor::new(packet),
        probe.is_v6(),
        probes::ports(probe),
    ) {
        Finding::Reply(candidate) => Some((candidate, judge(&candidate, &probes::record(probe)))),
        _ => None,
    }
}

/// The kind and flags of a packet that answers the probe.
#[track_caller]
fn right(probe: &Probe, packet: &Packet) -> (Kind, Flags) {
    let (candidate, verdict) = find(probe, &packet.octets()).expect("an answer");
    assert_eq!((candidate.shard, candidate.seq16), (0, probe.seq16));
    match verdict {
        Verdict::Right(flags) => (candidate.kind, flags),
        Verdict::Rejected(reason) => panic!("{}", reason.name()),
    }
}

fn router(v6: bool) -> Address {
    if v6 {
        Address::from_v6([0xfd; 16])
    } else {
        Address::from_v4([100, 64, 0, 1])
    }
}

fn error(probe: &Probe, rest: [u8; 4], quote: &Quote) -> Packet {
    let v6 = probe.is_v6();
    let message = icmp::error(v6, if v6 { 3 } else { 11 }, 0, rest, quote.layers());
    Ip::between(router(v6), probe.source).carrying(message)
}

fn quote(probe: &Probe, contact: &[u8]) -> Quote {
    Quote::of(&probes::emit(probe, contact)).ttl(1)
}

/// Octets of a quote, header included, that name the probe.
fn least(probe: &Probe) -> usize {
    match (probe.is_v6(), probe.protocol) {
        (false, _) => 28,
        (true, Protocol::Tcp) => 48,
        (true, Protocol::Icmp) => 56,
        (true, Protocol::Udp) => 58,
    }
}

/// The address of a NAT's inside, or of a cloud's.
fn inside(v6: bool, octets: [u8; 4]) -> Address {
    let [a, b, c, d] = octets;
    if v6 {
        Address::from_v6([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, a, b, c, d])
    } else {
        Address::from_v4(octets)
    }
}

proptest! {
    #[test]
    fn a_quote_of_any_length_that_names_the_probe_is_enough(
        probe in probes::probe(),
        contact in probes::contact(),
        more in 0usize..200,
        ttl in any::<u8>(),
    ) {
        let quote = quote(&probe, &contact).ttl(ttl);
        let whole = quote.layers().concat().len();
        let length = (least(&probe) + more).min(whole);
        let (kind, flags) = right(&probe, &error(&probe, [0; 4], &quote.clone().resized(length)));
        prop_assert_eq!(kind, Kind::TimeExceeded);
        prop_assert_eq!(flags.grade(), Grade::A);
        prop_assert!(!flags.nat());
        for padded in [whole.max(128), 1_232] {
            right(&probe, &error(&probe, [0; 4], &quote.clone().resized(padded)));
        }
    }

    #[test]
    fn a_stated_quote_with_extensions_is_right(probe in probes::probe(), contact in probes::contact()) {
        let quote = quote(&probe, &contact).resized(160);
        let mut layers = quote.layers();
        layers.push(icmp::mpls_extension(16, 1));
        let v6 = probe.is_v6();
        let rest = if v6 { [20, 0, 0, 0] } else { [0, 40, 0, 0] };
        let message = icmp::error(v6, if v6 { 3 } else { 11 }, 0, rest, layers);
        let packet = Ip::between(router(v6), probe.source).carrying(message);
        let (kind, flags) = right(&probe, &packet);
        prop_assert_eq!(kind, Kind::TimeExceeded);
        prop_assert_ne!(flags.0 & Flags::EXTENDED, 0);
    }

    #[test]
    fn a_nat_that_mends_the_checksum_is_grade_b_in_short_quotes(
        probe in probes::probe(),
        octets in any::<[u8; 4]>(),
        contact in probes::contact(),
    ) {
        let probe = Probe { protocol: Protocol::Udp, ack: false, ..probe };
        let inside = inside(probe.is_v6(), octets);
        prop_assume!(inside.sum().fold() != probe.source.sum().fold());
        let quote = quote(&probe, &contact).translated(inside, probe.port);
        // A quote that shows 64 bits needs no checksum to be sure.
        let (_, flags) = right(&probe, &error(&probe, [0; 4], &quote));
        prop_assert!(flags.nat());
        prop_assert_eq!(flags.grade(), Grade::A);
        if !probe.is_v6() {
            let (_, flags) = right(&probe, &error(&probe, [0; 4], &quote.keep(8)));
            prop_assert!(flags.nat());
            prop_assert_eq!(flags.grade(), Grade::B);
        }
    }

    #[test]
    fn a_source_rewritten_without_its_checksum_is_grade_a_and_nat(
        probe in probes::probe(),
        octets in any::<[u8; 4]>(),
    ) {
        let inside = inside(probe.is_v6(), octets);
        prop_assume!(inside.sum().fold() != probe.source.sum().fold());
        let quote = quote(&probe, &[]).source(inside).resized(least(&probe));
        let (_, flags) = right(&probe, &error(&probe, [0; 4], &quote));
        prop_assert!(flags.nat());
        prop_assert_eq!(flags.grade(), Grade::A);
    }

    #[test]
    fn tos_and_ttl_of_the_quote_do_not_matter_and_are_told(
        probe in probes::probe(),
        ttl in any::<u8>(),
        tos in any::<u8>(),
    ) {
        let quote = quote(&probe, &[]).ttl(ttl).tos(tos);
        let packet = error(&probe, [0; 4], &quote).octets();
        let (candidate, verdict) = find(&probe, &packet).unwrap();
        prop_assert!(matches!(verdict, Verdict::Right(_)));
        prop_assert_eq!((candidate.quoted.ttl, candidate.quoted.tos), (ttl, tos));
    }

    #[test]
    fn an_echo_reply_from_anywhere_with_the_nonce_is_right(probe in probes::probe(), contact in probes::contact()) {
        let probe = Probe { protocol: Protocol::Icmp, ack: false, ..probe };
        let octets = probes::emit(&probe, &contact);
        let v6 = probe.is_v6();
        let (payload, kind) = if v6 { (48, 129) } else { (28, 0) };
        let reply = icmp::echo(v6, kind, probe.port, probe.seq16, &octets[payload..]);
        for responder in [probe.destination, router(v6)] {
            let packet = Ip::between(responder, probe.source).carrying(reply.clone());
            prop_assert_eq!(right(&probe, &packet), (Kind::EchoReply, Flags(0)));
        }
    }

    #[test]
    fn a_segment_is_what_its_flags_say(probe in probes::probe(), isn in any::<u32>()) {
        let probe = Probe { protocol: Protocol::Tcp, ack: false, ..probe };
        let octets = probes::emit(&probe, &[]);
        let start = if probe.is_v6() { 44 } else { 24 };
        let sent = u32::from_be_bytes(octets[start..start + 4].try_into().unwrap());
        let next = sent.wrapping_add(1);
        let ports = [probe.destination_port, probe.port];
        for (kind, segment) in [
            (Kind::SynAck, tcp::segment(ports, isn, next, tcp::SYN | tcp::ACK)),
            (Kind::Rst, tcp::segment(ports, 0, next, tcp::RST | tcp::ACK)),
            (Kind::Rst, tcp::segment(ports, next, 0, tcp::RST)),
            (Kind::Ack, tcp::segment(ports, isn, next, tcp::ACK)),
        ] {
            let packet = Ip::between(probe.destination, probe.source).carrying(segment);
            prop_assert_eq!(right(&probe, &packet), (kind, Flags(Flags::NARROW)));
        }
    }

    #[test]
    fn a_reset_of_an_ack_probe_is_right(probe in probes::probe()) {
        // RFC 9293 section 3.10.7.1: the reset takes its number from the ACK.
        let probe = Probe { protocol: Protocol::Tcp, ack: true, ..probe };
        let octets = probes::emit(&probe, &[]);
        let start = if probe.is_v6() { 48 } else { 28 };
        let acknowledged = u32::from_be_bytes(octets[start..start + 4].try_into().unwrap());
        let ports = [probe.destination_port, probe.port];
        let reset = tcp::segment(ports, acknowledged, 0, tcp::RST);
        let packet = Ip::between(probe.destination, probe.source).carrying(reset);
        prop_assert_eq!(right(&probe, &packet).0, Kind::Rst);
    }

    #[test]
    fn what_stands_around_a_reply_does_not_change_it(
        probe in probes::probe(),
        options in 0usize..=10,
        extensions in 0u8..=4,
        behind in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let quote = quote(&probe, &[]);
        let plain = error(&probe, [0; 4], &quote);
        let v6 = probe.is_v6();
        let ip = Ip {
            options: vec![1; 4 * options],
            extensions: (0..extensions).map(Extension::destination).collect(),
            ..Ip::between(router(v6), probe.source)
        };
        let message: Transport = icmp::error(v6, if v6 { 3 } else { 11 }, 0, [0; 4], quote.layers());
        let dressed = ip.carrying(message).followed_by(&behind);
        let [plain, dressed] = [plain, dressed].map(|packet| undressed(find(&probe, &packet.octets())));
        prop_assert_eq!(plain, dressed);
    }
}

/// What was found, but for the length of the packet around it.
fn undressed(found: Option<(Candidate, Verdict)>) -> Option<(Candidate, Verdict)> {
    let (mut candidate, verdict) = found?;
    candidate.extent.packet = 0;
    Some((candidate, verdict))
}
