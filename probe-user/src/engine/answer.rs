//! A reply as a session sees it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use probe_common::{
    Address,
    abi::{Event, Excerpt, Flags, Grade, Kind, Outcome, Protocol},
    wire::{
        extension::{self, Flaw, Label, Role},
        icmp,
    },
};

use super::{
    report::{ExtensionCounts, Extensions, Interface, Interfaces, MplsLabel, Reply, Tells, Unread},
    stamp::Stamp,
    tells,
    time::Moment,
};

/// A probe of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId {
    /// TTL or hop limit.
    pub ttl: u8,
    /// Flow.
    pub flow: u16,
    /// Number among the probes of this flow and TTL.
    pub round: u32,
}

impl ProbeId {
    /// The first in order.
    pub const FIRST: Self = Self {
        ttl: 0,
        flow: 0,
        round: 0,
    };
}

/// A reply to a probe of a session.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The probe that it answers.
    pub probe: ProbeId,
    /// What it is.
    pub kind: Kind,
    /// How it counts.
    pub outcome: Outcome,
    /// Who sent it.
    pub responder: Address,
    /// Name of the unreachable code, if it is that.
    pub reason: Option<&'static str>,
    /// Round-trip time, nanoseconds.
    pub rtt_ns: u64,
    /// When it arrived: the kernel's stamp.
    pub arrived: Moment,
    /// Source of the stamps.
    pub stamp: Stamp,
    /// What it tells of the ways there and back.
    pub tells: Tells,
    /// What its sender says besides.
    pub extensions: Option<Arc<Extensions>>,
}

impl Answer {
    /// Reads an event and what came with it; `None` if it holds codes that this
    /// version does not know.
    pub fn read(event: &Event, extensions: Option<Extensions>, stamp: Stamp) -> Option<Self> {
        let kind = Kind::from_code(event.kind)?;
        Some(Self {
            probe: ProbeId {
                ttl: event.ttl,
                flow: event.flow,
                round: event.round,
            },
            kind,
            outcome: Outcome::from_code(event.outcome)?,
            responder: event.responder,
            reason: reason(kind, event),
            rtt_ns: event.rx_ns.saturating_sub(event.tx_ns),
            arrived: Moment(event.rx_ns),
            stamp,
            tells: tells::of(event, kind),
            extensions: extensions.map(Arc::new),
        })
    }
}

/// Reads what stands behind a quote, and counts it; `None`: nothing that can be read.
pub fn extensions(excerpt: &Excerpt, counts: &mut ExtensionCounts) -> Option<Extensions> {
    let read = match excerpt.read() {
        Ok(read) => read,
        Err(flaw) => {
            if excerpt.stated != 0 {
                count_unread(flaw, &mut counts.unread);
            }
            return None;
        }
    };
    counts.read += 1;
    let mpls = read.labels().iter().map(|label| mpls_label(*label));
    let of = |role| read.interface(role).map(interface);
    let interfaces = Interfaces {
        incoming: of(Role::Incoming),
        sub_ip: of(Role::SubIp),
        outgoing: of(Role::Outgoing),
        next_hop: of(Role::NextHop),
    };
    let extensions = Extensions {
        mpls: mpls.collect(),
        interface: (interfaces != Interfaces::default()).then_some(interfaces),
    };
    (extensions != Extensions::default()).then_some(extensions)
}

fn count_unread(flaw: Flaw, unread: &mut Unread) {
    let count = match flaw {
        Flaw::Length => &mut unread.length,
        Flaw::Version => &mut unread.version,
        Flaw::Checksum => &mut unread.checksum,
        Flaw::Object => &mut unread.object,
    };
    *count += 1;
}

fn mpls_label(label: Label) -> MplsLabel {
    MplsLabel {
        label: label.label(),
        tc: label.traffic_class(),
        s: label.is_bottom(),
        ttl: label.ttl(),
    }
}

/// The name is whatever octets the router sent: sinks escape it.
fn interface(interface: &extension::Interface) -> Interface {
    let name = interface.name;
    Interface {
        index: interface.index,
        address: interface.address.map(ip),
        name: name.map(|name| String::from_utf8_lossy(name.octets()).into_owned()),
        mtu: interface.mtu,
    }
}

/// The record of an event, for sinks.
pub fn reply<'a>(
    event: &Event,
    extensions: Option<&'a Extensions>,
    target: IpAddr,
    stamp: Stamp,
) -> Option<Reply<'a>> {
    let kind = Kind::from_code(event.kind)?;
    let outcome = Outcome::from_code(event.outcome)?;
    let flags = Flags(event.flags);
    let known = outcome != Outcome::Unindexed;
    let tells = tells::of(event, kind);
    let icmp = !matches!(kind, Kind::SynAck | Kind::Rst | Kind::Ack | Kind::UdpReply);
    Some(Reply {
        target,
        ttl: event.ttl,
        flow: event.flow,
        round: event.round,
        protocol: Protocol::from_code(event.protocol)?.name(),
        kind: kind.name(),
        reason: reason(kind, event),
        responder: ip(event.responder),
        rtt_ns: event.rtt_ns().filter(|_| known),
        tx_ns: known.then_some(event.tx_ns),
        rx_ns: event.rx_ns,
        reply_ttl: event.reply_ttl,
        back_hops: tells.back_hops,
        asymmetry: tells.asymmetry,
        quoted_ttl: tells.quoted_ttl,
        quoted_tos: tells.quoted_tos,
        quoted_length: tells.quoted_length,
        icmp_type: icmp.then_some(event.icmp_type),
        icmp_code: icmp.then_some(event.icmp_code),
        mtu: (event.mtu != 0).then_some(event.mtu),
        grade: match flags.grade() {
            Grade::A => "A",
            Grade::B => "B",
        },
        nat: tells.nat,
        rewritten: tells.rewritten,
        duplicate: outcome == Outcome::Duplicate,
        late: outcome == Outcome::Late,
        stamp,
        again: false,
        mpls: extensions.map_or(&[], |extensions| &extensions.mpls),
        interface: extensions.and_then(|extensions| extensions.interface.as_ref()),
    })
}

fn reason(kind: Kind, event: &Event) -> Option<&'static str> {
    (kind == Kind::Unreachable)
        .then(|| icmp::unreachable_name(!event.responder.is_v4(), event.icmp_code))
}

/// The standard library's form of an address.
pub fn ip(address: Address) -> IpAddr {
    match address.v4() {
        Some(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
        None => IpAddr::V6(Ipv6Addr::from(address.octets())),
    }
}

/// The shared form of an address.
pub fn address(ip: IpAddr) -> Address {
    match ip {
        IpAddr::V4(v4) => Address::from_v4(v4.octets()),
        IpAddr::V6(v6) => Address::from_v6(v6.octets()),
    }
}
