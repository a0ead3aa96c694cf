//! Someone who sends replies to probes that he has not seen: how much of them he
//! knows, what he sends, and how likely that is to be believed.
//!
//! A forgery is believed if it names a live slot, in the slot's protocol and flow, and
//! shows its nonce: the 64 bits of it; or 16 bits of it beside a hash of the probe's
//! destination. UDP's 16 bits may also be right as a NAT would have rewritten them, if
//! the quoted addresses are not the probe's own. Nonces are the run's secret, so that
//! each forgery has its chance whatever came before.

use bytemuck::Zeroable as _;
use fastrand::Rng;
use probe_common::{
    Address,
    abi::Protocol,
    identity::{Nonce, NonceKey, Ports, slot_index},
    probe::Probe,
    slot::{ARMED, Record, generation},
};

use crate::{
    packet::{Ip, Packet, Quote, Transport, icmp, tcp},
    scene::{addresses, emit},
};

/// Chance that 16 bits drawn at random are the right ones. Neither the nonce's nor the
/// forger's are ever 0, which is one value less, and one that is drawn twice as often.
const NARROW: f64 = (1.0 + 1.0 / 16_384.0) / 65_536.0;
/// Chance that 64 bits are.
const WIDE: f64 = 1.0 / (65_536.0 * 65_536.0 * 65_536.0 * 65_536.0);

/// Chance that two destinations have the same hash.
const HASH: f64 = 1.0 / (65_536.0 * 65_536.0);

/// What the forger knows of the run. Its nonces he does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// Nothing but the form of probes.
    Nothing,
    /// Which ports and identifiers are the run's.
    Ports,
    /// Also all targets, with the protocol and the ports of the probes to each.
    Targets,
    /// Also which slot is whose: all but the nonces.
    Slots,
}

impl Knowledge {
    /// From the least on.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Ports, Self::Targets, Self::Slots];
}

/// A probe in flight.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// What it was made from.
    pub probe: Probe,
    flow: u16,
    shard: u16,
}

/// All slots.
pub struct Table {
    ports: Ports,
    key: NonceKey,
    live: Vec<Live>,
    /// By the slot's index, the place in `live`.
    slots: Vec<Option<u32>>,
}

/// A forgery, and the chance that it is believed.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// From the Ethernet header on.
    pub frame: Vec<u8>,
    /// The chance.
    pub chance: f64,
}

impl Table {
    /// So many probes in flight, of all protocols and both families, in slots drawn
    /// from a seed.
    pub fn filled(ports: Ports, count: usize, rng: &mut Rng) -> Self {
        let slots = ports.slots();
        let mut table = Self {
            ports,
            key: NonceKey([rng.u64(..), rng.u64(..)]),
            live: Vec::with_capacity(count),
            slots: vec![None; slots as usize],
        };
        // Sequence numbers are never 0.
        let mut free: Vec<u32> = (0..slots).filter(|index| index & 0xffff != 0).collect();
        rng.shuffle(&mut free);
        for index in free.into_iter().take(count) {
            table.slots[index as usize] = Some(table.live.len() as u32);
            let live = table.occupy(index, rng);
            table.live.push(live);
        }
        table
    }

    fn occupy(&self, index: u32, rng: &mut Rng) -> Live {
        let (shard, seq16) = ((index >> 16) as u16, index as u16);
        let protocol = Protocol::ALL[rng.usize(..Protocol::ALL.len())];
        let v6 = rng.bool();
        let destination = loop {
            let address = anybody(v6, rng);
            if self.ports.shard(address.hash()) == shard {
                break address;
            }
        };
        let flow = rng.u16(..self.ports.flows);
        let probe = Probe {
            protocol,
            source: addresses(v6).us,
            destination,
            ttl: rng.u8(1..32),
            tos: 0,
            flow_label: 1,
            port: self.ports.port(flow, shard),
            destination_port: destination_port(protocol),
            seq16,
            nonce: self.key.draw(u64::from(index), Nonce(0)),
            ack: false,
        };
        Live { probe, flow, shard }
    }

    /// The probes in flight.
    pub fn live(&self) -> &[Live] {
        &self.live
    }

    /// What the kernel's slots hold, sent just now.
    pub fn records(&self, now_ns: u64) -> impl Iterator<Item = (u32, Record)> {
        self.live.iter().map(move |live| live.record(now_ns))
    }

    /// A forgery by one who knows so much.
    pub fn forge(&self, knowledge: Knowledge, rng: &mut Rng) -> Forgery {
        let victim = self.live[rng.usize(..self.live.len())];
        let mut claim = victim.probe;
        claim.nonce = Nonce(rng.u64(..));
        if knowledge != Knowledge::Slots {
            claim.seq16 = rng.u16(..);
        }
        if matches!(knowledge, Knowledge::Nothing | Knowledge::Ports) {
            let v6 = rng.bool();
            claim.protocol = Protocol::ALL[rng.usize(..Protocol::ALL.len())];
            claim.destination_port = destination_port(claim.protocol);
            claim.destination = anybody(v6, rng);
            claim.source = addresses(v6).us;
            claim.port = match knowledge {
                Knowledge::Nothing => rng.u16(..),
                _ => self.ports.base + rng.u16(..self.ports.count() as u16),
            };
        }
        // Whose address stands in quotes is known to nobody, or to everybody.
        if rng.bool() {
            claim.source = anybody(claim.is_v6(), rng);
        }
        let (packet, shown) = forged(&claim, rng);
        Forgery {
            frame: frame(claim.is_v6(), &packet),
            chance: self.chance(knowledge, &claim, shown),
        }
    }

    /// The chance that what is shown of a claim is believed.
    fn chance(&self, knowledge: Knowledge, claim: &Probe, shown: Shown) -> f64 {
        let Some((flow, shard)) = self.ports.locate(claim.port) else {
            return 0.0;
        };
        let slot = self.slots[slot_index(shard, claim.seq16) as usize];
        let Some(live) = slot.map(|place| self.live[place as usize]) else {
            return 0.0;
        };
        if live.flow != flow || live.probe.protocol != claim.protocol {
            return 0.0;
        }
        let destination = match knowledge {
            Knowledge::Nothing | Knowledge::Ports => HASH,
            _ if live.probe.destination == claim.destination => 1.0,
            _ => HASH,
        };
        match shown {
            Shown::Wide => WIDE,
            Shown::Narrow { quoted } => {
                let rewritten = quoted
                    && claim.protocol == Protocol::Udp
                    && claim.tuple_sum() != live.probe.tuple_sum();
                destination * if rewritten { 2.0 * NARROW } else { NARROW }
            }
            Shown::Nothing => 0.0,
        }
    }
}

impl Live {
    /// The right answer to it, as a frame.
    pub fn answer(&self) -> Vec<u8> {
        let mut rng = Rng::with_seed(0);
        let probe = &self.probe;
        let packet = match probe.protocol {
            Protocol::Icmp => echo_reply(probe),
            Protocol::Tcp => reset(probe),
            Protocol::Udp => error(probe, &mut rng, true).0,
        };
        frame(probe.is_v6(), &packet)
    }

    fn record(&self, now_ns: u64) -> (u32, Record) {
        let probe = &self.probe;
        let record = Record {
            nonce: probe.nonce.0,
            tx_ns: now_ns,
            state: generation(probe.nonce) | ARMED,
            destination_hash: probe.destination.hash(),
            flow: self.flow,
            ttl: probe.ttl,
            protocol: probe.protocol as u8,
            source_sum: probe.source.sum().fold(),
            tuple_sum: probe.tuple_sum(),
            tx_source: 1,
            ..Record::zeroed()
        };
        (slot_index(self.shard, probe.seq16), record)
    }
}

/// How much of the nonce a packet shows.
#[derive(Clone, Copy)]
enum Shown {
    Wide,
    Narrow {
        quoted: bool,
    },
    /// Too little to be read.
    Nothing,
}

/// A packet that claims to answer a probe: directly, or by an error that quotes it.
fn forged(claim: &Probe, rng: &mut Rng) -> (Packet, Shown) {
    let direct = rng.bool();
    match claim.protocol {
        Protocol::Icmp if direct => (echo_reply(claim), Shown::Wide),
        Protocol::Tcp if direct => {
            let answer = if rng.bool() {
                syn_ack(claim)
            } else {
                reset(claim)
            };
            (answer, Shown::Narrow { quoted: false })
        }
        _ => {
            let whole = rng.bool();
            error(claim, rng, whole)
        }
    }
}

fn echo_reply(probe: &Probe) -> Packet {
    let v6 = probe.is_v6();
    let body = emit(probe);
    let payload = &body[if v6 { 48 } else { 28 }..];
    let kind = if v6 { 129 } else { 0 };
    to_us(
        probe,
        icmp::echo(v6, kind, probe.port, probe.seq16, payload),
    )
}

fn syn_ack(probe: &Probe) -> Packet {
    segment(probe, tcp::SYN | tcp::ACK)
}

fn reset(probe: &Probe) -> Packet {
    segment(probe, tcp::RST | tcp::ACK)
}

/// A segment that acknowledges a SYN.
fn segment(probe: &Probe, flags: u8) -> Packet {
    let sequence = u32::from(probe.seq16) << 16 | u32::from(probe.nonce.narrow());
    let ports = [probe.destination_port, probe.port];
    let next = sequence.wrapping_add(1);
    to_us(probe, tcp::segment(ports, 1, next, flags))
}

/// An error that quotes all of a probe, or its first eight octets behind the IP header.
fn error(probe: &Probe, rng: &mut Rng, whole: bool) -> (Packet, Shown) {
    let v6 = probe.is_v6();
    let (kind, code) = if v6 {
        (rng.u8(1..=4), rng.u8(..9))
    } else {
        let kinds = [3, 11, 12];
        (kinds[rng.usize(..kinds.len())], rng.u8(..16))
    };
    let quote = Quote::of(&emit(probe)).ttl(1);
    let quote = if whole { quote } else { quote.keep(8) };
    let shown = match probe.protocol {
        Protocol::Tcp => Shown::Narrow { quoted: true },
        _ if whole => Shown::Wide,
        _ if v6 => Shown::Nothing,
        _ => Shown::Narrow { quoted: true },
    };
    let router = anybody(v6, rng);
    let message = icmp::error(v6, kind, code, [0; 4], quote.layers());
    let packet = Ip::between(router, addresses(v6).us).carrying(message);
    (packet, shown)
}

fn to_us(probe: &Probe, transport: Transport) -> Packet {
    let us = addresses(probe.is_v6()).us;
    Ip::between(probe.destination, us).carrying(transport)
}

fn frame(v6: bool, packet: &Packet) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend(if v6 { [0x86, 0xdd] } else { [0x08, 0x00] });
    frame.extend(packet.octets());
    frame
}

const fn destination_port(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Icmp => 0,
        Protocol::Udp => 33_434,
        Protocol::Tcp => 80,
    }
}

fn anybody(v6: bool, rng: &mut Rng) -> Address {
    if v6 {
        let low = rng.u64(..);
        Address::from_halves([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 1], low.to_be_bytes())
    } else {
        Address::from_v4(rng.u32(..).to_be_bytes())
    }
}

/// The number that a Poisson variable of this mean exceeds in one of a million cases.
pub fn most_by_chance(mean: f64) -> u64 {
    let (mut term, mut sum, mut count) = ((-mean).exp(), 0.0, 0u64);
    loop {
        sum += term;
        if 1.0 - sum < 1e-6 {
            return count;
        }
        count += 1;
        term *= mean / count as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_that_of_tables() {
        // P(X > 0) = 1 - exp(-m) is below a millionth for m below that.
        assert_eq!(most_by_chance(1e-7), 0);
        assert_eq!(most_by_chance(1e-3), 1);
        // The sum of the distribution's terms, by Python.
        assert_eq!(most_by_chance(100.0), 151);
    }
}
