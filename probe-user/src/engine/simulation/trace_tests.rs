//! Traces: which hops they find, and where they end.

use std::{net::IpAddr, time::Duration};

use super::*;
use crate::engine::{
    answer::ip,
    plan::TraceOptions,
    report::{Hop, Stop},
    trace::Trace,
};

pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

/// Longer than any trace of these tests may take.
pub(super) const LIMIT: Duration = Duration::from_secs(600);

pub(super) const ALL_TARGETS: [Target; 5] = [
    Target::Echo,
    Target::ClosedUdp,
    Target::UdpService,
    Target::OpenTcp,
    Target::ClosedTcp,
];

pub(super) fn options() -> TraceOptions {
    TraceOptions {
        first_ttl: 1,
        max_ttl: 30,
        queries: 3,
        rounds: 1,
        interval: Duration::from_millis(500),
        gap_limit: 8,
        respect_limits: false,
    }
}

/// A world with one trace, not yet run.
pub(super) fn world(path: Path, options: TraceOptions) -> World<Trace> {
    let syn = path.target.takes_syns();
    let mut world = World::new(vec![path], TIMEOUT, None, 7);
    world.add(Trace::new(options, 0, TIMEOUT, syn), 0..1);
    world
}

/// Traces a path to its end.
pub(super) fn trace(path: Path, options: TraceOptions) -> World<Trace> {
    let mut world = world(path, options);
    assert!(world.run(LIMIT), "the trace does not end");
    world
}

pub(super) fn report(world: &World<Trace>) -> (Stop, u32, Vec<Hop>) {
    world.engine.sessions()[0].report()
}

/// The only responder of each hop, if there is one.
pub(super) fn responders(hops: &[Hop]) -> Vec<Option<IpAddr>> {
    let only = |hop: &Hop| {
        assert!(hop.responders.len() <= 1, "{hop:?}");
        hop.responders.first().map(|responder| responder.address)
    };
    hops.iter().map(only).collect()
}

fn truth(path: &Path, ttls: std::ops::RangeInclusive<u8>) -> Vec<Option<IpAddr>> {
    ttls.map(|ttl| path.responder(ttl).map(ip)).collect()
}

/// Replies, losses and causes add up.
pub(super) fn assert_adds_up(hop: &Hop) {
    let Hop { loss, .. } = hop;
    let lost = loss.unanswered + loss.rate_limited + loss.never_sent + loss.by_us;
    assert_eq!(hop.sent, hop.received + lost, "{hop:?}");
    assert_eq!(hop.received, hop.rtt_ns.map_or(0, |rtt| rtt.count));
    assert_eq!(
        hop.received,
        hop.responders.iter().map(|r| r.received).sum::<u64>()
    );
}

#[test]
fn a_clean_path_of_any_length_is_seen_as_it_is() {
    for target in ALL_TARGETS {
        for distance in 1..=30 {
            let path = Path::to(target, distance);
            let world = trace(path.clone(), options());
            let (stop, rounds, hops) = report(&world);
            assert_eq!(
                (stop, rounds),
                (Stop::Target, 1),
                "{target:?} at {distance}"
            );
            assert_eq!(responders(&hops), truth(&path, 1..=distance), "{target:?}");
            for hop in &hops {
                assert_eq!(
                    (hop.sent, hop.received),
                    (3, 3),
                    "{target:?} at {distance}: {hop:?}"
                );
                let rtt = hop.rtt_ns.expect("answered");
                let exact = path.round_trip(hop.ttl).as_nanos() as u64;
                assert_eq!((rtt.min, rtt.max), (exact, exact), "{target:?}: {hop:?}");
                assert_adds_up(hop);
            }
            assert_eq!(world.misled, 0);
        }
    }
}

#[test]
fn every_round_probes_every_hop() {
    let several = TraceOptions {
        rounds: 5,
        queries: 2,
        ..options()
    };
    for target in ALL_TARGETS {
        let (stop, rounds, hops) = report(&trace(Path::to(target, 6), several.clone()));
        assert_eq!(
            (stop, rounds, hops.len()),
            (Stop::Target, 5, 6),
            "{target:?}"
        );
        assert!(hops.iter().all(|hop| (hop.sent, hop.received) == (10, 10)));
    }
}

#[test]
fn silent_hops_in_the_middle_are_no_end() {
    for target in ALL_TARGETS {
        let mut path = Path::to(target, 14);
        for ttl in [1, 4, 5, 6, 7, 8, 9, 10] {
            path = path.at(ttl, |node| node.silent = true);
        }
        let world = trace(path.clone(), options());
        let (stop, _, hops) = report(&world);
        assert_eq!(stop, Stop::Target, "{target:?}");
        assert_eq!(responders(&hops), truth(&path, 1..=14), "{target:?}");
        assert_eq!(world.misled, 0);
    }
}

#[test]
fn a_gap_ends_a_trace_and_nothing_is_sent_beyond_it() {
    for target in [Target::Silent, Target::FilteredTcp] {
        for gap_limit in [1, 3, 8] {
            let path = Path::to(target, 6);
            let limited = TraceOptions {
                gap_limit,
                ..options()
            };
            let world = trace(path.clone(), limited);
            let (stop, _, hops) = report(&world);
            assert_eq!(stop, Stop::GapLimit);
            assert_eq!(hops.len(), 5 + usize::from(gap_limit));
            assert_eq!(responders(&hops[..5]), truth(&path, 1..=5));
            let beyond = departures(&world.sent, 6 + gap_limit);
            assert_eq!(beyond, [], "{target:?} with a gap limit of {gap_limit}");
        }
    }
}

#[test]
fn no_probe_goes_further_than_the_gap_limit_beyond_the_last_answer() {
    for target in [Target::Echo, Target::ClosedUdp, Target::Silent] {
        let path = Path::to(target, 20);
        let world = trace(path.clone(), options());
        for (sent, key) in &world.sent {
            let heard = |ttl: &u8| BEGIN + path.round_trip(*ttl) <= *sent;
            // All hops up to the last heard of leave at once at the beginning of
            // their window, so the times of answers are at least these.
            let last_heard = (1..=20).take_while(heard).last().unwrap_or(0);
            assert!(key.probe.ttl <= last_heard + 8, "{key:?} at {sent:?}");
        }
    }
}

#[test]
fn without_a_gap_limit_a_trace_goes_on_to_the_last_ttl() {
    let endless = TraceOptions {
        gap_limit: 0,
        max_ttl: 255,
        queries: 1,
        ..options()
    };
    let (stop, _, hops) = report(&trace(Path::to(Target::Silent, 3), endless));
    assert_eq!((stop, hops.len()), (Stop::MaxTtl, 255));
}

#[test]
fn the_last_ttl_ends_a_trace() {
    for target in ALL_TARGETS {
        let near = TraceOptions {
            max_ttl: 5,
            ..options()
        };
        let path = Path::to(target, 9);
        let (stop, _, hops) = report(&trace(path.clone(), near));
        assert_eq!((stop, hops.len()), (Stop::MaxTtl, 5), "{target:?}");
        assert_eq!(responders(&hops), truth(&path, 1..=5));
    }
}

#[test]
fn a_trace_can_begin_and_end_at_any_ttl() {
    for (first_ttl, max_ttl) in [(1, 1), (4, 30), (9, 9), (255, 255), (250, 255)] {
        for target in ALL_TARGETS {
            let part = TraceOptions {
                first_ttl,
                max_ttl,
                ..options()
            };
            let (stop, _, hops) = report(&trace(Path::to(target, 9), part));
            let last = max_ttl.min(first_ttl.max(9));
            let expected = if last >= 9 {
                Stop::Target
            } else {
                Stop::MaxTtl
            };
            assert_eq!(stop, expected, "{target:?} from {first_ttl} to {max_ttl}");
            let ttls: Vec<u8> = hops.iter().map(|hop| hop.ttl).collect();
            assert_eq!(ttls, (first_ttl..=last).collect::<Vec<_>>());
        }
    }
}

#[test]
fn an_unreachable_ends_a_trace_where_it_came_from() {
    for target in ALL_TARGETS {
        for cut in [1, 2, 5] {
            let path = Path::to(target, 9).at(cut, |node| node.cut = true);
            let (stop, _, hops) = report(&trace(path.clone(), options()));
            assert_eq!((stop, hops.len()), (Stop::Unreachable, usize::from(cut)));
            assert_eq!(responders(&hops), truth(&path, 1..=cut), "{target:?}");
            let last = &hops[usize::from(cut) - 1].responders[0];
            assert_eq!(
                (last.kind, last.reason),
                (Some("unreachable"), Some("host"))
            );
        }
    }
}

#[test]
fn the_target_may_be_the_first_hop() {
    for target in ALL_TARGETS {
        let world = trace(Path::to(target, 1), options());
        let (stop, _, hops) = report(&world);
        assert_eq!((stop, hops.len()), (Stop::Target, 1), "{target:?}");
    }
}
