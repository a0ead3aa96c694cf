//! What is emitted, checked by another implementation of the wire formats.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use probe_common::{
    abi::Protocol,
    probe::{self, Probe},
    wire::{SliceCursor, ip},
};
use proptest::prelude::*;

use crate::probes;

/// Every checksum of a packet is right, and the headers say what the probe says.
fn assert_sound(probe: &Probe, octets: &[u8]) {
    let sliced = SlicedPacket::from_ip(octets);
    let Ok(SlicedPacket {
        net: Some(net),
        transport: Some(transport),
        ..
    }) = sliced
    else {
        panic!("not a whole packet: {sliced:?}");
    };
    match net {
        NetSlice::Ipv4(packet) => {
            let header = packet.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            assert_eq!(
                (header.time_to_live, header.dont_fragment),
                (probe.ttl, false)
            );
            assert_eq!(usize::from(header.total_len), octets.len());
            assert_transport_v4(probe, &transport, header.source, header.destination);
        }
        NetSlice::Ipv6(packet) => {
            let header = packet.header().to_header();
            assert_eq!(
                (header.hop_limit, header.traffic_class),
                (probe.ttl, probe.tos)
            );
            assert_eq!(header.flow_label.value(), probe.flow_label);
            assert_eq!(usize::from(header.payload_length) + 40, octets.len());
            assert_transport_v6(probe, &transport, header.source, header.destination);
        }
        NetSlice::Arp(_) => panic!("an ARP packet"),
    }
}

fn assert_transport_v4(probe: &Probe, transport: &TransportSlice<'_>, from: [u8; 4], to: [u8; 4]) {
    assert_eq!(probe.source.v4(), Some(from));
    assert_eq!(probe.destination.v4(), Some(to));
    match transport {
        TransportSlice::Icmpv4(message) => {
            let checksum = message.icmp_type().calc_checksum(message.payload());
            assert_eq!(message.checksum(), checksum);
        }
        TransportSlice::Udp(datagram) => {
            let header = datagram.to_header();
            let checksum = header.calc_checksum_ipv4_raw(from, to, datagram.payload());
            assert_eq!(checksum, Ok(header.checksum));
        }
        TransportSlice::Tcp(segment) => {
            let checksum = segment.calc_checksum_ipv4(from, to);
            assert_eq!(checksum, Ok(segment.checksum()));
        }
        other => panic!("not of IPv4: {other:?}"),
    }
}

fn assert_transport_v6(
    probe: &Probe,
    transport: &TransportSlice<'_>,
    from: [u8; 16],
    to: [u8; 16],
) {
    assert_eq!(
        (probe.source.octets(), probe.destination.octets()),
        (from, to)
    );
    match transport {
        TransportSlice::Icmpv6(message) => {
            assert!(message.is_checksum_valid(from, to));
        }
        TransportSlice::Udp(datagram) => {
            let header = datagram.to_header();
            let checksum = header.calc_checksum_ipv6_raw(from, to, datagram.payload());
            assert_eq!(checksum, Ok(header.checksum));
        }
        TransportSlice::Tcp(segment) => {
            let checksum = segment.calc_checksum_ipv6(from, to);
            assert_eq!(checksum, Ok(segment.checksum()));
        }
        other => panic!("not of IPv6: {other:?}"),
    }
}

proptest! {
    #[test]
    fn every_checksum_is_right(probe in probes::probe(), contact in probes::contact()) {
        assert_sound(&probe, &probes::emit(&probe, &contact));
    }

    #[test]
    fn a_probe_as_sent_gives_its_identity_back(probe in probes::probe(), contact in probes::contact()) {
        let octets = probes::emit(&probe, &contact);
        let (header, rest) = ip::read(SliceCursor::new(&octets), probe.is_v6()).unwrap();
        let identity = probe::read(&header, rest).unwrap().unwrap();
        prop_assert_eq!(identity.protocol, probe.protocol);
        prop_assert_eq!(identity.port, probe.port);
        prop_assert_eq!(identity.destination_port, probe.destination_port);
        prop_assert_eq!(identity.seq16, probe.seq16);
        if probe.protocol == Protocol::Tcp {
            prop_assert_eq!(identity.evidence.narrow, Some(probe.nonce.narrow()));
        } else {
            prop_assert_eq!(identity.evidence.wide, probe.nonce.0);
        }
    }

    #[test]
    fn a_udp_checksum_is_the_short_nonce(probe in probes::probe(), contact in probes::contact()) {
        let probe = Probe { protocol: Protocol::Udp, ack: false, ..probe };
        let octets = probes::emit(&probe, &contact);
        let udp = if probe.is_v6() { 40 } else { 20 };
        prop_assert_eq!(&octets[udp + 6..udp + 8], &probe.nonce.narrow().to_be_bytes());
    }
}
