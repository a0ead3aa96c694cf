//! Whatever the path, the target, the options and the troubles: sessions end, and
//! their counts add up.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    path::Node,
    trace_tests::{assert_adds_up, report},
    *,
};
use crate::engine::{
    flows::Flows,
    ping::Ping,
    plan::{PingOptions, TraceOptions},
    report::Stop,
    trace::Trace,
};

fn targets() -> impl Strategy<Value = Target> {
    prop::sample::select(vec![
        Target::Echo,
        Target::ClosedUdp,
        Target::UdpService,
        Target::OpenTcp,
        Target::ClosedTcp,
        Target::FilteredTcp,
        Target::Silent,
    ])
}

fn nodes() -> impl Strategy<Value = Node> {
    let delay = prop_oneof![
        8 => (0u64..20_000).prop_map(Duration::from_micros),
        1 => (0u64..2_000).prop_map(Duration::from_millis),
    ];
    let loss = prop_oneof![4 => Just(0.0), 1 => 0.0..0.5f64];
    let limit = prop_oneof![4 => Just(None), 1 => (1u32..4).prop_map(Some)];
    let silent = prop::bool::weighted(0.2);
    let cut = prop::bool::weighted(0.03);
    (delay, loss, silent, limit, cut).prop_map(|(delay, loss, silent, limit, cut)| Node {
        delay,
        loss,
        silent,
        limit,
        cut,
    })
}

fn paths() -> impl Strategy<Value = Path> {
    let jitter = (0u64..50).prop_map(Duration::from_millis);
    let doubled = prop_oneof![3 => Just(0.0), 1 => 0.0..0.5f64];
    (
        targets(),
        prop::collection::vec(nodes(), 1..24),
        jitter,
        doubled,
    )
        .prop_map(|(target, nodes, jitter, doubled)| Path {
            target,
            nodes,
            doubled,
            jitter,
            bursts: None,
            number: 0,
        })
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let share = || prop_oneof![4 => Just(0.0), 1 => 0.0..1.0f64];
    (share(), share(), share()).prop_map(|(refused, vanished, ring_full)| Trouble {
        refused,
        vanished,
        ring_full,
    })
}

fn times(most_ms: u64) -> impl Strategy<Value = Duration> {
    (0..most_ms).prop_map(Duration::from_millis)
}

fn trace_options() -> impl Strategy<Value = TraceOptions> {
    (1u8.., 0u8..40, 1u32..4, 1u32..4, times(1_000), 0u8..12).prop_map(
        |(first, more, queries, rounds, interval, gap_limit)| TraceOptions {
            first_ttl: if first > 200 { first } else { first % 8 + 1 },
            max_ttl: (if first > 200 { first } else { first % 8 + 1 }).saturating_add(more),
            queries,
            rounds,
            interval,
            gap_limit,
            respect_limits: queries % 2 == 0,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_trace_ends_and_adds_up(
        path in paths(),
        options in trace_options(),
        timeout in times(4_000),
        trouble in troubles(),
        rate in prop::option::weighted(0.3, 5u64..1_000),
        stall in prop::option::of((times(3_000), times(10_000))),
        stop in prop::option::weighted(0.2, times(5_000)),
        seed in any::<u64>(),
    ) {
        let timeout = timeout + Duration::from_millis(1);
        let syn = path.target.takes_syns();
        let mut world = World::new(vec![path], timeout, rate, seed);
        world.trouble = trouble;
        world.stall = stall.map(|(from, length)| (BEGIN + from, BEGIN + from + length));
        let gap = usize::from(options.gap_limit);
        let hops = u32::from(options.max_ttl - options.first_ttl) + 1;
        let probes = hops * options.queries * options.rounds + 1;
        world.add(Trace::new(options.clone(), 0, timeout, syn), 0..1);
        let done = stop.is_some_and(|after| {
            let done = world.run(after);
            world.engine.stop(world.now);
            done
        });
        // At worst one probe after another, each with its timeout and interval,
        // and all once more after a restart.
        let limit = (timeout + options.interval + Duration::from_millis(250)) * probes * 2
            + Duration::from_secs(60) + Duration::from_secs(u64::from(probes) / 2);
        prop_assert!(done || world.run(limit), "no end");
        let (stop, _, hops) = report(&world);
        hops.iter().for_each(assert_adds_up);
        for (place, hop) in hops.iter().enumerate() {
            prop_assert_eq!(usize::from(hop.ttl), usize::from(options.first_ttl) + place);
        }
        match stop {
            Stop::Target => {
                let last = hops.last().expect("a hop");
                prop_assert!(last.received > 0);
            }
            Stop::GapLimit => {
                let silent = hops.iter().rev().take_while(|hop| hop.received == 0).count();
                prop_assert!(gap > 0 && silent >= gap);
            }
            Stop::MaxTtl => prop_assert_eq!(hops.last().expect("a hop").ttl, options.max_ttl),
            Stop::Unreachable | Stop::Interrupted => {}
        }
    }

    #[test]
    fn a_ping_ends_and_adds_up(
        path in paths(),
        count in 1u32..40,
        interval in times(500),
        timeout in times(4_000),
        flows in 1u16..5,
        spare in 0u16..16,
        trouble in troubles(),
        rate in prop::option::weighted(0.3, 5u64..1_000),
        stall in prop::option::of((times(3_000), times(10_000))),
        stop in prop::option::weighted(0.2, times(5_000)),
        seed in any::<u64>(),
    ) {
        let timeout = timeout + Duration::from_millis(1);
        let choice = if path.target.takes_syns() {
            Flows::first_free(flows)
        } else {
            Flows::in_turn(flows, flows + spare)
        };
        let mut world = World::new(vec![path], timeout, rate, seed);
        world.trouble = trouble;
        world.stall = stall.map(|(from, length)| (BEGIN + from, BEGIN + from + length));
        let options = PingOptions { count: Some(count), interval, ttl: 64, respect_limits: flows % 2 == 0, first_round: u32::MAX - (seed % 8) as u32 };
        world.add(Ping::new(&options, BEGIN, choice, timeout), 0..flows + spare);
        let done = stop.is_some_and(|after| {
            let done = world.run(after);
            world.engine.stop(world.now);
            done
        });
        let limit = (timeout + interval + Duration::from_millis(250)) * count + Duration::from_secs(60);
        prop_assert!(done || world.run(limit), "no end");
        let ping = &world.engine.sessions()[0];
        let tally = ping.tally();
        let lost = tally.unanswered + tally.never_sent + tally.by_us;
        prop_assert_eq!(tally.sent, tally.received + lost);
        let in_bursts = ping.bursts().map_or(0.0, |bursts| bursts.mean * bursts.count as f64);
        prop_assert_eq!(tally.unanswered, in_bursts.round() as u64);
        let loss = ping.loss();
        prop_assert_eq!(loss.ci95.is_some(), tally.put_to_the_test() > 0);
        if let Some([low, high]) = loss.ci95 {
            let ratio = loss.ratio.unwrap_or(low);
            prop_assert!(0.0 <= low && low <= ratio && ratio <= high && high <= 1.0);
        }
        prop_assert!(tally.sent <= world.sent.len() as u64);
        if stop.is_none() {
            prop_assert_eq!(tally.sent, u64::from(count));
        }
        let recorded = tally.latency.summary().map_or(0, |rtt| rtt.count);
        prop_assert_eq!(tally.received, recorded);
    }
}
