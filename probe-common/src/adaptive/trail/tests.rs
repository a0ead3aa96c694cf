//! Paths, probed one after another as a trail says.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::adaptive::hint::Lesson;

const RULES: Rules = Rules::new(1, 20, 8);

/// A path: what stands at each TTL.
#[derive(Clone, Copy)]
struct Path {
    /// TTL that the target answers from on; its replies tell `told`.
    target: Option<(u8, u8)>,
    silent: u32,
    known: u32,
    /// Routers there are.
    routers: u8,
}

/// A path of routers that all answer, none of them known, and a target behind.
const fn path(distance: u8) -> Path {
    Path {
        target: Some((distance, distance)),
        silent: 0,
        known: 0,
        routers: distance - 1,
    }
}

impl Path {
    fn answer(&self, ttl: u8) -> Option<Lesson> {
        match self.target {
            Some((distance, told)) if ttl >= distance => Some(Lesson::Target(told)),
            _ if ttl <= self.routers && self.silent & bit(ttl) == 0 => Some(Lesson::Router),
            _ => None,
        }
    }

    /// The TTLs that are probed, in order, and what the trail is then.
    fn probe(&self, rules: Rules, start: u8, neighbour: u8) -> (Vec<u8>, State) {
        let mut state = Trail::state(Trail::beginning(start, neighbour), 0, 0, 0);
        let mut probed = Vec::new();
        while let Some(ttl) = state.next(rules) {
            assert_eq!(state.probed & bit(ttl), 0, "TTL {ttl} twice: {probed:?}");
            assert!((rules.first_ttl..=rules.last_ttl).contains(&ttl));
            state.probed |= bit(ttl);
            probed.push(ttl);
            match self.answer(ttl) {
                Some(Lesson::Refusal) => state.reached |= bit(ttl),
                Some(Lesson::Target(told)) => {
                    state.reached |= bit(ttl);
                    state.target |= bit(ttl);
                    state.estimate = told;
                }
                Some(Lesson::Router) => {
                    state.heard |= bit(ttl);
                    state.known |= self.known & bit(ttl);
                }
                None => {}
            }
        }
        (probed, state)
    }
}

fn probes(path: Path, start: u8) -> Vec<u8> {
    path.probe(RULES, start, 0).0
}

#[test]
fn an_unknown_path_is_probed_from_its_end_to_its_beginning() {
    assert_eq!(probes(path(6), 6), [6, 5, 4, 3, 2, 1]);
    // The target's reply told where it is.
    assert_eq!(probes(path(6), 12), [12, 6, 5, 4, 3, 2, 1]);
    // It is further away than was thought.
    assert_eq!(probes(path(6), 3), [3, 4, 5, 6, 2, 1]);
}

#[test]
fn going_back_ends_at_a_known_router() {
    let known = Path {
        known: bit(9) | bit(4),
        ..path(12)
    };
    assert_eq!(probes(known, 12), [12, 11, 10, 9]);
    assert_eq!(probes(known, 9), [9, 10, 11, 12]);
}

#[test]
fn a_reply_that_tells_a_wrong_distance_misleads_for_some_probes_only() {
    let short = Path {
        target: Some((9, 6)),
        known: up_to(5),
        ..path(9)
    };
    assert_eq!(probes(short, 12), [12, 6, 7, 8, 9, 5]);
    let long = Path {
        target: Some((9, 11)),
        known: bit(8),
        ..path(9)
    };
    assert_eq!(probes(long, 12), [12, 11, 10, 9, 8]);
}

#[test]
fn a_silent_target_is_followed_until_the_gap_is_too_long() {
    let dead = Path {
        target: None,
        known: bit(5),
        routers: 5,
        ..path(6)
    };
    assert_eq!(probes(dead, 3), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    // From behind its end: first down to a router, then on.
    assert_eq!(probes(dead, 8), [8, 7, 6, 5, 9, 10, 11, 12, 13]);
}

#[test]
fn a_silent_target_is_looked_for_little_beyond_its_neighbours_distance() {
    let dead = Path {
        target: None,
        known: bit(5),
        routers: 5,
        ..path(6)
    };
    assert_eq!(dead.probe(RULES, 6, 6).0, [6, 5, 7]);
    // Its path is longer than its neighbour's: all is open again.
    let longer = Path {
        routers: 7,
        known: bit(7),
        ..dead
    };
    let probed = longer.probe(RULES, 6, 6).0;
    assert_eq!(probed, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
}

#[test]
fn silence_from_the_first_hop_on_is_given_up_at_the_gap_limit() {
    let dark = Path {
        target: None,
        routers: 0,
        ..path(1)
    };
    let (probed, state) = dark.probe(RULES, 4, 0);
    assert_eq!(probed, [4, 3, 2, 1, 5, 6, 7, 8]);
    assert_eq!(state.spared(RULES).gap_limit, 12);
}

#[test]
fn silent_routers_before_a_target_are_passed_by() {
    let silent = Path {
        silent: bit(11) | bit(10),
        known: bit(9),
        ..path(12)
    };
    assert_eq!(probes(silent, 12), [12, 11, 10, 9]);
}

#[test]
fn what_is_spared_has_a_reason() {
    let known = Path {
        known: bit(9),
        ..path(12)
    };
    let (probed, state) = known.probe(RULES, 14, 0);
    assert_eq!(probed, [14, 12, 11, 10, 9]);
    let spared = Spared {
        // 13, and 15 to 20.
        target_reached: 7,
        gap_limit: 0,
        known_path: 8,
    };
    assert_eq!(state.spared(RULES), spared);
    assert_eq!(state.distance(), 12);
}

#[test]
fn a_path_is_begun_where_its_nearest_neighbour_was_found() {
    assert_eq!(RULES.start([0, 0, 0]), 11);
    assert_eq!(RULES.start([0, 0, 9]), 9);
    assert_eq!(RULES.start([0, 12, 9]), 12);
    assert_eq!(RULES.start([14, 12, 9]), 14);
    assert_eq!(RULES.start([32, 12, 9]), 20);
    assert_eq!(Rules::new(5, 20, 8).start([2, 0, 0]), 5);
}

#[test]
fn the_widest_range_fits() {
    let widest = Rules::new(1, 255, 255);
    assert_eq!((widest.last_ttl, widest.ttls()), (32, 32));
    let dark = Path {
        target: None,
        routers: 0,
        ..path(1)
    };
    assert_eq!(dark.probe(widest, 32, 0).0.len(), 32);
    assert_eq!(path(32).probe(widest, 32, 0).0.len(), 32);
}

proptest! {
    #[test]
    fn every_ttl_is_probed_once_or_spared_for_a_reason(
        first in 1u8..=32,
        last in 1u8..=32,
        gap in 1u8..=32,
        start in 1u8..=32,
        neighbour in 0u8..=32,
        distance in 1u8..=40,
        told in 0u8..=255,
        answers in any::<bool>(),
        routers in 0u8..=32,
        silent in any::<u32>(),
        known in any::<u32>(),
    ) {
        prop_assume!(first <= last);
        let rules = Rules::new(first, last, gap);
        let target = answers.then_some((distance, told));
        let routers = if answers { routers.min(distance - 1) } else { routers };
        let path = Path { target, silent, known, routers };
        let start = rules.start([start, 0, 0]);
        let (probed, state) = path.probe(rules, start, neighbour);
        let spared = state.spared(rules);
        let spared = spared.target_reached + spared.gap_limit + spared.known_path;
        prop_assert_eq!(probed.len() as u32 + spared, rules.ttls());
        // If no router is known, none between the last and the first is left out.
        if known == 0 && state.heard != 0 {
            let inside = rules.range() & up_to(highest(state.heard));
            prop_assert_eq!(inside & !state.probed & state.before_end(), 0);
        }
    }
}
