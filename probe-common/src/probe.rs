//! A probe as bytes, and those bytes, sent or quoted, as a probe.
//!
//! Payload of ICMP and UDP probes: nonce (8 octets), seq16 (2), checksum tweak
//! (2), then the contact text. Fields that load balancers hash are constant for
//! a flow, the ICMP checksum among them (it stands in the first four octets
//! behind the IP header); what differs from probe to probe stands outside them.

use crate::{
    Address,
    abi::Protocol,
    identity::{Evidence, Nonce, Ports},
    wire::{
        Bounded, Cursor, Malformed, Put, Read,
        checksum::Sum,
        icmp,
        ip::{self, protocol},
        ipv4, ipv6, tcp, udp,
    },
};

/// Octets of the payload before the contact text.
pub const PAYLOAD_HEAD: u16 = 12;
/// Longest contact text, octets.
pub const MAX_TAIL: u16 = 64;
/// Most octets that a probe takes, without the Ethernet header.
pub const MAX_LENGTH: usize = 40 + 8 + PAYLOAD_HEAD as usize + MAX_TAIL as usize;

/// Everything that a probe is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What it is made of.
    pub protocol: Protocol,
    /// Source; of the same family as the destination.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// IPv6 flow label, constant for a flow.
    pub flow_label: u32,
    /// Identifier (ICMP) or source port.
    pub port: u16,
    /// Destination port (UDP, TCP).
    pub destination_port: u16,
    /// Index within the shard; not 0.
    pub seq16: u16,
    /// Nonce.
    pub nonce: Nonce,
    /// TCP: an ACK segment instead of a SYN.
    pub ack: bool,
}

/// What the probes of a run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What they are made of.
    pub protocol: Protocol,
    /// Destination port (UDP, TCP).
    pub port: u16,
    /// TOS or traffic class.
    pub tos: u8,
    /// TCP: ACK segments instead of SYN.
    pub ack: bool,
    /// IPv6 flow label of all probes; `None`: each flow has one of its own.
    pub flow_label: Option<u32>,
}

impl Shape {
    /// The probe of a flow from `source` to `destination`, but for what its slot
    /// gives it.
    #[inline(always)]
    pub const fn probe(
        self,
        ports: Ports,
        source: Address,
        destination: Address,
        ttl: u8,
        flow: u16,
    ) -> Probe {
        let hash = destination.hash();
        Probe {
            protocol: self.protocol,
            source,
            destination,
            ttl,
            tos: self.tos,
            flow_label: match self.flow_label {
                Some(label) => label,
                None => flow_label(hash, flow),
            },
            port: ports.port(flow, ports.shard(hash)),
            destination_port: match self.protocol {
                Protocol::Icmp => 0,
                Protocol::Udp | Protocol::Tcp => self.port,
            },
            seq16: 0,
            nonce: Nonce(0),
            ack: self.ack,
        }
    }
}

/// A label of 20 bits, constant for a flow and not 0 (RFC 6437 section 3).
#[inline(always)]
const fn flow_label(destination_hash: u32, flow: u16) -> u32 {
    let label = (destination_hash ^ (flow as u32).wrapping_mul(0x9e37_79b1)) & 0xf_ffff;
    if label == 0 { 1 } else { label }
}

/// The constant end of the payload: length and sum of the contact text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Octets, at most [`MAX_TAIL`], even.
    pub length: u16,
    /// Sum of the text.
    pub sum: Sum,
}

impl Tail {
    /// No contact text.
    pub const NONE: Self = Self {
        length: 0,
        sum: Sum::ZERO,
    };
}

impl Probe {
    /// Whether this is an IPv6 probe.
    #[inline(always)]
    pub const fn is_v6(&self) -> bool {
        !self.destination.is_v4()
    }

    /// Octets of the packet, without the Ethernet header.
    #[inline(always)]
    pub const fn length(&self, tail: Tail) -> u16 {
        self.header_length() + self.transport_length(tail)
    }

    /// Folded sum of addresses and ports, for [`crate::slot::Record::tuple_sum`].
    #[inline(always)]
    pub const fn tuple_sum(&self) -> u16 {
        tuple_sum(
            self.source,
            self.destination,
            self.port,
            self.destination_port,
        )
    }

    /// Emits the packet at `offset`, all but the contact text. Returns where
    /// that text belongs.
    #[inline(always)]
    pub fn emit<P: Put>(&self, tail: Tail, out: &mut P, offset: usize) -> Option<usize> {
        let transport = self.transport_length(tail);
        let number = self.protocol_number();
        if self.is_v6() {
            let fields = ipv6::Fields {
                source: self.source,
                destination: self.destination,
                protocol: number,
                ttl: self.ttl,
                tos: self.tos,
                flow_label: self.flow_label,
                payload: transport,
            };
            ipv6::emit(fields, out, offset)?;
        } else {
            let fields = ipv4::Fields {
                source: self.source.v4()?,
                destination: self.destination.v4()?,
                protocol: number,
                ttl: self.ttl,
                tos: self.tos,
                id: match self.protocol {
                    Protocol::Udp => self.seq16,
                    Protocol::Icmp | Protocol::Tcp => self.nonce.narrow(),
                },
                length: self.length(tail),
            };
            ipv4::emit(fields, out, offset)?;
        }
        let offset = offset + self.header_length() as usize;
        match self.protocol {
            Protocol::Icmp => self.emit_icmp(tail, transport, out, offset),
            Protocol::Udp => self.emit_udp(tail, transport, out, offset),
            Protocol::Tcp => self.emit_tcp(transport, out, offset),
        }
    }

    #[inline(always)]
    fn emit_icmp<P: Put>(
        &self,
        tail: Tail,
        length: u16,
        out: &mut P,
        offset: usize,
    ) -> Option<usize> {
        let kind = if self.is_v6() {
            icmp::ECHO_REQUEST_V6
        } else {
            icmp::ECHO_REQUEST
        };
        // The identifier serves as the flow's constant checksum.
        let checksum = self.port;
        let sum = if self.is_v6() {
            self.pseudo_header(length)
        } else {
            Sum::ZERO
        };
        let sum = sum
            .add(u16::from_be_bytes([kind, 0]))
            .add(self.port)
            .add(self.seq16);
        out.put(
            offset,
            word([(kind as u16) << 8, checksum, self.port, self.seq16]),
        )?;
        self.emit_payload(tail, sum, checksum, out, offset + icmp::LENGTH)
    }

    #[inline(always)]
    fn emit_udp<P: Put>(
        &self,
        tail: Tail,
        length: u16,
        out: &mut P,
        offset: usize,
    ) -> Option<usize> {
        let checksum = self.nonce.narrow();
        let sum = self
            .pseudo_header(length)
            .add(self.port)
            .add(self.destination_port)
            .add(length);
        out.put(
            offset,
            word([self.port, self.destination_port, length, checksum]),
        )?;
        self.emit_payload(tail, sum, checksum, out, offset + udp::LENGTH)
    }

    /// Emits the payload's head, tweaked so that the packet whose other words
    /// sum up to `sum` has this `checksum`.
    #[inline(always)]
    fn emit_payload<P: Put>(
        &self,
        tail: Tail,
        sum: Sum,
        checksum: u16,
        out: &mut P,
        offset: usize,
    ) -> Option<usize> {
        let sum = sum.add_u64(self.nonce.0).add(self.seq16).join(tail.sum);
        let last = (self.seq16 as u32) << 16 | sum.tweak_for(checksum) as u32;
        out.put(offset, self.nonce.0.to_be_bytes())?;
        out.put(offset + 8, last.to_be_bytes())?;
        Some(offset + PAYLOAD_HEAD as usize)
    }

    #[inline(always)]
    fn emit_tcp<P: Put>(&self, length: u16, out: &mut P, offset: usize) -> Option<usize> {
        let sequence = self.sequence();
        // The reset that answers an ACK takes its number from here.
        let acknowledgement = if self.ack {
            sequence.wrapping_add(1)
        } else {
            0
        };
        let flags = if self.ack { tcp::ACK } else { tcp::SYN };
        let data_offset = ((tcp::PROBE_LENGTH as u8) / 4) << 4;
        let window = [0xff, 0xff];
        let checksum = self
            .pseudo_header(length)
            .add(self.port)
            .add(self.destination_port)
            .add4(sequence.to_be_bytes())
            .add4(acknowledgement.to_be_bytes())
            .add4([data_offset, flags, window[0], window[1]])
            .add4(tcp::MSS_OPTION)
            .checksum();
        let first = word([
            self.port,
            self.destination_port,
            (sequence >> 16) as u16,
            sequence as u16,
        ]);
        let second = (acknowledgement as u64) << 32
            | (data_offset as u64) << 24
            | (flags as u64) << 16
            | u16::from_be_bytes(window) as u64;
        out.put(offset, first)?;
        out.put(offset + 8, second.to_be_bytes())?;
        out.put(offset + 16, ((checksum as u32) << 16).to_be_bytes())?;
        out.put(offset + 20, tcp::MSS_OPTION)?;
        Some(offset + tcp::PROBE_LENGTH)
    }

    #[inline(always)]
    const fn sequence(&self) -> u32 {
        (self.seq16 as u32) << 16 | self.nonce.narrow() as u32
    }

    #[inline(always)]
    const fn header_length(&self) -> u16 {
        if self.is_v6() {
            ipv6::LENGTH as u16
        } else {
            ipv4::LENGTH as u16
        }
    }

    #[inline(always)]
    const fn transport_length(&self, tail: Tail) -> u16 {
        match self.protocol {
            Protocol::Icmp => icmp::LENGTH as u16 + PAYLOAD_HEAD + tail.length,
            Protocol::Udp => udp::LENGTH as u16 + PAYLOAD_HEAD + tail.length,
            Protocol::Tcp => tcp::PROBE_LENGTH as u16,
        }
    }

    #[inline(always)]
    const fn protocol_number(&self) -> u8 {
        match self.protocol {
            Protocol::Icmp if self.is_v6() => protocol::ICMPV6,
            Protocol::Icmp => protocol::ICMP,
            Protocol::Udp => protocol::UDP,
            Protocol::Tcp => protocol::TCP,
        }
    }

    #[inline(always)]
    const fn pseudo_header(&self, length: u16) -> Sum {
        self.source
            .sum()
            .join(self.destination.sum())
            .add(self.protocol_number() as u16)
            .add(length)
    }
}

/// Four words of 16 bits, as they stand in a packet.
#[inline(always)]
const fn word([a, b, c, d]: [u16; 4]) -> [u8; 8] {
    ((a as u64) << 48 | (b as u64) << 32 | (c as u64) << 16 | d as u64).to_be_bytes()
}

/// Folded sum of addresses and ports.
#[inline(always)]
pub const fn tuple_sum(
    source: Address,
    destination: Address,
    port: u16,
    destination_port: u16,
) -> u16 {
    source
        .sum()
        .join(destination.sum())
        .add(port)
        .add(destination_port)
        .fold()
}

/// What a probe, sent or quoted, says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it is made of.
    pub protocol: Protocol,
    /// Identifier (ICMP) or source port.
    pub port: u16,
    /// Destination port (0 for ICMP).
    pub destination_port: u16,
    /// Index within the shard.
    pub seq16: u16,
    /// What is to be seen of the nonce.
    pub evidence: Evidence,
    /// Whether an ICMP checksum is the identifier, as it left; others are not looked at.
    pub checksum_kept: bool,
}

/// Reads what follows the IP `header` of a probe. `None`: not the form of a
/// probe of ours.
#[inline(always)]
pub fn read<C: Cursor>(header: &ip::Header, mut cursor: Bounded<C>) -> Read<Option<Identity>> {
    if header.later_fragment {
        return Ok(None);
    }
    match (header.protocol, header.v6) {
        (protocol::ICMP, false) | (protocol::ICMPV6, true) => read_icmp(header, &mut cursor),
        (protocol::UDP, _) => read_udp(header, &mut cursor),
        (protocol::TCP, _) => read_tcp(&mut cursor),
        _ => Ok(None),
    }
}

#[inline(always)]
fn read_icmp<C: Cursor>(header: &ip::Header, cursor: &mut Bounded<C>) -> Read<Option<Identity>> {
    let echo = icmp::read(cursor).ok_or(Malformed::Truncated)?;
    let request = if header.v6 {
        icmp::ECHO_REQUEST_V6
    } else {
        icmp::ECHO_REQUEST
    };
    if echo.kind != request {
        return Ok(None);
    }
    let wide = cursor.take().map_or(0, u64::from_be_bytes);
    if header.v6 && wide == 0 {
        return Err(Malformed::Truncated);
    }
    Ok(Some(Identity {
        protocol: Protocol::Icmp,
        port: echo.first,
        destination_port: 0,
        seq16: echo.second,
        evidence: Evidence {
            wide,
            narrow: if header.v6 { None } else { Some(header.id) },
        },
        checksum_kept: echo.checksum == echo.first,
    }))
}

#[inline(always)]
fn read_udp<C: Cursor>(header: &ip::Header, cursor: &mut Bounded<C>) -> Read<Option<Identity>> {
    let datagram = udp::read(cursor).ok_or(Malformed::Truncated)?;
    let wide = cursor.take().map_or(0, u64::from_be_bytes);
    // Behind the nonce no router rewrites the index; the identification of IPv4, which
    // is all that short quotes show of it, some do. Zeros are padding: no probe has index 0.
    let seq16 = match cursor.take() {
        Some(index) if wide != 0 && index != [0; 2] => u16::from_be_bytes(index),
        _ if header.v6 => return Err(Malformed::Truncated),
        _ => header.id,
    };
    Ok(Some(Identity {
        protocol: Protocol::Udp,
        port: datagram.source,
        destination_port: datagram.destination,
        seq16,
        evidence: Evidence {
            wide,
            narrow: Some(datagram.checksum),
        },
        checksum_kept: true,
    }))
}

#[inline(always)]
fn read_tcp<C: Cursor>(cursor: &mut Bounded<C>) -> Read<Option<Identity>> {
    let (port, destination_port, sequence) =
        tcp::read_quoted(cursor).ok_or(Malformed::Truncated)?;
    Ok(Some(Identity {
        protocol: Protocol::Tcp,
        port,
        destination_port,
        seq16: (sequence >> 16) as u16,
        evidence: Evidence {
            wide: 0,
            narrow: Some(sequence as u16),
        },
        checksum_kept: true,
    }))
}
