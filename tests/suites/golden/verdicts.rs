//! Each line of the table of verdicts, and no panic on anything.

use anyhow::Result;
use probe_common::{
    abi::{Counter, Protocol},
    classify::{Finding, classify},
    identity::{Nonce, Ports},
    probe,
    slot::Record,
    verdict::{Verdict, judge},
    wire::{SliceCursor, ip},
};
use probe_tests::{
    corpus::THEMES,
    packet::{Ip, Packet, Quote, icmp, mutation, tcp},
    scene::{PORTS, Sent, State, V4, emit},
};
use proptest::prelude::*;

fn judged(packet: &Packet, record: &Record) -> Verdict {
    match classify(SliceCursor::new(&packet.octets()), false, PORTS) {
        Finding::Reply(candidate) => judge(&candidate, record),
        other => panic!("{other:?}"),
    }
}

fn time_exceeded(quote: &Quote) -> Packet {
    let message = icmp::error(false, 11, 0, [0; 4], quote.layers());
    Ip::between(V4.router, V4.us).carrying(message)
}

/// A short quote of a scene's probe: index, short nonce and destination.
fn short(sent: Sent) -> Packet {
    time_exceeded(&Quote::of(&sent.octets()).ttl(1).keep(8))
}

#[test]
fn a_slot_never_armed_is_foreign() {
    for protocol in Protocol::ALL {
        let sent = Sent::new(*protocol, false, State::Unstamped);
        let verdict = judged(&short(sent), &sent.record(0));
        assert_eq!(verdict, Verdict::Rejected(Counter::Foreign));
    }
}

#[test]
fn the_nonce_of_the_tenant_before_is_stale_stamped_or_not() {
    for state in [State::Reused, State::ReusedUnstamped] {
        for protocol in Protocol::ALL {
            let sent = Sent::new(*protocol, false, state);
            let mut former = sent.probe();
            former.nonce = sent.previous_nonce();
            let packet = time_exceeded(&Quote::of(&emit(&former)));
            let verdict = judged(&packet, &sent.record(0));
            assert_eq!(verdict, Verdict::Rejected(Counter::Stale), "{protocol:?}");
        }
    }
}

#[test]
fn any_other_nonce_is_wrong() {
    for protocol in Protocol::ALL {
        let sent = Sent::new(*protocol, false, State::Reused);
        let mut forged = sent.probe();
        forged.nonce = Nonce(0x5555_5555_5555_5555);
        let verdict = judged(&time_exceeded(&Quote::of(&emit(&forged))), &sent.record(0));
        assert_eq!(verdict, Verdict::Rejected(Counter::BadNonce));
    }
}

#[test]
fn a_short_nonce_counts_only_with_its_destination() {
    for protocol in Protocol::ALL {
        let sent = Sent::new(*protocol, false, State::Armed);
        let moved = Quote::of(&sent.octets()).destination(V4.stranger).keep(8);
        let verdict = judged(&time_exceeded(&moved), &sent.record(0));
        assert_eq!(verdict, Verdict::Rejected(Counter::BadDestination));
    }
}

#[test]
fn a_segment_from_another_address_counts_for_nothing() {
    let sent = Sent::new(Protocol::Tcp, false, State::Armed);
    let probe = sent.probe();
    let sequence = u32::from(probe.seq16) << 16 | u32::from(probe.nonce.narrow());
    let segment = tcp::segment([80, probe.port], 1, sequence + 1, tcp::SYN | tcp::ACK);
    let packet = Ip::between(V4.stranger, V4.us).carrying(segment);
    let verdict = judged(&packet, &sent.record(0));
    assert_eq!(verdict, Verdict::Rejected(Counter::BadDestination));
}

#[test]
fn a_reply_in_the_name_of_another_protocol_is_no_answer() {
    // The slot is UDP's; an ICMP quote shows its index and its long nonce.
    let sent = Sent::new(Protocol::Udp, false, State::Armed);
    let mut other = sent.probe();
    other.protocol = Protocol::Icmp;
    let verdict = judged(&time_exceeded(&Quote::of(&emit(&other))), &sent.record(0));
    assert_eq!(verdict, Verdict::Rejected(Counter::BadNonce));
}

/// Everything that reads packets, on these octets.
fn read_all(octets: &[u8], ports: Ports) {
    for v6 in [false, true] {
        let found = classify(SliceCursor::new(octets), v6, ports);
        if let Finding::Reply(candidate) = found {
            let _ = judge(
                &candidate,
                &Sent::new(Protocol::Udp, v6, State::Reused).record(0),
            );
        }
        if let Ok((header, rest)) = ip::read(SliceCursor::new(octets), v6) {
            let _ = probe::read(&header, rest);
        }
    }
}

/// Corpus packets, less their Ethernet header.
fn corpus() -> Result<Vec<Vec<u8>>> {
    let mut packets = Vec::new();
    for theme in THEMES {
        for case in theme.read()? {
            let samples = case.samples();
            packets.extend(samples.iter().map(|sample| sample.octets[14..].to_vec()));
        }
    }
    Ok(packets)
}

proptest! {
    #[test]
    fn no_octets_make_a_reader_panic(
        octets in prop::collection::vec(any::<u8>(), 0..256),
        first in prop::sample::select(vec![0x45u8, 0x4f, 0x60]),
        base in any::<u16>(),
    ) {
        let ports = Ports::new(base, 4, 2);
        read_all(&octets, ports);
        read_all(&[&[first], &octets[..]].concat(), ports);
    }
}

#[test]
fn no_mutated_packet_makes_a_reader_panic() {
    let corpus = corpus().unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..200_000 {
        let packet = &corpus[rng.usize(..corpus.len())];
        let other = &corpus[rng.usize(..corpus.len())];
        read_all(&mutation::mutate(&mut rng, packet, other), PORTS);
    }
}
