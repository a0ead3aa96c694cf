//! Traces: when they send, and what is late, double, lost or stopped.

use std::time::Duration;

use super::{
    trace_tests::{ALL_TARGETS, LIMIT, TIMEOUT, assert_adds_up, options, report, trace, world},
    *,
};
use crate::engine::{plan::TraceOptions, report::Stop, trace::Trace};

#[test]
fn probes_of_a_hop_keep_their_interval() {
    for target in ALL_TARGETS {
        let path = Path::to(target, 12).everywhere(|node| node.loss = 0.02);
        let world = trace(
            path,
            TraceOptions {
                rounds: 10,
                ..options()
            },
        );
        for ttl in 1..=20 {
            let gap = least_gap(&departures(&world.sent, ttl));
            assert!(
                gap.is_none_or(|gap| gap >= Duration::from_millis(490)),
                "{target:?}: {gap:?}"
            );
        }
    }
}

#[test]
fn a_stall_is_followed_by_no_burst() {
    let mut world = world(
        Path::to(Target::Echo, 5),
        TraceOptions {
            rounds: 10,
            ..options()
        },
    );
    let from = BEGIN + Duration::from_millis(700);
    world.stall = Some((from, from + Duration::from_secs(10)));
    assert!(world.run(LIMIT));
    let (_, _, hops) = report(&world);
    for hop in hops {
        // Rings hold what came during the stall: nothing of it is lost.
        assert_eq!((hop.sent, hop.received), (30, 30));
        let gap = least_gap(&departures(&world.sent, hop.ttl));
        assert!(gap >= Some(Duration::from_millis(490)), "{gap:?}");
    }
}

#[test]
fn late_replies_are_told_apart_and_count_as_loss() {
    let path = Path::to(Target::Echo, 3).at(2, |node| node.delay = Duration::from_secs(2));
    let (stop, _, hops) = report(&trace(path, options()));
    assert_eq!(stop, Stop::GapLimit);
    assert_eq!((hops[0].received, hops[0].late), (3, 0));
    assert_eq!((hops[1].received, hops[1].loss.unanswered), (0, 3));
    assert!(
        hops[1].late > 0,
        "the first came while others were waited for"
    );
    hops.iter().for_each(assert_adds_up);
}

#[test]
fn second_replies_are_counted_and_nothing_else() {
    let mut path = Path::to(Target::Echo, 4);
    path.doubled = 1.0;
    let (stop, _, hops) = report(&trace(path, options()));
    assert_eq!((stop, hops.len()), (Stop::Target, 4));
    for hop in &hops {
        assert_eq!((hop.received, hop.duplicates), (3, 3));
        assert_adds_up(hop);
    }
}

#[test]
fn the_rate_of_a_limit_is_found_behind_delays_and_in_spite_of_some_loss_elsewhere() {
    let mut path = Path::to(Target::Echo, 6).at(3, |node| node.limit = Some(2));
    path.jitter = Duration::from_millis(40);
    let options = TraceOptions {
        queries: 1,
        rounds: 400,
        interval: Duration::from_millis(50),
        ..options()
    };
    let (_, _, hops) = report(&trace(path.at(5, |node| node.loss = 0.01), options));
    for hop in &hops {
        let limit = hop.rate_limit.map(|limit| limit.per_second);
        match hop.ttl {
            3 => assert!(
                (limit.expect("a limit") / 2.0 - 1.0).abs() < 0.1,
                "{limit:?}"
            ),
            _ => assert_eq!(limit, None, "{hop:?}"),
        }
    }
}

#[test]
fn a_limit_that_is_respected_costs_no_time_and_few_probes() {
    let path = Path::to(Target::Echo, 5).at(3, |node| node.limit = Some(2));
    let options = |respect_limits| TraceOptions {
        queries: 1,
        rounds: 600,
        interval: Duration::from_millis(50),
        respect_limits,
        ..options()
    };
    let pressed = trace(path.clone(), options(false));
    let respected = trace(path, options(true));
    assert!(respected.elapsed() <= pressed.elapsed() + Duration::from_secs(1));
    let [before, after] = [&pressed, &respected].map(|world| report(world).2);
    let interval = after[2].rate_limit.and_then(|limit| limit.interval_ns);
    assert!((500_000_000..620_000_000).contains(&interval.expect("slowed down")));
    // It takes eight tokens to be found.
    assert!(after[2].sent < 350, "{:?}", after[2]);
    assert!(after[2].loss.rate_limited * 2 < before[2].loss.rate_limited);
    for (place, hop) in after.iter().enumerate().filter(|(place, _)| *place != 2) {
        assert_eq!((hop.sent, hop.received), (600, 600), "{place}");
    }
}

#[test]
fn a_hop_that_limits_its_icmp_is_said_to() {
    let path = Path::to(Target::Echo, 6).at(3, |node| node.limit = Some(1));
    let many = TraceOptions {
        rounds: 10,
        ..options()
    };
    let (_, _, hops) = report(&trace(path, many));
    assert!(hops[2].loss.rate_limited > 0);
    for hop in &hops {
        assert_eq!(hop.loss.unanswered, 0, "{hop:?}");
        assert_adds_up(hop);
    }
}

#[test]
fn a_hop_that_answers_late_in_a_trace_takes_the_gap_away() {
    // Silent for the first round, as a router that limits its ICMP may be.
    let path = Path::to(Target::Echo, 12).at(3, |node| node.loss = 0.9);
    let mut world = World::new(vec![path], TIMEOUT, None, 5);
    let many = TraceOptions {
        rounds: 400,
        gap_limit: 2,
        ..options()
    };
    world.add(Trace::new(many, 0, TIMEOUT, false), 0..1);
    assert!(world.run(Duration::from_secs(3_600)));
    let (stop, _, hops) = report(&world);
    assert_eq!((stop, hops.len()), (Stop::Target, 12));
}

#[test]
fn answers_read_after_the_probe_was_given_up_are_counted_once() {
    // The prober stalls before it reads and long enough to give all probes up: the
    // engine is told of time before it is told of the replies.
    let mut world = world(Path::to(Target::Echo, 4), options());
    world.turn();
    while let Some(next) = world.network.next_at() {
        world.advance(next);
    }
    let ring = std::mem::take(&mut world.ring);
    assert!(!ring.is_empty());
    world.now = world.now + TIMEOUT + Duration::from_millis(100);
    world.turn();
    let given_up: u64 = report(&world).2.iter().map(|hop| hop.loss.by_us).sum();
    assert_eq!(given_up, ring.len() as u64);
    world.ring = ring;
    assert!(world.run(LIMIT));
    let (stop, _, hops) = report(&world);
    assert_eq!(stop, Stop::Target);
    for hop in &hops {
        assert_eq!((hop.sent, hop.received, hop.loss.by_us), (3, 3, 0));
        assert_adds_up(hop);
    }
}

#[test]
fn a_stopped_trace_ends_when_its_probes_are_over() {
    for target in [
        Target::Echo,
        Target::OpenTcp,
        Target::FilteredTcp,
        Target::UdpService,
    ] {
        for ms in [0, 1, 5, 40, 700, 2_000] {
            let path = Path::to(target, 12).at(4, |node| node.silent = true);
            let mut world = world(
                path,
                TraceOptions {
                    rounds: 100,
                    ..options()
                },
            );
            if !world.run(Duration::from_millis(ms)) {
                world.engine.stop(world.now);
                let sent = world.sent.len();
                assert!(
                    world.run(TIMEOUT + Duration::from_millis(100)),
                    "{target:?} {ms}"
                );
                assert_eq!(world.sent.len(), sent, "sent after the stop");
            }
            report(&world).2.iter().for_each(assert_adds_up);
        }
    }
}

#[test]
fn rounds_beyond_counting_are_counted() {
    let endless = TraceOptions {
        rounds: u32::MAX,
        queries: u32::MAX,
        ..options()
    };
    let mut world = world(Path::to(Target::Echo, 2), endless);
    assert!(!world.run(Duration::from_secs(20)));
    let (_, rounds, hops) = report(&world);
    assert_eq!(rounds, 1);
    assert!(hops.iter().all(|hop| (40..=42).contains(&hop.sent)));
}

#[test]
fn an_interval_longer_than_the_timeout_and_none_at_all_both_work() {
    for interval in [Duration::from_secs(10), Duration::ZERO] {
        for target in ALL_TARGETS {
            let (stop, _, hops) = report(&trace(
                Path::to(target, 7),
                TraceOptions {
                    interval,
                    ..options()
                },
            ));
            assert_eq!(
                (stop, hops.len()),
                (Stop::Target, 7),
                "{target:?} {interval:?}"
            );
            assert!(
                hops.iter().all(|hop| hop.received == 3),
                "{target:?} {interval:?}"
            );
        }
    }
}
