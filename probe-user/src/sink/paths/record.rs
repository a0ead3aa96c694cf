//! A reply as a few octets: 33 with IPv4, and more where its router said more.

use std::net::IpAddr;

use probe_common::abi::{Flags, Kind, Protocol, TxSource};

use super::extension;
use crate::engine::{
    report::{Extensions, Interfaces, PathHop, Reply},
    stamp::{RxHook, Stamp},
};

/// Octets before the addresses.
const HEADER: usize = 25;

const TARGET_V6: u8 = 1;
const RESPONDER_V6: u8 = 2;
const HAS_RTT: u8 = 4;
const HAS_QUOTE: u8 = 8;
const HAS_EXTENSIONS: u8 = 16;
/// Above these flags stands [`Record::rewritten`].
const REWRITTEN: u32 = 5;

/// What a path needs of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) target: IpAddr,
    pub(super) flow: u16,
    pub(super) ttl: u8,
    pub(super) round: u32,
    pub(super) kind: Kind,
    pub(super) protocol: Protocol,
    pub(super) stamp: Stamp,
    responder: IpAddr,
    rtt_ns: Option<u64>,
    reply_ttl: u8,
    quote: Option<Quote>,
    /// Place in [`Flags::REWRITTEN`], from 1 on; 0: nothing.
    rewritten: u8,
    /// Place in [`Reasons`], from 1 on; 0: none.
    reason: u8,
    /// Of few replies.
    extensions: Option<Box<Extensions>>,
}

/// How the probe looked when it was quoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Quote {
    ttl: u8,
    tos: u8,
    length: u16,
}

/// Names of unreachable codes that were met.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<&'static str>);

impl Reasons {
    /// Its place, from 1 on. There are far less than 255.
    fn place(&mut self, name: &'static str) -> u8 {
        let known = self.0.iter().position(|known| *known == name);
        let index = known.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        u8::try_from(index + 1).unwrap_or(0)
    }

    fn name(&self, place: u8) -> Option<&'static str> {
        self.0.get(usize::from(place).checked_sub(1)?).copied()
    }
}

impl Record {
    /// `None` for names that are not ours.
    pub(super) fn of(reply: &Reply<'_>, reasons: &mut Reasons) -> Option<Self> {
        let kind = Kind::ALL.iter().find(|kind| kind.name() == reply.kind)?;
        let mut protocols = Protocol::ALL.iter();
        Some(Self {
            target: reply.target,
            flow: reply.flow,
            ttl: reply.ttl,
            round: reply.round,
            kind: *kind,
            protocol: *protocols.find(|protocol| protocol.name() == reply.protocol)?,
            stamp: reply.stamp,
            responder: reply.responder,
            rtt_ns: reply.rtt_ns,
            reply_ttl: reply.reply_ttl,
            quote: reply.quoted_ttl.map(|ttl| Quote {
                ttl,
                tos: reply.quoted_tos.unwrap_or_default(),
                length: reply.quoted_length.unwrap_or_default(),
            }),
            rewritten: place_of(reply.rewritten),
            reason: reply.reason.map_or(0, |reason| reasons.place(reason)),
            extensions: extensions(reply),
        })
    }

    pub(super) fn hop(&self, reasons: &Reasons) -> PathHop {
        let said = self.extensions.as_deref();
        PathHop {
            ttl: self.ttl,
            responder: self.responder,
            kind: self.kind.name(),
            reason: reasons.name(self.reason),
            rtt_ns: self.rtt_ns,
            reply_ttl: self.reply_ttl,
            back_hops: None,
            asymmetry: None,
            quoted_ttl: self.quote.map(|quote| quote.ttl),
            quoted_tos: self.quote.map(|quote| quote.tos),
            quoted_length: self.quote.map(|quote| quote.length),
            rewritten: name_at(self.rewritten),
            mpls: said.map_or_else(Vec::new, |said| said.mpls.clone()),
            interface: said.and_then(|said| said.interface.clone()),
        }
    }

    /// The order of paths, and of hops in them.
    pub(super) fn order(&self) -> impl Ord + use<> {
        (self.target, self.flow, self.ttl, self.round, self.responder)
    }

    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.target.is_ipv6(), TARGET_V6)
            | flag(self.responder.is_ipv6(), RESPONDER_V6)
            | flag(self.rtt_ns.is_some(), HAS_RTT)
            | flag(self.quote.is_some(), HAS_QUOTE)
            | flag(self.extensions.is_some(), HAS_EXTENSIONS)
            | self.rewritten << REWRITTEN;
        let rx = match self.stamp.rx {
            RxHook::XdpNative => 0,
            RxHook::XdpGeneric => 1,
            RxHook::Tcx => 2,
        };
        into.extend([flags, self.protocol as u8, self.kind as u8, self.reason]);
        into.extend([(self.stamp.tx as u8) << 2 | rx, self.ttl, self.reply_ttl]);
        let quote = self.quote.unwrap_or_default();
        into.extend([quote.ttl, quote.tos]);
        into.extend(quote.length.to_le_bytes());
        into.extend(self.flow.to_le_bytes());
        into.extend(self.round.to_le_bytes());
        into.extend(self.rtt_ns.unwrap_or_default().to_le_bytes());
        for address in [self.target, self.responder] {
            match address {
                IpAddr::V4(v4) => into.extend(v4.octets()),
                IpAddr::V6(v6) => into.extend(v6.octets()),
            }
        }
        if let Some(extensions) = &self.extensions {
            extension::encode(extensions, into);
        }
    }

    /// Reads the next record; `None` at the end.
    pub(super) fn decode(from: &mut &[u8]) -> Option<Self> {
        let (header, mut rest) = from.split_first_chunk::<HEADER>()?;
        let [
            flags,
            protocol,
            kind,
            reason,
            stamp,
            ttl,
            reply_ttl,
            quoted_ttl,
            quoted_tos,
            ..,
        ] = *header;
        let (quoted_length, header) = header.get(9..)?.split_first_chunk()?;
        let (flow, header) = header.split_first_chunk()?;
        let (round, header) = header.split_first_chunk()?;
        let rtt_ns = header.first_chunk()?;
        let target = address(&mut rest, flags & TARGET_V6 != 0)?;
        let responder = address(&mut rest, flags & RESPONDER_V6 != 0)?;
        let extensions = if flags & HAS_EXTENSIONS == 0 {
            None
        } else {
            Some(Box::new(extension::decode(&mut rest)?))
        };
        *from = rest;
        Some(Self {
            target,
            flow: u16::from_le_bytes(*flow),
            ttl,
            round: u32::from_le_bytes(*round),
            kind: Kind::from_code(kind)?,
            protocol: Protocol::from_code(protocol)?,
            stamp: Stamp {
                tx: TxSource::from_code(stamp >> 2)?,
                rx: *RxHook::ALL.get(usize::from(stamp & 3))?,
            },
            responder,
            rtt_ns: (flags & HAS_RTT != 0).then_some(u64::from_le_bytes(*rtt_ns)),
            reply_ttl,
            quote: (flags & HAS_QUOTE != 0).then_some(Quote {
                ttl: quoted_ttl,
                tos: quoted_tos,
                length: u16::from_le_bytes(*quoted_length),
            }),
            rewritten: flags >> REWRITTEN,
            reason,
            extensions,
        })
    }
}

fn extensions(reply: &Reply<'_>) -> Option<Box<Extensions>> {
    let interface = reply.interface.cloned();
    let said = Extensions {
        mpls: reply.mpls.to_vec(),
        interface: interface.filter(|interface| *interface != Interfaces::default()),
    };
    (said != Extensions::default()).then(|| Box::new(said))
}

/// Place of what was rewritten among its names, from 1 on; 0: nothing was.
fn place_of(rewritten: Option<&str>) -> u8 {
    let named = |name: &&str| Some(*name) == rewritten;
    let place = Flags::REWRITTEN.iter().position(named);
    place.map_or(0, |place| place as u8 + 1)
}

fn name_at(place: u8) -> Option<&'static str> {
    let index = usize::from(place).checked_sub(1)?;
    Flags::REWRITTEN.get(index).copied()
}

/// Reads the next address; `None` at the end.
pub(super) fn address(from: &mut &[u8], v6: bool) -> Option<IpAddr> {
    if v6 {
        let (octets, rest) = from.split_first_chunk::<16>()?;
        *from = rest;
        return Some((*octets).into());
    }
    let (octets, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    Some((*octets).into())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(replies in vec(arbitrary::reply(), 0..20)) {
            let mut reasons = Reasons::default();
            let records = replies.iter().filter_map(|reply| Record::of(reply, &mut reasons));
            let records: Vec<_> = records.collect();
            prop_assert_eq!(records.len(), replies.len());
            let mut octets = Vec::new();
            for record in &records {
                record.encode(&mut octets);
            }
            let mut rest = &octets[..];
            let read: Vec<_> = std::iter::from_fn(|| Record::decode(&mut rest)).collect();
            prop_assert!(rest.is_empty());
            prop_assert_eq!(&read, &records);
            for (record, reply) in read.iter().zip(&replies) {
                let hop = record.hop(&reasons);
                prop_assert_eq!(hop.reason, reply.reason);
                prop_assert_eq!((hop.kind, hop.rtt_ns), (reply.kind, reply.rtt_ns));
                prop_assert_eq!(&hop.mpls[..], reply.mpls);
                let said = reply.interface.filter(|said| **said != Interfaces::default());
                prop_assert_eq!(hop.interface.as_ref(), said);
                prop_assert_eq!(hop.rewritten, reply.rewritten);
                prop_assert_eq!(hop.quoted_ttl, reply.quoted_ttl);
                let quoted = hop.quoted_length.zip(hop.quoted_tos);
                let told = (reply.quoted_length.unwrap_or(0), reply.quoted_tos.unwrap_or(0));
                prop_assert_eq!(quoted, reply.quoted_ttl.map(|_| told));
            }
        }
    }
}
