//! An open port must be seen open, whatever its delay: a listener answers a
//! second SYN of one 4-tuple by RST or a challenge ACK.

use std::time::Duration;

use super::{
    trace_tests::{LIMIT, TIMEOUT, options, report, responders, trace, world},
    *,
};
use crate::engine::{answer::ip, plan::TraceOptions, report::Stop, trace::Trace};

fn path_of(delay: Duration) -> Path {
    Path::to(Target::OpenTcp, 8)
        .everywhere(|node| node.delay = Duration::from_micros(10))
        .at(8, |node| node.delay = delay / 2)
}

/// What the last `sent` probes of a hop were answered with: those that count.
fn kinds(world: &World<Trace>, ttl: u8, sent: u64) -> Vec<&'static str> {
    let of_hop = |probe: &ProbeId| probe.ttl == ttl && probe.round != u32::MAX;
    let rounds = world.sent.iter().map(|(_, key)| key.probe).filter(of_hop);
    let rounds = rounds.count() as u64;
    let counted = world
        .valid
        .iter()
        .filter(|answer| of_hop(&answer.probe) && u64::from(answer.probe.round) + sent >= rounds);
    let mut kinds: Vec<_> = counted.map(|answer| answer.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[test]
fn an_open_port_answers_with_syn_ack_alone_whatever_its_delay() {
    for us in [100, 1_000, 50_000, 250_000, 500_000, 900_000] {
        let many = TraceOptions {
            rounds: 3,
            interval: Duration::ZERO,
            ..options()
        };
        let world = trace(path_of(Duration::from_micros(us)), many);
        let (stop, _, hops) = report(&world);
        assert_eq!((stop, hops.len()), (Stop::Target, 8), "{us} us");
        let target = &hops[7];
        assert_eq!(
            (target.sent, target.received),
            (9, 9),
            "{us} us: {target:?}"
        );
        assert_eq!(kinds(&world, 8, 9), ["syn-ack"], "{us} us");
        assert_eq!(target.duplicates, 0, "{us} us");
    }
}

#[test]
fn a_lost_scout_makes_no_open_port_read_as_closed() {
    for ms in [1, 30, 200] {
        let many = TraceOptions {
            rounds: 4,
            interval: Duration::ZERO,
            ..options()
        };
        let mut world = world(path_of(Duration::from_millis(ms)), many);
        world.trouble.vanished = 1.0;
        world.turn();
        world.trouble.vanished = 0.0;
        assert!(world.run(LIMIT));
        let (stop, _, hops) = report(&world);
        assert_eq!((stop, hops.len()), (Stop::Target, 8), "{ms} ms");
        let target = &hops[7];
        assert_eq!((target.sent, target.received), (12, 12), "{ms} ms");
        assert_eq!(kinds(&world, 8, 12), ["syn-ack"], "{ms} ms");
    }
}

#[test]
fn what_overlapping_syns_brought_ends_no_trace() {
    for seed in 0..500 {
        let path = path_of(Duration::from_millis(30)).at(8, |node| node.loss = 0.4);
        let once = TraceOptions {
            first_ttl: 5,
            queries: 1,
            ..options()
        };
        let mut world = World::new(vec![path], TIMEOUT, None, seed);
        world.add(Trace::new(once, 0, TIMEOUT, true), 0..1);
        assert!(world.run(LIMIT));
        let (stop, _, hops) = report(&world);
        let answered = hops.last().is_some_and(|hop| hop.received > 0);
        assert_eq!(stop == Stop::Target, answered, "seed {seed}");
    }
}

#[test]
fn a_reset_that_is_slower_than_the_next_syn_does_no_harm() {
    for seed in 0..50 {
        let mut path = path_of(Duration::from_millis(20));
        path.jitter = Duration::from_millis(9);
        let many = TraceOptions {
            rounds: 4,
            interval: Duration::ZERO,
            ..options()
        };
        let mut world = World::new(vec![path], TIMEOUT, None, seed);
        world.add(Trace::new(many, 0, TIMEOUT, true), 0..1);
        assert!(world.run(LIMIT));
        assert_eq!(kinds(&world, 8, 12), ["syn-ack"], "seed {seed}");
    }
}

#[test]
fn a_path_with_loss_to_an_open_port_is_traced_to_it() {
    for seed in 0..200 {
        let path = path_of(Duration::from_millis(30)).at(8, |node| node.loss = 0.3);
        let mut world = World::new(vec![path], TIMEOUT, None, seed);
        let many = TraceOptions {
            rounds: 4,
            ..options()
        };
        world.add(Trace::new(many, 0, TIMEOUT, true), 0..1);
        assert!(world.run(LIMIT));
        let (stop, _, hops) = report(&world);
        assert_eq!((stop, hops.len()), (Stop::Target, 8), "seed {seed}");
    }
}

#[test]
fn routers_on_the_way_to_an_open_port_do_not_wait_for_each_other() {
    let path =
        Path::to(Target::OpenTcp, 10).everywhere(|node| node.delay = Duration::from_millis(5));
    let many = TraceOptions {
        queries: 1,
        rounds: 5,
        interval: Duration::from_millis(100),
        ..options()
    };
    let world = trace(path.clone(), many);
    // The scout, each router once after the other, and the target in each round.
    let first: Duration = (1..=10).map(|ttl| path.round_trip(ttl)).sum();
    let limit = path.round_trip(10) + first + Duration::from_millis(5 * 120);
    assert!(world.elapsed() <= limit, "{:?}", world.elapsed());
}

#[test]
fn a_port_that_answers_after_the_timeout_is_no_false_reset() {
    let path = path_of(Duration::from_secs(4));
    let (stop, _, hops) = report(&trace(path.clone(), options()));
    assert_eq!(stop, Stop::GapLimit);
    let known: Vec<_> = (1..8).map(|ttl| path.responder(ttl).map(ip)).collect();
    assert_eq!(responders(&hops[..7]), known);
    assert!(hops[7..].iter().all(|hop| hop.received == 0));
}

#[test]
fn routers_are_probed_at_once_for_a_closed_port() {
    let path = Path::to(Target::ClosedTcp, 20);
    let world = trace(path.clone(), options());
    // The scout's round trip, the window's, and two intervals.
    let limit = path.round_trip(20) * 4 + Duration::from_millis(1_000);
    assert!(world.elapsed() <= limit, "{:?}", world.elapsed());
}

#[test]
fn a_filtered_port_holds_up_the_routers_for_a_second_only() {
    let world = trace(Path::to(Target::FilteredTcp, 6), options());
    let limit = Duration::from_secs(1 + 1 + 3) + Duration::from_millis(100);
    assert!(world.elapsed() <= limit, "{:?}", world.elapsed());
}

#[test]
fn a_scout_that_falls_short_of_the_target_opens_the_gate() {
    let near = TraceOptions {
        max_ttl: 4,
        ..options()
    };
    let (stop, _, hops) = report(&trace(path_of(Duration::from_millis(50)), near));
    assert_eq!((stop, hops.len()), (Stop::MaxTtl, 4));
    assert!(hops.iter().all(|hop| hop.received == 3));
}

#[test]
fn a_scout_that_is_refused_holds_up_nothing() {
    let mut world = world(path_of(Duration::from_millis(1)), options());
    world.trouble.refused = 1.0;
    world.turn();
    world.trouble.refused = 0.0;
    assert!(world.run(LIMIT));
    let (stop, _, hops) = report(&world);
    assert_eq!((stop, hops.len()), (Stop::Target, 8));
}
