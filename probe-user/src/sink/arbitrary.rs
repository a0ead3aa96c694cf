//! Any reply, for tests.

use std::net::{IpAddr, Ipv4Addr};

use probe_common::{
    abi::{Flags, Kind, Protocol, TxSource},
    wire::icmp::unreachable_name,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::sample::LABEL;
use crate::engine::{
    report::{Interface, Interfaces, MplsLabel, PathHop, PathReport, Reply, Stop},
    stamp::{RxHook, Stamp},
};

fn stamp() -> impl Strategy<Value = Stamp> {
    (select(TxSource::ALL), select(RxHook::ALL)).prop_map(|(tx, rx)| Stamp { tx, rx })
}

/// Any address, those with zeros and embedded ones often.
pub(super) fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        any::<[u8; 4]>().prop_map(|v4| Ipv4Addr::from(v4).to_ipv6_mapped().into()),
        vec(select(&[0, 0, 1, 0x20, 0xabc, 0xffff][..]), 8).prop_map(|segments| {
            let segments: [u16; 8] = std::array::from_fn(|at| segments[at]);
            IpAddr::from(segments)
        }),
    ]
}

fn reason() -> impl Strategy<Value = &'static str> {
    (any::<bool>(), any::<u8>()).prop_map(|(v6, code)| unreachable_name(v6, code))
}

/// No stack, one of one label and one of three.
const STACKS: &[&[MplsLabel]] = &[&[], &[LABEL], &[LABEL; 3]];

fn interface() -> impl Strategy<Value = Interface> {
    let fields = (
        any::<Option<u32>>(),
        option::of(address()),
        option::of("[ -~]{0,20}"),
    );
    fields.prop_map(|(index, address, name)| Interface {
        index,
        address,
        name,
        mtu: index,
    })
}

/// Interfaces, which stay until the tests end.
fn interfaces() -> impl Strategy<Value = &'static Interfaces> {
    let roles = (option::of(interface()), option::of(interface()));
    roles.prop_map(|(incoming, next_hop)| {
        let interfaces = Interfaces {
            incoming,
            next_hop,
            ..Interfaces::default()
        };
        &*Box::leak(Box::new(interfaces))
    })
}

prop_compose! {
    /// A reply with any fields, those absent in the end included that never are.
    pub(super) fn reply()(
        (target, responder) in (address(), address()),
        (ttl, flow, round) in any::<(u8, u16, u32)>(),
        (protocol, kind) in (select(Protocol::ALL), select(Kind::ALL)),
        reason in option::of(reason()),
        (rtt_ns, tx_ns) in any::<(Option<u64>, Option<u64>)>(),
        (rx_ns, reply_ttl) in any::<(u64, u8)>(),
        (back_hops, asymmetry) in any::<(Option<u8>, Option<i16>)>(),
        (quoted_ttl, mtu) in any::<(Option<u8>, Option<u32>)>(),
        (quoted_tos, quoted_length) in any::<(Option<u8>, Option<u16>)>(),
        (icmp_type, icmp_code) in any::<(Option<u8>, Option<u8>)>(),
        grade in select(&["A", "B"][..]),
        flags in any::<u8>(),
        (duplicate, late, again) in any::<(bool, bool, bool)>(),
        stamp in stamp(),
        mpls in select(STACKS),
        interface in option::of(interfaces()),
    ) -> Reply<'static> {
        Reply {
            target, ttl, flow, round,
            protocol: protocol.name(),
            kind: kind.name(),
            reason, responder, rtt_ns, tx_ns, rx_ns, reply_ttl,
            back_hops, asymmetry, quoted_ttl, quoted_tos, quoted_length,
            icmp_type, icmp_code, mtu, grade,
            nat: Flags(flags).nat(),
            rewritten: Flags(flags).rewritten(),
            duplicate, late, stamp, again, mpls, interface,
        }
    }
}

prop_compose! {
    fn hop()(
        (ttl, reply_ttl) in any::<(u8, u8)>(),
        responder in address(),
        kind in select(Kind::ALL),
        reason in option::of(reason()),
        (rtt_ns, quoted_ttl) in any::<(Option<u64>, Option<u8>)>(),
        mpls in select(STACKS),
        interface in option::of(interfaces()),
        (back_hops, asymmetry) in any::<(Option<u8>, Option<i16>)>(),
        (quoted_tos, quoted_length) in any::<(Option<u8>, Option<u16>)>(),
        flags in any::<u8>(),
    ) -> PathHop {
        PathHop {
            ttl, responder,
            kind: kind.name(),
            reason, rtt_ns, reply_ttl, back_hops, asymmetry, quoted_ttl, quoted_tos, quoted_length,
            rewritten: Flags(flags).rewritten(),
            mpls: mpls.to_vec(),
            interface: interface.cloned(),
        }
    }
}

prop_compose! {
    /// A path with any hops.
    pub(super) fn path()(
        target in address(),
        protocol in select(Protocol::ALL),
        flow in any::<u16>(),
        stop in select(Stop::ALL),
        stamp in stamp(),
        hops in vec(hop(), 0..20),
    ) -> PathReport {
        PathReport { target, protocol: protocol.name(), flow, stop, stamp, hops }
    }
}
