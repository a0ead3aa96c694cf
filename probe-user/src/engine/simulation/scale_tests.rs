//! Many sessions at once.

use std::time::Duration;

use super::*;
use crate::engine::{
    flows::Flows,
    ping::Ping,
    plan::{PingOptions, TraceOptions},
    report::Stop,
    trace::Trace,
};

const SESSIONS: u32 = 100_000;

const TIMEOUT: Duration = Duration::from_secs(1);

/// Paths of different lengths, each with addresses of its own.
fn paths(target: Target) -> Vec<Path> {
    let path = |number: u32| Path {
        number,
        ..Path::to(target, 2 + (number % 7) as u8)
    };
    (0..SESSIONS).map(path).collect()
}

#[test]
fn many_traces_at_a_bounded_rate_all_find_their_target() {
    let options = TraceOptions {
        first_ttl: 1,
        max_ttl: 16,
        queries: 1,
        rounds: 1,
        interval: Duration::from_millis(500),
        gap_limit: 4,
        respect_limits: false,
    };
    let paths = paths(Target::Echo);
    let rate = 100_000;
    let mut world = World::new(paths, TIMEOUT, Some(rate), 1);
    for _ in 0..SESSIONS {
        world.add(Trace::new(options.clone(), 0, TIMEOUT, false), 0..1);
    }
    assert!(world.run(Duration::from_secs(60)));
    for (number, trace) in world.engine.sessions().iter().enumerate() {
        let (stop, _, hops) = trace.report();
        assert_eq!((stop, hops.len()), (Stop::Target, 2 + number % 7));
    }
    let seconds = world.elapsed().as_secs_f64();
    let least = world.sent.len() as f64 / rate as f64;
    assert!(seconds >= least * 0.99, "faster than the rate");
}

#[test]
fn many_pings_of_services_are_matched_without_a_search_through_all() {
    let options = PingOptions {
        count: Some(3),
        interval: Duration::from_secs(1),
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    };
    let mut world = World::new(paths(Target::UdpService), TIMEOUT, None, 1);
    for _ in 0..SESSIONS {
        world.add(
            Ping::new(&options, BEGIN, Flows::in_turn(1, 2), TIMEOUT),
            0..2,
        );
    }
    assert!(world.run(Duration::from_secs(60)));
    let received: u64 = world
        .engine
        .sessions()
        .iter()
        .map(|p| p.tally().received)
        .sum();
    assert_eq!((received, world.misled), (3 * u64::from(SESSIONS), 0));
}
