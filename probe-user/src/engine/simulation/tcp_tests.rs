//! An open port must be seen open, whatever its delay: a listener answers a
//! second SYN of one 4-tuple by RST or a challenge ACK.

use std::time::Duration;

use super::{
    trace_tests::{LIMIT, TIMEOUT, options, report, responders, trace, world},
    *,
};
use crate::engine::{answer::ip, plan::TraceOptions, report::Stop};

fn path_of(delay: Duration) -> Path {
    Path::to(Target::OpenTcp, 8)
        .everywhere(|node| node.delay = Duration::from_micros(10))
        .at(8, |node| node.delay = delay / 2)
}

#[test]
fn an_open_port_answers_with_syn_ack_alone_whatever_its_delay() {
    for us in [100, 1_000, 50_000, 250_000, 500_000, 900_000] {
        let many = TraceOptions {
            rounds: 3,
            interval: Duration::ZERO,
            ..options()
        };
        let (stop, _, hops) = report(&trace(path_of(Duration::from_micros(us)), many));
        assert_eq!((stop, hops.len()), (Stop::Target, 8), "{us} us");
        let target = &hops[7];
        assert_eq!(
            (target.sent, target.received),
            (9, 9),
            "{us} us: {target:?}"
        );
        assert_eq!(target.responders[0].kind, Some("syn-ack"), "{us} us");
        assert_eq!(target.duplicates, 0, "{us} us");
    }
}

#[test]
fn a_lost_scout_hides_no_open_port() {
    for seed in 0..200 {
        let path = path_of(Duration::from_millis(30)).at(8, |node| node.loss = 0.3);
        let mut world = World::new(vec![path], TIMEOUT, None, seed);
        let many = TraceOptions {
            rounds: 4,
            ..options()
        };
        world.add(
            crate::engine::trace::Trace::new(many, 0, TIMEOUT, true),
            0..1,
        );
        assert!(world.run(LIMIT));
        let (stop, _, hops) = report(&world);
        assert_eq!((stop, hops.len()), (Stop::Target, 8), "seed {seed}");
    }
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
