//! Any reply, for tests.

use std::net::IpAddr;

use probe_common::{
    abi::{Kind, Protocol, TxSource},
    wire::icmp::unreachable_name,
};
use proptest::{option, prelude::*, sample::select};

use crate::engine::{
    report::Reply,
    stamp::{RxHook, Stamp},
};

fn stamp() -> impl Strategy<Value = Stamp> {
    (select(TxSource::ALL), select(RxHook::ALL)).prop_map(|(tx, rx)| Stamp { tx, rx })
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        // Runs of zeros and embedded IPv4 addresses have forms of their own.
        (any::<u16>(), any::<[u8; 4]>()).prop_map(|(mask, last)| {
            let mut octets: [u8; 16] =
                std::array::from_fn(|at| u8::from(mask >> at & 1 != 0) * 0xff);
            octets[12..].copy_from_slice(&last);
            IpAddr::from(octets)
        }),
    ]
}

fn reason() -> impl Strategy<Value = &'static str> {
    (any::<bool>(), any::<u8>()).prop_map(|(v6, code)| unreachable_name(v6, code))
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
        (quoted_ttl, mtu) in any::<(Option<u8>, Option<u32>)>(),
        (icmp_type, icmp_code) in any::<(Option<u8>, Option<u8>)>(),
        grade in select(&["A", "B"][..]),
        (nat, duplicate, late, again) in any::<(bool, bool, bool, bool)>(),
        stamp in stamp(),
    ) -> Reply {
        Reply {
            target, ttl, flow, round,
            protocol: protocol.name(),
            kind: kind.name(),
            reason, responder, rtt_ns, tx_ns, rx_ns, reply_ttl, quoted_ttl,
            icmp_type, icmp_code, mtu, grade, nat, duplicate, late, stamp, again,
        }
    }
}
