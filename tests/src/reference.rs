//! What the kernel programs must do with a packet, told from the shared crate's
//! rules and over plain slices: the other side of every comparison.

use probe_common::{
    abi::{Config, Counter, Event, Excerpt, Flags, Hook, Outcome, Protocol, TxSource},
    classify::{self, Candidate, Finding, Trailer},
    identity::{Nonce, slot_index},
    probe,
    slot::{ANSWERED, ARMED, LATE, Record, generation},
    verdict::{self, Verdict},
    wire::{SliceCursor, extension::MAX_OCTETS, ip},
};

use crate::packet::ethernet;

/// How a program learns where the IP header is, and of which version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// From the Ethernet header, with at most two tags.
    Ethernet,
    /// From the first octet (XDP without link header).
    FirstOctet,
    /// From the socket buffer, whose protocol a test run takes from octets 12
    /// and 13 (TC without link header).
    SocketBuffer,
}

/// What must be seen of one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Counters that moved, by one each, in the order of the ABI.
    pub counters: Vec<Counter>,
    /// The event; its `rx_ns` is that which was given.
    pub event: Option<Event>,
    /// What is handed over with it of what stands behind the quote.
    pub excerpt: Option<Excerpt>,
    /// The slot that the packet names, if the map has it, and its state word after.
    pub slot: Option<(u32, u64)>,
}

impl Outcomes {
    /// The one counter that says what the packet was; `None`: not a candidate.
    pub fn verdict(&self) -> Option<Counter> {
        self.counters
            .iter()
            .copied()
            .find(|counter| !matches!(counter, Counter::Candidates | Counter::Delivered))
    }

    fn counted(reason: Counter) -> Self {
        Self {
            counters: sorted([Counter::Candidates, reason]),
            ..Self::default()
        }
    }
}

/// Where and when a packet arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Where the program finds the IP header.
    pub link: Link,
    /// Kind of the program.
    pub hook: Hook,
    /// Interface.
    pub ifindex: u32,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub rx_ns: u64,
}

/// The slot that a packet names to a receiver.
pub fn named_slot(packet: &[u8], link: Link, config: &Config) -> Option<u32> {
    match find(packet, link, config)? {
        Finding::Reply(candidate) => Some(slot_index(candidate.shard, candidate.seq16)),
        _ => None,
    }
}

/// What a receiver must do with a packet, `slot` being the record that it names.
pub fn receive(packet: &[u8], arrival: Arrival, config: &Config, slot: Option<Record>) -> Outcomes {
    match find(packet, arrival.link, config) {
        None | Some(Finding::NotCandidate) => Outcomes::default(),
        Some(Finding::Malformed(reason)) => Outcomes::counted(reason),
        Some(Finding::Foreign) => Outcomes::counted(Counter::Foreign),
        Some(Finding::Unindexed(candidate)) => delivered(
            Counter::Unindexed,
            event(
                &candidate,
                None,
                Outcome::Unindexed,
                Flags(Flags::NARROW),
                arrival,
            ),
        ),
        Some(Finding::Reply(candidate)) => match slot {
            Some(record) => {
                let outcomes = settle(&candidate, &record, arrival, config);
                let trailer = outcomes.event.map(|_| candidate.trailer());
                Outcomes {
                    excerpt: trailer.and_then(|trailer| excerpt(packet, arrival.link, trailer)),
                    ..outcomes
                }
            }
            None => Outcomes::counted(Counter::Foreign),
        },
    }
}

/// What must be copied of a packet; all there is, or as much as there is room for.
fn excerpt(packet: &[u8], link: Link, trailer: Trailer) -> Option<Excerpt> {
    if trailer == Trailer::NONE {
        return None;
    }
    let (_, packet) = network_header(packet, link)?;
    let mut excerpt = Excerpt {
        length: trailer.length,
        stated: trailer.stated.into(),
        reserved: 0,
        octets: [0; MAX_OCTETS],
    };
    let begin = usize::from(trailer.offset);
    let count = usize::from(trailer.length).min(MAX_OCTETS);
    match packet.get(begin..begin + count) {
        Some(octets) => excerpt.octets[..count].copy_from_slice(octets),
        None => excerpt.length = 0,
    }
    Some(excerpt)
}

/// The slot that a packet names to the stamp.
pub fn stamped_slot(packet: &[u8], link: Link, config: &Config) -> Option<u32> {
    let (_, _, index) = identify(packet, link, config)?;
    Some(index)
}

/// What the stamp must do with a packet of the run's mark, `slot` being the
/// record that it names.
pub fn stamp(packet: &[u8], link: Link, config: &Config, slot: Option<Record>) -> Outcomes {
    let mismatch = Outcomes {
        counters: vec![Counter::StampMismatch],
        ..Outcomes::default()
    };
    let Some(((identity, flow, index), record)) = identify(packet, link, config).zip(slot) else {
        return mismatch;
    };
    let nonce = Nonce(record.nonce);
    let shown = match identity.evidence.wide {
        0 => nonce.0 != 0 && identity.evidence.narrow == Some(nonce.narrow()),
        wide => wide == nonce.0,
    };
    if record.flow != flow || !shown {
        return Outcomes {
            slot: Some((index, record.state)),
            ..mismatch
        };
    }
    let first = record.state & ARMED == 0;
    Outcomes {
        counters: first.then_some(Counter::Stamped).into_iter().collect(),
        event: None,
        excerpt: None,
        slot: Some((index, record.state | ARMED)),
    }
}

fn settle(candidate: &Candidate, record: &Record, arrival: Arrival, config: &Config) -> Outcomes {
    let index = slot_index(candidate.shard, candidate.seq16);
    let flags = match verdict::judge(candidate, record) {
        Verdict::Rejected(reason) => {
            return Outcomes {
                slot: Some((index, record.state)),
                ..Outcomes::counted(reason)
            };
        }
        Verdict::Right(flags) => flags,
    };
    let in_time = arrival.rx_ns.saturating_sub(record.tx_ns) <= config.timeout_ns;
    let open = record.state == generation(Nonce(record.nonce)) | ARMED;
    let (outcome, reason, flag) = match (open, in_time) {
        (true, true) => (Outcome::Valid, Counter::Valid, ANSWERED),
        (true, false) => (Outcome::Late, Counter::Late, LATE),
        (false, _) => (Outcome::Duplicate, Counter::Duplicate, 0),
    };
    Outcomes {
        slot: Some((index, record.state | flag)),
        ..delivered(
            reason,
            event(candidate, Some(record), outcome, flags, arrival),
        )
    }
}

fn event(
    candidate: &Candidate,
    record: Option<&Record>,
    outcome: Outcome,
    flags: Flags,
    arrival: Arrival,
) -> Event {
    Event {
        tx_ns: record.map_or(0, |record| record.tx_ns),
        rx_ns: arrival.rx_ns,
        responder: candidate.responder,
        target: record.map_or(0, |record| record.target),
        round: record.map_or(0, |record| record.round),
        ifindex: arrival.ifindex,
        flow: record.map_or(candidate.flow, |record| record.flow),
        quoted_length: candidate.quoted.length,
        ttl: record.map_or(0, |record| record.ttl),
        protocol: record.map_or(Protocol::Udp as u8, |record| record.protocol),
        kind: candidate.kind as u8,
        outcome: outcome as u8,
        icmp_type: candidate.icmp_type,
        icmp_code: candidate.icmp_code,
        reply_ttl: candidate.reply_ttl,
        quoted_ttl: candidate.quoted.ttl,
        quoted_tos: candidate.quoted.tos,
        flags: flags.0,
        hook: arrival.hook as u8,
        tx_source: record.map_or(TxSource::Tcx as u8, |record| record.tx_source as u8),
        mtu: candidate.mtu,
    }
}

fn delivered(reason: Counter, event: Event) -> Outcomes {
    Outcomes {
        counters: sorted([Counter::Candidates, reason, Counter::Delivered]),
        event: Some(event),
        excerpt: None,
        slot: None,
    }
}

fn find(packet: &[u8], link: Link, config: &Config) -> Option<Finding> {
    let (v6, octets) = network_header(packet, link)?;
    Some(classify::classify(
        SliceCursor::new(octets),
        v6,
        config.ports,
    ))
}

/// Identity, flow and slot of a packet with our mark.
fn identify(packet: &[u8], link: Link, config: &Config) -> Option<(probe::Identity, u16, u32)> {
    let (v6, octets) = network_header(packet, link)?;
    let (header, rest) = ip::read(SliceCursor::new(octets), v6).ok()?;
    let identity = probe::read(&header, rest).ok()??;
    let (flow, shard) = config.ports.locate(identity.port)?;
    Some((identity, flow, slot_index(shard, identity.seq16)))
}

/// Whether the packet is of IPv6, and where its IP header begins.
fn network_header(packet: &[u8], link: Link) -> Option<(bool, &[u8])> {
    let word = |place: usize| {
        let octets = packet.get(place..place + 2)?;
        Some(u16::from_be_bytes([octets[0], octets[1]]))
    };
    let (ethertype, start) = match link {
        Link::FirstOctet => {
            let ethertype = match packet.first()? >> 4 {
                4 => ethernet::IPV4,
                6 => ethernet::IPV6,
                _ => return None,
            };
            (ethertype, 0)
        }
        Link::SocketBuffer => (word(12)?, 0),
        Link::Ethernet => match (word(12)?, word(16)) {
            (ethernet::VLAN | ethernet::SERVICE_VLAN, Some(ethernet::VLAN)) => (word(20)?, 22),
            (ethernet::VLAN | ethernet::SERVICE_VLAN, inner) => (inner?, 18),
            (ethertype, _) => (ethertype, 14),
        },
    };
    let v6 = match ethertype {
        ethernet::IPV4 => false,
        ethernet::IPV6 => true,
        _ => return None,
    };
    Some((v6, packet.get(start..)?))
}

fn sorted<const N: usize>(mut counters: [Counter; N]) -> Vec<Counter> {
    counters.sort_by_key(|counter| *counter as usize);
    counters.to_vec()
}
