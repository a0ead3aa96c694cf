//! Packets of both families, with and without Ethernet header, to receivers and
//! stamps.

use std::{collections::HashMap, sync::LazyLock};

use bytemuck::Zeroable as _;
use probe_common::{
    abi::{Flags, Hook},
    classify::classify,
    slot::Record,
    wire::{Cursor as _, SliceCursor, eth, ip},
};

use crate::{
    corpus::THEMES,
    reference::{self, Arrival, Link},
    scene::{CONFIG, PORTS, Sent},
};

const NOW_NS: u64 = 100_000_000_000;
/// Octets of an Ethernet header without tags.
const ETHERNET: usize = 14;
/// Octets that a NIC may leave behind a packet.
const PADDING: [u8; 9] = [0xa5; 9];

static SLOTS: LazyLock<HashMap<u32, Record>> = LazyLock::new(|| {
    let sents = Sent::all();
    sents
        .map(|sent| (sent.slot(), sent.record(NOW_NS)))
        .collect()
});

/// Reads a packet: the first octet says what it begins with, as programs are told
/// by their device.
pub fn packet(input: &[u8]) {
    let Some((first, packet)) = input.split_first() else {
        return;
    };
    let link = match first {
        0 => Link::Ethernet,
        1 => Link::FirstOctet,
        2 => Link::SocketBuffer,
        version => return read(packet, version & 1 == 1),
    };
    receive(packet, link);
    let index = reference::stamped_slot(packet, link, &CONFIG);
    let outcomes = reference::stamp(packet, link, &CONFIG, index.map(record));
    assert!(outcomes.event.is_none() && outcomes.counters.len() <= 1);
    if link == Link::Ethernet {
        let mut cursor = SliceCursor::new(packet);
        if let Some((ethertype @ (eth::IPV4 | eth::IPV6), length)) = eth::read(&mut cursor) {
            read(
                packet.get(usize::from(length)..).unwrap_or_default(),
                ethertype == eth::IPV6,
            );
        }
    }
}

/// A receiver gives a packet one verdict, and hands over what it found valid.
fn receive(packet: &[u8], link: Link) {
    let arrival = Arrival {
        link,
        hook: Hook::Xdp,
        ifindex: 1,
        rx_ns: NOW_NS,
    };
    let index = reference::named_slot(packet, link, &CONFIG);
    let outcomes = reference::receive(packet, arrival, &CONFIG, index.map(record));
    let expected = match (outcomes.event, outcomes.verdict()) {
        (Some(_), _) => 3,
        (None, Some(_)) => 2,
        (None, None) => 0,
    };
    assert_eq!(outcomes.counters.len(), expected, "{outcomes:?}");
    if let Some(excerpt) = outcomes.excerpt {
        assert!(
            outcomes
                .event
                .is_some_and(|event| Flags(event.flags).extended())
        );
        let _ = excerpt.read();
    }
}

/// What lies behind the end that the IP header states changes nothing.
fn read(packet: &[u8], v6: bool) {
    let cursor = SliceCursor::new(packet);
    let found = classify(cursor, v6, PORTS);
    let Ok((header, mut rest)) = ip::read(cursor, v6) else {
        return;
    };
    if usize::from(header.length) > packet.len() {
        return;
    }
    let padded = [packet, &PADDING].concat();
    assert_eq!(classify(SliceCursor::new(&padded), v6, PORTS), found);
    while rest.take::<1>().is_some() {}
    assert_eq!(
        rest.left(),
        0,
        "a packet that is there to its end is read to its end"
    );
}

fn record(index: u32) -> Record {
    SLOTS.get(&index).copied().unwrap_or_else(Record::zeroed)
}

/// The corpus, once with its Ethernet headers and once without.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let themes = THEMES.iter();
    let cases = themes.flat_map(|theme| theme.read().unwrap_or_default());
    let of_case = cases.flat_map(|case| {
        let frame = case.samples().pop().map(|sample| sample.octets.to_vec());
        let frame = frame.unwrap_or_default();
        let bare = frame.get(ETHERNET..).unwrap_or_default();
        let v6 = bare.first().is_some_and(|first| first >> 4 == 6);
        [
            [&[0], &frame[..]].concat(),
            [&[1], bare].concat(),
            [&[4 - u8::from(v6)], bare].concat(),
        ]
    });
    of_case.collect()
}
