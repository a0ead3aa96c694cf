//! What the simulated internet answers.

use super::{Internet, Labels, Query, Request, internet::Purpose};
use crate::{Address, abi::Kind};

/// TTL or hop limit that routers' and targets' replies begin with.
const ROUTER_TTL: u32 = 255;
const TARGET_TTL: u32 = 64;

/// What becomes of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its destination lies in no target's network: it is none.
    Elsewhere,
    /// Its TTL ends at a router that never answers.
    SilentRouter,
    /// It reaches a target that never answers.
    DeadTarget,
    /// It is answered.
    Reply(Reply),
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who answers.
    pub responder: Address,
    /// With what.
    pub kind: Kind,
    /// TTL or hop limit of the reply as it comes back.
    pub ttl: u8,
    /// TTL or hop limit that an error quotes: what is left where the probe ends.
    pub quoted_ttl: u8,
    /// An error quotes 20 octets behind the IP header (IPv4), not 8.
    pub long_quote: bool,
    /// The labels that the probe came with, if the router says so. It then quotes 8
    /// octets behind the IP header (IPv6: 20).
    pub labels: Option<Labels>,
    /// It comes twice.
    pub doubled: bool,
    /// It shows a wrong nonce.
    pub forged: bool,
}

impl Internet {
    /// What becomes of a probe.
    #[inline(always)]
    pub const fn answer(&self, query: &Query) -> Answer {
        let Some(net) = self.locate(query.destination) else {
            return Answer::Elsewhere;
        };
        let distance = self.distance(net);
        let level = query.ttl as u32;
        if level < distance {
            let router = self.router(net, distance, level, query.flow);
            if self.is_silent(router) {
                return Answer::SilentRouter;
            }
            let way = level.wrapping_sub(1) & 31;
            let reply = self.reply(query, router.address(), Kind::TimeExceeded, way);
            let labels = self.labels(router);
            return Answer::Reply(Reply {
                ttl: (ROUTER_TTL - way) as u8,
                long_quote: labels.is_none() && self.quotes_long(router),
                labels,
                ..reply
            });
        }
        let target = number_of(query.destination);
        if self.befalls(self.dead, Purpose::Dead, target) {
            return Answer::DeadTarget;
        }
        let kind = match query.request {
            Request::Echo => Kind::EchoReply,
            Request::Udp => Kind::PortUnreachable,
            Request::Syn(port) => {
                if self.befalls(self.open, Purpose::Open, target ^ (port as u64) << 32) {
                    Kind::SynAck
                } else {
                    Kind::Rst
                }
            }
            Request::Ack => Kind::Rst,
        };
        let way = distance.wrapping_sub(1) & 31;
        Answer::Reply(self.reply(query, query.destination, kind, way))
    }

    /// A reply to a probe that has passed as many routers as `way`.
    #[inline(always)]
    const fn reply(&self, query: &Query, responder: Address, kind: Kind, way: u32) -> Reply {
        let target = number_of(query.destination);
        let probe = target ^ (query.flow as u64) << 8 ^ (query.ttl as u64) << 48;
        Reply {
            responder,
            kind,
            ttl: (TARGET_TTL - way) as u8,
            quoted_ttl: query.ttl.wrapping_sub(way as u8),
            long_quote: false,
            labels: None,
            doubled: self.befalls(self.doubled, Purpose::Doubled, probe),
            forged: self.befalls(self.forged, Purpose::Forged, probe),
        }
    }
}

/// A number for an address: an IPv4 address itself, a hash of an IPv6 address.
#[inline(always)]
const fn number_of(address: Address) -> u64 {
    match address.v4() {
        Some(octets) => u32::from_be_bytes(octets) as u64,
        None => address.hash() as u64,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{HashMap, HashSet},
        vec::Vec,
    };

    use proptest::prelude::*;

    use super::*;
    use crate::lab::{Net, Router};

    const INTERNET: Internet = Internet::DEFAULT;

    fn probe(target: u32, flow: u32, ttl: u8, request: Request) -> Answer {
        INTERNET.answer(&Query {
            destination: Address::from_v4(target.to_be_bytes()),
            flow,
            ttl,
            request,
        })
    }

    fn target(net: u32, host: u8) -> u32 {
        0x0a00_0000 | net << 8 | u32::from(host)
    }

    fn net(number: u32) -> Net {
        Net {
            number,
            bits: 16,
            v6: false,
        }
    }

    #[test]
    fn the_first_hops_are_shared_and_the_last_is_the_networks_own() {
        let mut last = HashSet::new();
        for number in 0..1 << 16 {
            let distance = INTERNET.distance(net(number));
            for level in 1..=3 {
                let router = INTERNET.router(net(number), distance, level, 0);
                assert_eq!((router.prefix, router.arm), (0, 0));
            }
            let router = INTERNET.router(net(number), distance, distance - 1, 0);
            assert!(router.last && last.insert(router.address()));
        }
    }

    /// Arms left aside, each router has one before it: paths form a tree.
    #[test]
    fn paths_that_meet_have_come_the_same_way() {
        let tree = Internet {
            balanced: 0,
            ..INTERNET
        };
        let mut before: HashMap<Address, Address> = HashMap::new();
        for number in 0..1 << 16 {
            let distance = tree.distance(net(number));
            let path: Vec<Address> = (1..distance)
                .map(|level| tree.router(net(number), distance, level, 0).address())
                .collect();
            for pair in path.windows(2) {
                assert_eq!(*before.entry(pair[1]).or_insert(pair[0]), pair[0]);
            }
        }
        assert!(before.len() > 1 << 16, "{} links", before.len());
    }

    #[test]
    fn the_tree_widens_with_every_level() {
        let at = |level| {
            let routers = (0..1 << 16).map(|number| INTERNET.router(net(number), 18, level, 0));
            routers.map(Router::address).collect::<HashSet<_>>().len()
        };
        let widths: Vec<usize> = (4..=17).map(at).collect();
        assert!(
            widths.windows(2).all(|pair| pair[0] < pair[1]),
            "{widths:?}"
        );
    }

    proptest! {
        #[test]
        fn different_routers_have_different_addresses_outside_all_targets(
            pairs in prop::collection::vec((0u32..1 << 22, 2u32..31, any::<u32>(), any::<bool>()), 2..50),
        ) {
            let internet = Internet { v4_network: 0, v4_bits: 2, v6_bits: 26, balanced: 500, ..INTERNET };
            prop_assert_eq!(internet.fault(), None);
            let mut seen: HashMap<Address, Router> = HashMap::new();
            for (number, level, flow, v6) in pairs {
                let net = Net { number, bits: 22, v6 };
                let distance = internet.distance(net);
                let level = level.min(distance - 1);
                let router = internet.router(net, distance, level, flow);
                prop_assert_eq!(*seen.entry(router.address()).or_insert(router), router);
                prop_assert_eq!(internet.locate(router.address()), None);
            }
        }

        #[test]
        fn every_kind_of_probe_gets_the_same_routers_but_for_flows(number in 0u32..1 << 16, host in any::<u8>(), ttl in 1u8..6) {
            let of = |request| probe(target(number, host), 7, ttl, request);
            for request in [Request::Udp, Request::Syn(80), Request::Ack] {
                prop_assert_eq!(of(request), of(Request::Echo));
            }
        }
    }

    #[test]
    fn shares_are_as_asked_for() {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        let mut count = |name| *counts.entry(name).or_default() += 1;
        for number in 0..1 << 16 {
            let target = target(number, number as u8);
            match probe(target, 0, 30, Request::Syn(80)) {
                Answer::DeadTarget => count("dead"),
                Answer::Reply(reply) if reply.kind == Kind::SynAck => count("open"),
                _ => {}
            }
            match probe(target, 0, 5, Request::Echo) {
                Answer::SilentRouter => count("silent"),
                Answer::Reply(reply) if reply.long_quote => count("long"),
                _ => {}
            }
        }
        let near = |name, share: f64| {
            let found = f64::from(counts[name]) / 65_536.0;
            assert!((found - share).abs() < 0.03, "{name}: {found}, not {share}");
        };
        near("dead", 0.3);
        near("open", 0.7 * 0.3);
    }

    #[test]
    fn flows_spread_over_the_arms_of_a_balancer() {
        let mut widths = HashSet::new();
        for number in 0..1 << 10 {
            let arms: HashSet<u32> = (0..64)
                .map(|flow| {
                    INTERNET
                        .router(
                            net(number << 6),
                            18,
                            12,
                            u32::wrapping_mul(flow, 0x9e37_79b9),
                        )
                        .arm
                })
                .collect();
            widths.insert(arms.len());
            assert!(arms.iter().all(|arm| (*arm as usize) < arms.len()));
        }
        assert_eq!(widths, HashSet::from([1, 2, 3]));
    }

    #[test]
    fn replies_come_back_the_way_that_probes_went() {
        let target = target(0x0102, 3);
        let distance = INTERNET.distance(net(0x0102)) as u8;
        for ttl in 1..=32 {
            if let Answer::Reply(reply) = probe(target, 0, ttl, Request::Echo) {
                let back = if ttl < distance {
                    256 - u32::from(ttl)
                } else {
                    65 - u32::from(distance)
                };
                assert_eq!(u32::from(reply.ttl), back);
                let left = if ttl < distance {
                    1
                } else {
                    ttl + 1 - distance
                };
                assert_eq!(reply.quoted_ttl, left);
                let is_target = reply.responder == Address::from_v4(target.to_be_bytes());
                assert_eq!(is_target, ttl >= distance);
            }
        }
    }

    #[test]
    fn nothing_is_impaired_unless_asked_for() {
        let troubled = Internet {
            doubled: 100,
            forged: 50,
            ..INTERNET
        };
        let (mut doubled, mut forged) = (0, 0);
        for number in 0..10_000 {
            let query = Query {
                destination: Address::from_v4(target(number, 1).to_be_bytes()),
                flow: 0,
                ttl: 2,
                request: Request::Echo,
            };
            let Answer::Reply(clean) = INTERNET.answer(&query) else {
                panic!("shared hops answer");
            };
            assert!(!clean.doubled && !clean.forged);
            let Answer::Reply(reply) = troubled.answer(&query) else {
                panic!("shared hops answer");
            };
            doubled += u32::from(reply.doubled);
            forged += u32::from(reply.forged);
        }
        assert!((900..1_100).contains(&doubled), "{doubled}");
        assert!((420..580).contains(&forged), "{forged}");
    }
}
