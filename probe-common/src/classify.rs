//! Is a packet a candidate reply, and what does it claim to answer?
//!
//! Candidates are every ICMP echo reply and every ICMP error, and SYN-ACK, RST,
//! bare ACK and UDP to a port of the run's range. All else is none of our business.

use crate::{
    Address,
    abi::{Counter, Kind, Protocol},
    identity::{Evidence, Ports},
    probe,
    wire::{
        Bounded, Cursor, Malformed, icmp,
        ip::{self, protocol},
        tcp, udp,
    },
};

/// Least original datagram that RFC 4884 (section 5.3) lets a message state; where
/// extensions begin that older routers do not state (section 5.5).
const MIN_STATED_QUOTE: u16 = 128;

/// What a packet is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing: it passes uncounted.
    NotCandidate,
    /// A candidate that cannot be read; the counter of its reason.
    Malformed(Counter),
    /// A candidate that answers no probe of this run.
    Foreign,
    /// A candidate that names a slot.
    Reply(Candidate),
    /// UDP data to a port of ours: a candidate that names no slot.
    Unindexed(Candidate),
}

/// What a reply says of itself and of the probe that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What the reply is.
    pub kind: Kind,
    /// Protocol of the probe.
    pub protocol: Protocol,
    /// Source of the reply.
    pub responder: Address,
    /// TTL or hop limit of the reply.
    pub reply_ttl: u8,
    /// ICMP type, or TCP flags.
    pub icmp_type: u8,
    /// ICMP code.
    pub icmp_code: u8,
    /// Flow, from the port.
    pub flow: u16,
    /// Shard, from the port.
    pub shard: u16,
    /// Index within the shard.
    pub seq16: u16,
    /// What is seen of the nonce.
    pub evidence: Evidence,
    /// Hash of the probe's destination: as quoted, or the responder.
    pub destination_hash: u32,
    /// The quoted packet; all zero if there is none.
    pub quoted: Quoted,
    /// Next-hop MTU, else 0.
    pub mtu: u32,
    /// Where its quote begins and ends.
    pub extent: Extent,
}

/// Where a message's quote begins and ends, octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The IP packet that the message came in, as its header states.
    pub packet: u16,
    /// What of it is left where the quote begins.
    pub left: u16,
    /// What the message states of the quote's length; 0: nothing.
    pub stated: u16,
}

impl Extent {
    /// No message that quotes.
    pub const NONE: Self = Self {
        packet: 0,
        left: 0,
        stated: 0,
    };
}

impl Candidate {
    /// What stands behind the quote. One without stated length ends where its packet
    /// does, or is padded to where older routers let extensions begin.
    #[inline(always)]
    pub const fn trailer(&self) -> Trailer {
        let Extent {
            packet,
            left,
            stated,
        } = self.extent;
        let states = !matches!(self.kind, Kind::PacketTooBig);
        let begin = if stated == 0 && self.quoted.length <= MIN_STATED_QUOTE {
            MIN_STATED_QUOTE
        } else {
            stated
        };
        if !states || begin < MIN_STATED_QUOTE || left <= begin {
            return Trailer::NONE;
        }
        let length = left - begin;
        Trailer {
            offset: packet.wrapping_sub(length),
            length,
            stated: stated != 0,
        }
    }
}

/// Where a message goes on behind its quote (RFC 4884).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// From the IP header on, octets.
    pub offset: u16,
    /// Up to the end of the IP packet, octets; 0: nothing follows.
    pub length: u16,
    /// Whether the message says that the quote ends here.
    pub stated: bool,
}

impl Trailer {
    /// Nothing follows.
    pub const NONE: Self = Self {
        offset: 0,
        length: 0,
        stated: false,
    };

    /// Whether anything follows.
    #[inline(always)]
    pub const fn is_some(&self) -> bool {
        self.length != 0
    }
}

/// What the quoted IP and transport headers show besides the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Folded sum of the source address.
    pub source_sum: u16,
    /// Folded sum of addresses and ports.
    pub tuple_sum: u16,
    /// Length that the IP header states.
    pub length: u16,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Whether the checksum of an ICMP probe is its identifier, as it left.
    pub checksum_kept: bool,
}

impl Quoted {
    /// No quoted packet.
    pub const NONE: Self = Self {
        source_sum: 0,
        tuple_sum: 0,
        length: 0,
        ttl: 0,
        tos: 0,
        checksum_kept: true,
    };

    /// Whether there is a quoted packet: an IP header states at least its own length.
    #[inline(always)]
    pub const fn is_some(&self) -> bool {
        self.length != 0
    }
}

/// Classifies a packet that begins with an IP header.
#[inline(always)]
pub fn classify<C: Cursor>(cursor: C, v6: bool, ports: Ports) -> Finding {
    let Ok((header, cursor)) = ip::read(cursor, v6) else {
        // The transport cannot be told, so this is no candidate; the host's
        // stack drops and counts such packets.
        return Finding::NotCandidate;
    };
    if header.later_fragment {
        return Finding::NotCandidate;
    }
    match (header.protocol, v6) {
        (protocol::ICMP, false) | (protocol::ICMPV6, true) => classify_icmp(&header, cursor, ports),
        (protocol::TCP, _) => classify_tcp(&header, cursor, ports),
        (protocol::UDP, _) => classify_udp(&header, cursor, ports),
        _ => Finding::NotCandidate,
    }
}

#[inline(always)]
fn classify_icmp<C: Cursor>(header: &ip::Header, cursor: Bounded<C>, ports: Ports) -> Finding {
    let mut cursor = cursor;
    let mut peek = cursor;
    let Some([icmp_type, code]) = peek.take() else {
        return Finding::NotCandidate;
    };
    let Some(kind) = icmp::kind(header.v6, icmp_type, code) else {
        return Finding::NotCandidate;
    };
    let Some(message) = icmp::read(&mut cursor) else {
        return Finding::Malformed(Counter::MalformedTruncated);
    };
    if kind as u8 == Kind::EchoReply as u8 {
        echo_reply(header, message, cursor, ports)
    } else {
        icmp_error(kind, header, message, cursor, ports)
    }
}

#[inline(always)]
fn echo_reply<C: Cursor>(
    header: &ip::Header,
    message: icmp::Header,
    mut cursor: Bounded<C>,
    ports: Ports,
) -> Finding {
    let Some((flow, shard)) = ports.locate(message.first) else {
        return Finding::Foreign;
    };
    Finding::Reply(Candidate {
        kind: Kind::EchoReply,
        protocol: Protocol::Icmp,
        responder: header.source,
        reply_ttl: header.ttl,
        icmp_type: message.kind,
        icmp_code: message.code,
        flow,
        shard,
        seq16: message.second,
        evidence: Evidence {
            wide: cursor.take().map_or(0, u64::from_be_bytes),
            narrow: None,
        },
        destination_hash: header.source.hash(),
        quoted: Quoted::NONE,
        mtu: 0,
        extent: Extent::NONE,
    })
}

#[inline(always)]
fn icmp_error<C: Cursor>(
    kind: Kind,
    header: &ip::Header,
    message: icmp::Header,
    cursor: Bounded<C>,
    ports: Ports,
) -> Finding {
    let stated = icmp::quoted_octets(header.v6, message);
    let quote = if stated >= MIN_STATED_QUOTE {
        cursor.truncate(stated as u32)
    } else {
        cursor
    };
    let (inner, rest) = match ip::read(quote, header.v6) {
        Ok(read) => read,
        Err(malformed) => return Finding::Malformed(quote_counter(malformed)),
    };
    let identity = match probe::read(&inner, rest) {
        Ok(Some(identity)) => identity,
        Ok(None) => return Finding::Foreign,
        Err(malformed) => return Finding::Malformed(quote_counter(malformed)),
    };
    let Some((flow, shard)) = ports.locate(identity.port) else {
        return Finding::Foreign;
    };
    Finding::Reply(Candidate {
        kind,
        protocol: identity.protocol,
        responder: header.source,
        reply_ttl: header.ttl,
        icmp_type: message.kind,
        icmp_code: message.code,
        flow,
        shard,
        seq16: identity.seq16,
        evidence: identity.evidence,
        destination_hash: inner.destination.hash(),
        quoted: Quoted {
            source_sum: inner.source.sum().fold(),
            tuple_sum: probe::tuple_sum(
                inner.source,
                inner.destination,
                identity.port,
                identity.destination_port,
            ),
            length: inner.length,
            ttl: inner.ttl,
            tos: inner.tos,
            checksum_kept: identity.checksum_kept,
        },
        mtu: next_hop_mtu(kind, header.v6, message),
        extent: Extent {
            packet: header.length,
            left: cursor.left() as u16,
            stated,
        },
    })
}

#[inline(always)]
fn classify_tcp<C: Cursor>(header: &ip::Header, cursor: Bounded<C>, ports: Ports) -> Finding {
    let Some((mut cursor, flow, shard)) = to_our_port(cursor, ports) else {
        return Finding::NotCandidate;
    };
    let Some(segment) = tcp::read(&mut cursor) else {
        return Finding::Malformed(Counter::MalformedTruncated);
    };
    let Some(kind) = segment.kind() else {
        return Finding::NotCandidate;
    };
    let sequence = segment.probe_sequence();
    Finding::Reply(Candidate {
        kind,
        protocol: Protocol::Tcp,
        responder: header.source,
        reply_ttl: header.ttl,
        icmp_type: segment.flags,
        icmp_code: 0,
        flow,
        shard,
        seq16: (sequence >> 16) as u16,
        evidence: Evidence {
            wide: 0,
            narrow: Some(sequence as u16),
        },
        destination_hash: header.source.hash(),
        quoted: Quoted::NONE,
        mtu: 0,
        extent: Extent::NONE,
    })
}

#[inline(always)]
fn classify_udp<C: Cursor>(header: &ip::Header, cursor: Bounded<C>, ports: Ports) -> Finding {
    let Some((mut cursor, flow, shard)) = to_our_port(cursor, ports) else {
        return Finding::NotCandidate;
    };
    if udp::read(&mut cursor).is_none() {
        return Finding::Malformed(Counter::MalformedTruncated);
    }
    Finding::Unindexed(Candidate {
        kind: Kind::UdpReply,
        protocol: Protocol::Udp,
        responder: header.source,
        reply_ttl: header.ttl,
        icmp_type: 0,
        icmp_code: 0,
        flow,
        shard,
        seq16: 0,
        evidence: Evidence::default(),
        destination_hash: header.source.hash(),
        quoted: Quoted::NONE,
        mtu: 0,
        extent: Extent::NONE,
    })
}

/// The flow and shard of a transport header's destination port, if it is one of
/// ours; the cursor stays at the header's begin.
#[inline(always)]
fn to_our_port<C: Cursor>(cursor: Bounded<C>, ports: Ports) -> Option<(Bounded<C>, u16, u16)> {
    let mut peek = cursor;
    peek.skip(2)?;
    let (flow, shard) = ports.locate(u16::from_be_bytes(peek.take()?))?;
    Some((cursor, flow, shard))
}

#[inline(always)]
const fn next_hop_mtu(kind: Kind, v6: bool, message: icmp::Header) -> u32 {
    match kind {
        Kind::PacketTooBig => (message.first as u32) << 16 | message.second as u32,
        Kind::Unreachable if !v6 && message.code == 4 => message.second as u32,
        _ => 0,
    }
}

#[inline(always)]
const fn quote_counter(malformed: Malformed) -> Counter {
    match malformed {
        Malformed::Truncated => Counter::MalformedQuoteTruncated,
        Malformed::Header => Counter::MalformedQuoteHeader,
        Malformed::Extensions => Counter::MalformedExtensions,
    }
}
