//! A reply as a few octets: 30 with IPv4, and more where its router said more.

use std::net::IpAddr;

use probe_common::abi::{Kind, Protocol, TxSource};

use super::extension;
use crate::engine::{
    report::{Extensions, Interfaces, PathHop, Reply},
    stamp::{RxHook, Stamp},
};

/// Octets before the addresses.
const HEADER: usize = 22;

const TARGET_V6: u8 = 1;
const RESPONDER_V6: u8 = 2;
const HAS_RTT: u8 = 4;
const HAS_QUOTED_TTL: u8 = 8;
const HAS_EXTENSIONS: u8 = 16;

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
    quoted_ttl: Option<u8>,
    /// Place in [`Reasons`], from 1 on; 0: none.
    reason: u8,
    /// Of few replies.
    extensions: Option<Box<Extensions>>,
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
            quoted_ttl: reply.quoted_ttl,
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
            quoted_ttl: self.quoted_ttl,
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
            | flag(self.quoted_ttl.is_some(), HAS_QUOTED_TTL)
            | flag(self.extensions.is_some(), HAS_EXTENSIONS);
        let rx = match self.stamp.rx {
            RxHook::XdpNative => 0,
            RxHook::XdpGeneric => 1,
            RxHook::Tcx => 2,
        };
        into.extend([flags, self.protocol as u8, self.kind as u8, self.reason]);
        into.extend([(self.stamp.tx as u8) << 2 | rx, self.ttl, self.reply_ttl]);
        into.push(self.quoted_ttl.unwrap_or_default());
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
            ..,
        ] = *header;
        let (flow, header) = header.get(8..)?.split_first_chunk()?;
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
            quoted_ttl: (flags & HAS_QUOTED_TTL != 0).then_some(quoted_ttl),
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
            }
        }
    }
}
