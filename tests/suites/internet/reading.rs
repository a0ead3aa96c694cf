//! An answer, taken apart and checked.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail, ensure};
use etherparse::{Icmpv4Type, Icmpv6Type, NetSlice, SlicedPacket, TransportSlice, icmpv4, icmpv6};
use probe_common::abi::Kind;
use probe_tests::{
    lab::{InternetLab, truth::mapped},
    packet::checksum,
};

/// Which probe an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) target: IpAddr,
    pub(crate) ttl: u8,
}

/// An answer whose checksums and lengths are right.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) key: Key,
    pub(crate) kind: Kind,
    pub(crate) responder: IpAddr,
    pub(crate) ttl: u8,
    /// Octets 4 to 7 of the ICMP header.
    pub(crate) rest: [u8; 4],
    /// What stands behind the ICMP header, or the whole TCP segment.
    pub(crate) body: Vec<u8>,
}

impl Reading {
    /// Reads a frame that came back.
    pub(crate) fn of(frame: &[u8]) -> Result<Self> {
        ensure!(frame[..6] == InternetLab::MAC, "to whom?");
        ensure!(frame[6..12] == InternetLab::GATEWAY_MAC, "from whom?");
        let packet = SlicedPacket::from_ethernet(frame)?;
        let (responder, destination, ttl, length): (IpAddr, IpAddr, _, _) = match &packet.net {
            Some(NetSlice::Ipv4(ip)) => {
                let header = ip.header();
                ensure!(checksum::internet(header.slice()) == 0, "IP checksum");
                let (from, to) = (header.source_addr(), header.destination_addr());
                (
                    from.into(),
                    to.into(),
                    header.ttl(),
                    header.total_len() as usize,
                )
            }
            Some(NetSlice::Ipv6(ip)) => {
                let header = ip.header();
                let (from, to) = (header.source_addr(), header.destination_addr());
                let length = usize::from(header.payload_length()) + 40;
                (from.into(), to.into(), header.hop_limit(), length)
            }
            other => bail!("not IP: {other:?}"),
        };
        ensure!(length + 14 == frame.len(), "{length} octets are stated");
        let transport = packet.transport.context("no transport")?;
        let sum = |protocol, segment| {
            checksum::transport(mapped(responder), mapped(destination), protocol, segment)
        };
        let rest = match &transport {
            TransportSlice::Icmpv4(message) => rest_of(message.slice()),
            TransportSlice::Icmpv6(message) => rest_of(message.slice()),
            _ => [0; 4],
        };
        let (kind, key, body) = match transport {
            TransportSlice::Icmpv4(message) => {
                ensure!(checksum::internet(message.slice()) == 0, "ICMP checksum");
                let body = message.payload().to_vec();
                match message.icmp_type() {
                    Icmpv4Type::EchoReply(echo) => {
                        (Kind::EchoReply, key(responder, echo.seq), body)
                    }
                    Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit) => {
                        (Kind::TimeExceeded, key_of_quote(&body)?, body)
                    }
                    Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Port) => {
                        (Kind::PortUnreachable, key_of_quote(&body)?, body)
                    }
                    other => bail!("an answer of another type: {other:?}"),
                }
            }
            TransportSlice::Icmpv6(message) => {
                ensure!(sum(58, message.slice()) == 0, "ICMPv6 checksum");
                let body = message.payload().to_vec();
                match message.icmp_type() {
                    Icmpv6Type::EchoReply(echo) => {
                        (Kind::EchoReply, key(responder, echo.seq), body)
                    }
                    Icmpv6Type::TimeExceeded(icmpv6::TimeExceededCode::HopLimitExceeded) => {
                        (Kind::TimeExceeded, key_of_quote(&body)?, body)
                    }
                    Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port) => {
                        (Kind::PortUnreachable, key_of_quote(&body)?, body)
                    }
                    other => bail!("an answer of another type: {other:?}"),
                }
            }
            TransportSlice::Tcp(segment) => {
                ensure!(sum(6, segment.slice()) == 0, "TCP checksum");
                let kind = match (segment.syn(), segment.rst()) {
                    (true, false) => Kind::SynAck,
                    (false, true) => Kind::Rst,
                    other => bail!("SYN and RST: {other:?}"),
                };
                let port = segment.destination_port();
                (kind, key_of_port(responder, port), segment.slice().to_vec())
            }
            other => bail!("nobody answers with {other:?}"),
        };
        Ok(Self {
            key,
            kind,
            responder,
            ttl,
            rest,
            body,
        })
    }
}

fn rest_of(message: &[u8]) -> [u8; 4] {
    [4, 5, 6, 7].map(|at| message.get(at).copied().unwrap_or_default())
}

fn key(target: IpAddr, ttl: u16) -> Key {
    Key {
        target,
        ttl: ttl as u8,
    }
}

fn key_of_port(target: IpAddr, port: u16) -> Key {
    key(target, port.wrapping_sub(40_000))
}

/// From the IP header and eight octets behind it.
fn key_of_quote(quote: &[u8]) -> Result<Key> {
    let (header, protocol, target): (_, _, IpAddr) = match quote.first().map(|first| first >> 4) {
        Some(4) if quote.len() >= 28 => {
            ensure!(checksum::internet(&quote[..20]) == 0, "quoted IP checksum");
            let octets: [u8; 4] = quote[16..20].try_into()?;
            (20, quote[9], octets.into())
        }
        Some(6) if quote.len() >= 48 => {
            let octets: [u8; 16] = quote[24..40].try_into()?;
            (40, quote[6], octets.into())
        }
        _ => bail!("too short a quote"),
    };
    let word = |at: usize| u16::from_be_bytes([quote[header + at], quote[header + at + 1]]);
    Ok(match protocol {
        1 | 58 => key(target, word(6)),
        _ => key_of_port(target, word(0)),
    })
}
