//! Trails, stop set and hints together, against the simulated internet: how much of
//! it is found, for how many probes.

use std::{collections::HashSet, vec, vec::Vec};

use super::{
    hint::{self, Lesson, Prefix},
    stop_set,
    trail::{Rules, State, Trail, bit},
};
use crate::{
    Address,
    abi::Kind,
    lab::{Answer, Internet, Query, Request, flow_of},
    wire::ip::protocol,
};

/// Small enough for a test without optimisation: 4,096 networks.
const INTERNET: Internet = Internet {
    v4_network: 0x0a00_0000,
    v4_bits: 12,
    ..Internet::DEFAULT
};
const NETWORKS: u32 = 1 << 12;
const RULES: Rules = Rules::new(1, 20, 8);
const MASK: u32 = (1 << 16) - 1;
/// Paths that are probed at a time.
const WINDOW: usize = 256;

/// What answers a probe.
fn ask(destination: Address, ttl: u8) -> Option<(Address, Kind, u8, u8)> {
    let source = Address::from_v4([172, 16, 0, 1]);
    let flow = flow_of(source, destination, protocol::ICMP, [0, 0]);
    let query = Query {
        destination,
        flow,
        ttl,
        request: Request::Echo,
    };
    match INTERNET.answer(&query) {
        Answer::Reply(reply) => Some((reply.responder, reply.kind, reply.ttl, reply.quoted_ttl)),
        _ => None,
    }
}

/// Interfaces and links.
#[derive(Default)]
struct Map {
    interfaces: HashSet<Address>,
    links: HashSet<(Address, Address)>,
}

impl Map {
    fn add(&mut self, hops: &[Option<Address>]) {
        self.interfaces.extend(hops.iter().flatten());
        for pair in hops.windows(2) {
            if let [Some(near), Some(far)] = pair {
                self.links.insert((*near, *far));
            }
        }
    }
}

/// All of it: every path to its end.
fn full(targets: &[Address]) -> Map {
    let mut map = Map::default();
    for target in targets {
        let mut hops = Vec::new();
        for ttl in 1..=RULES.last_ttl {
            let answer = ask(*target, ttl);
            hops.push(answer.map(|(responder, ..)| responder));
            if answer.is_some_and(|(_, kind, ..)| kind != Kind::TimeExceeded) {
                break;
            }
        }
        map.add(&hops);
    }
    map
}

/// What this run knows of everything.
struct Known {
    stops: Vec<u64>,
    hints: Vec<u64>,
    anywhere: u8,
}

impl Known {
    fn begin(&self, target: Address) -> State {
        let [network, region] = [Prefix::Network, Prefix::Region].map(|prefix| {
            let name = hint::name(target, prefix);
            hint::distance(self.hints[hint::place(name, MASK) as usize], name)
        });
        let start = RULES.start([network, region, self.anywhere]);
        Trail::state(Trail::beginning(start, network), 0, 0, 0)
    }

    fn end(&mut self, target: Address, state: &State) {
        let distance = state.distance();
        if distance == 0 {
            return;
        }
        for prefix in [Prefix::Network, Prefix::Region] {
            let name = hint::name(target, prefix);
            self.hints[hint::place(name, MASK) as usize] = hint::word(name, distance);
        }
        self.anywhere = distance;
    }

    fn learn(&mut self, target: Address, ttl: u8, state: &mut State) -> Option<Address> {
        let (responder, kind, reply_ttl, quoted_ttl) = ask(target, ttl)?;
        match Lesson::of(kind, ttl, reply_ttl, quoted_ttl) {
            Lesson::Target(estimate) => {
                state.reached |= bit(ttl);
                state.target |= bit(ttl);
                state.estimate = estimate;
            }
            Lesson::Refusal => state.reached |= bit(ttl),
            Lesson::Router => {
                let name = stop_set::name(responder, ttl);
                let word = &mut self.stops[stop_set::place(name, MASK) as usize];
                let (next, known) = stop_set::meet(*word, name);
                *word = next;
                state.heard |= bit(ttl);
                state.known |= if known { bit(ttl) } else { 0 };
            }
        }
        Some(responder)
    }
}

/// Probes all paths as trails say, [`WINDOW`] at a time: what is found, and for how
/// many probes.
fn adaptive(targets: &[Address]) -> (Map, usize) {
    let mut known = Known {
        stops: vec![0; MASK as usize + 1],
        hints: vec![0; MASK as usize + 1],
        anywhere: 0,
    };
    let (mut map, mut sent) = (Map::default(), 0);
    let mut waiting = targets.iter();
    let mut seats: Vec<(Address, State, [Option<Address>; 20])> = Vec::new();
    loop {
        let free = WINDOW - seats.len();
        let fresh = waiting.by_ref().take(free);
        seats.extend(fresh.map(|target| (*target, known.begin(*target), [None; 20])));
        if seats.is_empty() {
            return (map, sent);
        }
        seats.retain_mut(|(target, state, hops)| {
            let Some(ttl) = state.next(RULES) else {
                known.end(*target, state);
                map.add(hops);
                return false;
            };
            state.probed |= bit(ttl);
            sent += 1;
            // What answers beyond the target's distance is no further hop.
            hops[usize::from(ttl) - 1] = known.learn(*target, ttl, state);
            true
        });
    }
}

fn targets(of_each: u8) -> Vec<Address> {
    let mut rng = 0x1234_5678_9abc_def0_u64;
    let mut targets: Vec<(u64, Address)> = Vec::new();
    for network in 0..NETWORKS {
        for host in 0..of_each {
            rng = (rng ^ (rng >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ u64::from(network);
            let host = u32::from(host) * 256 / u32::from(of_each) + rng as u32 % 16;
            let address = 0x0a00_0000 | network << 8 | (host & 0xff);
            targets.push((rng, Address::from_v4(address.to_be_bytes())));
        }
    }
    // In no order.
    targets.sort_unstable_by_key(|(key, _)| *key);
    targets.into_iter().map(|(_, target)| target).collect()
}

/// Shares of all probes, interfaces and links, percent.
fn shares(of_each: u8) -> [f64; 3] {
    let targets = targets(of_each);
    let all = full(&targets);
    let (map, sent) = adaptive(&targets);
    let share = |part: usize, of: usize| 100.0 * part as f64 / of as f64;
    [
        share(sent, targets.len() * RULES.ttls() as usize),
        share(
            map.interfaces.intersection(&all.interfaces).count(),
            all.interfaces.len(),
        ),
        share(map.links.intersection(&all.links).count(), all.links.len()),
    ]
}

#[test]
fn one_target_in_each_network_finds_nearly_all_for_less_than_half_of_the_probes() {
    let [probes, interfaces, links] = shares(1);
    assert!(probes <= 45.0, "{probes} % of the probes");
    assert!(interfaces >= 99.0, "{interfaces} % of the interfaces");
    assert!(links >= 99.0, "{links} % of the links");
}

#[test]
fn sixteen_targets_in_each_network_find_nearly_all_for_less_than_a_quarter() {
    let [probes, interfaces, links] = shares(16);
    assert!(probes <= 25.0, "{probes} % of the probes");
    assert!(interfaces >= 99.0, "{interfaces} % of the interfaces");
    assert!(links >= 99.0, "{links} % of the links");
}
