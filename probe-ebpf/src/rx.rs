//! Receive: parse, classify, check the slot, stamp, hand over.

use aya_ebpf::programs::{TcContext, XdpContext};
use probe_common::{
    abi::{self, Config, Counter, Event, Flags, Kind, Outcome, Protocol},
    classify::{self, Candidate, Finding},
    identity::Nonce,
    identity::slot_index,
    slot::{ANSWERED, ARMED, LATE, Record, generation},
    verdict::{self, Verdict},
    wire::{Cursor, eth},
};

use crate::{
    clock,
    cursor::{Packet, ethertype},
    emit, log,
    maps::{self, Slot},
    trails,
};

pub(crate) use probe_common::abi::Hook;

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// It goes on to the host's stack.
    Gets,
    /// The host is spared it (`Config::CONSUME`).
    Spared,
}

/// When and where a packet came in. Taken first of all: what the program does
/// with the packet is no part of the way.
#[derive(Clone, Copy)]
struct Arrival {
    rx_ns: u64,
    hook: Hook,
    /// Octets of the link header.
    link: u32,
}

impl Arrival {
    #[inline(always)]
    fn now(hook: Hook) -> Self {
        Self {
            rx_ns: clock::now_ns(),
            hook,
            link: 0,
        }
    }
}

/// Receives a packet that begins with an Ethernet header.
#[inline(always)]
pub(crate) fn receive_frame<P: Packet>(packet: &P, hook: Hook) -> Host {
    let arrival = Arrival::now(hook);
    let read = match packet.bare_ethertype() {
        Some(ethertype) => Some((ethertype, 0)),
        None => eth::read(&mut packet.cursor()),
    };
    let Some((ethertype, length)) = read else {
        return Host::Gets;
    };
    let v6 = match ethertype {
        eth::IPV4 => false,
        eth::IPV6 => true,
        _ => return Host::Gets,
    };
    receive_behind(packet, length, v6, arrival)
}

/// Receives a packet behind a link header of `length` octets.
#[inline(always)]
fn receive_behind<P: Packet>(packet: &P, length: u16, v6: bool, arrival: Arrival) -> Host {
    let mut cursor = packet.cursor();
    // With or without tags, from here on it is one path.
    let link = maps::forget(length as u32);
    let arrival = Arrival { link, ..arrival };
    match cursor.skip(link as u16) {
        Some(()) => receive(packet, cursor, v6, arrival),
        None => Host::Gets,
    }
}

/// Receives a packet that begins with an IP header.
#[inline(always)]
pub(crate) fn receive_packet<P: Packet + Version>(packet: &P, hook: Hook) -> Host {
    let arrival = Arrival::now(hook);
    match packet.is_v6() {
        Some(v6) => receive_behind(packet, 0, v6, arrival),
        None => Host::Gets,
    }
}

/// How a packet without link header says which version of IP it is.
pub(crate) trait Version {
    /// `None`: not IP.
    fn is_v6(&self) -> Option<bool>;
}

impl Version for XdpContext {
    #[inline(always)]
    fn is_v6(&self) -> Option<bool> {
        let [first] = self.cursor().take()?;
        match first >> 4 {
            4 => Some(false),
            6 => Some(true),
            _ => None,
        }
    }
}

impl Version for TcContext {
    #[inline(always)]
    fn is_v6(&self) -> Option<bool> {
        match ethertype(self) {
            eth::IPV4 => Some(false),
            eth::IPV6 => Some(true),
            _ => None,
        }
    }
}

#[inline(always)]
fn receive<P: Packet, C: Cursor>(packet: &P, cursor: C, v6: bool, arrival: Arrival) -> Host {
    let candidate = match classify::classify(cursor, v6, maps::ports()) {
        Finding::NotCandidate => return Host::Gets,
        Finding::Malformed(reason) => return reject(packet, reason),
        Finding::Foreign => return reject(packet, Counter::Foreign),
        Finding::Unindexed(candidate) => {
            count(packet, Counter::Unindexed as usize);
            emit::emit(unindexed(&candidate, packet.ifindex(), arrival));
            return Host::Gets;
        }
        Finding::Reply(candidate) => candidate,
    };
    let Some(candidate) = maps::stage(candidate) else {
        return Host::Gets;
    };
    settle(packet, candidate, arrival)
}

#[inline(always)]
fn reject<P: Packet>(packet: &P, reason: Counter) -> Host {
    count(packet, reason as usize);
    Host::Gets
}

/// Counts a candidate, and what it was found to be.
#[inline(always)]
fn count<P: Packet>(packet: &P, place: usize) {
    maps::count_candidate(place);
    log::counted(packet, place);
}

#[inline(always)]
fn settle<P: Packet>(packet: &P, candidate: &Candidate, arrival: Arrival) -> Host {
    let index = slot_index(candidate.shard, candidate.seq16);
    let Some(slot) = maps::slot(index) else {
        return reject(packet, Counter::Foreign);
    };
    // A slot that changes hands under the reader has timed out: the reply to its
    // old tenant is stale whatever it shows.
    let Some(record) = slot.read() else {
        return reject(packet, Counter::Stale);
    };
    let verdict = verdict::judge(candidate, &record).code();
    let flags = match Verdict::decode(maps::forget(verdict)) {
        Ok(flags) => flags,
        Err(place) => {
            count(packet, place as usize);
            return Host::Gets;
        }
    };
    let Some(outcome) = outcome(slot, &record, arrival.rx_ns) else {
        return reject(packet, Counter::Stale);
    };
    if !matches!(outcome, Outcome::Duplicate) {
        trails::learn(candidate, &record);
    }
    let outcome = maps::forget(outcome as u32) as u8;
    count(packet, Counter::place_of_outcome(outcome));
    let ifindex = packet.ifindex();
    let event = event(candidate, &record, outcome, flags, ifindex, arrival);
    if flags.extended() {
        emit::emit_extended(event, packet, arrival.link, candidate.trailer());
    } else {
        emit::emit(event);
    }
    spare(candidate)
}

/// Marks the slot answered and says how the answer counts; `None` if the slot
/// has just changed hands.
#[inline(always)]
fn outcome(slot: Slot, record: &Record, rx_ns: u64) -> Option<Outcome> {
    let tenant = generation(Nonce(record.nonce));
    let in_time = rx_ns.saturating_sub(record.tx_ns) <= maps::timeout_ns();
    let (outcome, flag) = if in_time {
        (Outcome::Valid, ANSWERED)
    } else {
        (Outcome::Late, LATE)
    };
    match slot.advance(tenant | ARMED, tenant | ARMED | flag) {
        Ok(()) => Some(outcome),
        Err(state) if state & !0xffff_ffff == tenant => Some(Outcome::Duplicate),
        Err(_) => None,
    }
}

/// Only ICMP is ever kept from the host: it must reset half-open connections and
/// learn path MTUs.
#[inline(always)]
fn spare(candidate: &Candidate) -> Host {
    if maps::flags() & Config::CONSUME == 0 || candidate.mtu != 0 {
        return Host::Gets;
    }
    match candidate.kind {
        Kind::EchoReply | Kind::TimeExceeded | Kind::PortUnreachable | Kind::Unreachable => {
            Host::Spared
        }
        Kind::PacketTooBig
        | Kind::ParameterProblem
        | Kind::SynAck
        | Kind::Rst
        | Kind::Ack
        | Kind::UdpReply => Host::Gets,
    }
}

#[inline(always)]
fn event(
    candidate: &Candidate,
    record: &Record,
    outcome: u8,
    flags: Flags,
    ifindex: u32,
    arrival: Arrival,
) -> Event {
    Event {
        tx_ns: record.tx_ns,
        rx_ns: arrival.rx_ns,
        responder: candidate.responder,
        target: record.target,
        round: record.round,
        ifindex,
        flow: record.flow,
        quoted_length: candidate.quoted.length,
        ttl: record.ttl,
        protocol: record.protocol,
        kind: candidate.kind as u8,
        outcome,
        icmp_type: candidate.icmp_type,
        icmp_code: candidate.icmp_code,
        reply_ttl: candidate.reply_ttl,
        quoted_ttl: candidate.quoted.ttl,
        quoted_tos: candidate.quoted.tos,
        flags: flags.0,
        hook: arrival.hook as u8,
        tx_source: record.tx_source as u8,
        mtu: candidate.mtu,
    }
}

/// An event that names no probe: the reader finds it by responder and flow.
#[inline(always)]
fn unindexed(candidate: &Candidate, ifindex: u32, arrival: Arrival) -> Event {
    Event {
        tx_ns: 0,
        rx_ns: arrival.rx_ns,
        responder: candidate.responder,
        target: 0,
        round: 0,
        ifindex,
        flow: candidate.flow,
        quoted_length: 0,
        ttl: 0,
        protocol: Protocol::Udp as u8,
        kind: candidate.kind as u8,
        outcome: Outcome::Unindexed as u8,
        icmp_type: 0,
        icmp_code: 0,
        reply_ttl: candidate.reply_ttl,
        quoted_ttl: 0,
        quoted_tos: 0,
        flags: Flags::NARROW,
        hook: arrival.hook as u8,
        tx_source: abi::TxSource::Tcx as u8,
        mtu: 0,
    }
}
