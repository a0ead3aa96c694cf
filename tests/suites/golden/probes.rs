//! Any probe, for properties.

use probe_common::{
    Address,
    abi::Protocol,
    identity::{Nonce, Ports},
    probe::{Probe, Tail},
    slot::{ARMED, Record, generation},
    wire::{SlicePut, checksum::Sum},
};
use proptest::prelude::*;

/// Any protocol.
pub(crate) fn protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select(Protocol::ALL)
}

/// Source and destination of one family.
fn addresses() -> impl Strategy<Value = (Address, Address)> {
    let v4 = || any::<[u8; 4]>().prop_map(Address::from_v4);
    let v6 = || {
        let octets = any::<[u8; 16]>().prop_map(Address::from_v6);
        octets.prop_filter("a mapped address", |address| !address.is_v4())
    };
    prop_oneof![(v4(), v4()), (v6(), v6())]
}

/// Any probe that a sender could make, but those of port 65,535: see
/// `an_identifier_of_all_ones_is_a_checksum_that_verifies`.
pub(crate) fn probe() -> impl Strategy<Value = Probe> {
    let path = (
        addresses(),
        protocol(),
        any::<u8>(),
        0u32..1 << 20,
        any::<bool>(),
    );
    let identity = (1024u16..0xffff, any::<u16>(), 1u16.., 1u64..);
    (path, identity, any::<u8>()).prop_map(|(path, identity, ttl)| {
        let ((source, destination), protocol, tos, flow_label, ack) = path;
        let (port, destination_port, seq16, nonce) = identity;
        Probe {
            protocol,
            source,
            destination,
            ttl,
            tos,
            flow_label,
            port,
            destination_port: if protocol == Protocol::Icmp {
                0
            } else {
                destination_port
            },
            seq16,
            nonce: Nonce(nonce),
            ack: ack && protocol == Protocol::Tcp,
        }
    })
}

/// Any contact text that a sender could put in.
pub(crate) fn contact() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=32).prop_map(|half| [half.clone(), half].concat())
}

/// The probe as it leaves, from the IP header on.
pub(crate) fn emit(probe: &Probe, contact: &[u8]) -> Vec<u8> {
    let tail = Tail {
        length: contact.len() as u16,
        sum: Sum::ZERO.add_bytes(contact),
    };
    let mut octets = vec![0; usize::from(probe.length(tail))];
    let text = match probe.protocol {
        Protocol::Tcp => octets.len(),
        Protocol::Icmp | Protocol::Udp => octets.len() - contact.len(),
    };
    let place = probe.emit(tail, &mut SlicePut(&mut octets), 0);
    assert_eq!(place, Some(text));
    for (octet, letter) in octets.iter_mut().skip(text).zip(contact) {
        *octet = *letter;
    }
    octets
}

/// A range of ports with the probe's at its begin.
pub(crate) fn ports(probe: &Probe) -> Ports {
    Ports::new(probe.port, 1, 0)
}

/// The record of the probe's slot when it has left.
pub(crate) fn record(probe: &Probe) -> Record {
    Record {
        nonce: probe.nonce.0,
        previous_nonce: 0,
        tx_ns: 1,
        state: generation(probe.nonce) | ARMED,
        destination_hash: probe.destination.hash(),
        target: 0,
        round: 0,
        flow: 0,
        ttl: probe.ttl,
        protocol: probe.protocol as u8,
        source_sum: probe.source.sum().fold(),
        tuple_sum: probe.tuple_sum(),
        tx_source: 1,
        seat: 0,
        user_ns: 0,
    }
}
