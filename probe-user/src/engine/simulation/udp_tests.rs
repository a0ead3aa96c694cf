//! UDP services: their answers name no probe.

use std::time::Duration;

use super::{
    trace_tests::{options, report, trace},
    *,
};
use crate::engine::{plan::TraceOptions, report::Stop};

#[test]
fn a_service_is_found_at_its_hop_with_its_time_whatever_the_delay() {
    for us in [10, 1_000, 20_000, 60_000] {
        for distance in [1, 2, 7, 12, 20] {
            let path = Path::to(Target::UdpService, distance)
                .everywhere(|node| node.delay = Duration::from_micros(us));
            let world = trace(
                path.clone(),
                TraceOptions {
                    rounds: 2,
                    ..options()
                },
            );
            let (stop, _, hops) = report(&world);
            assert_eq!(
                (stop, hops.len()),
                (Stop::Target, usize::from(distance)),
                "{us} us"
            );
            let target = &hops[usize::from(distance) - 1];
            assert_eq!(
                (target.sent, target.received),
                (6, 6),
                "{us} us at {distance}"
            );
            let rtt = target.rtt_ns.expect("answered");
            let exact = path.round_trip(distance).as_nanos() as u64;
            assert_eq!((rtt.min, rtt.max), (exact, exact), "{us} us at {distance}");
            assert_eq!(world.misled, 0);
        }
    }
}

#[test]
fn a_service_behind_silent_hops_and_loss_is_found() {
    for seed in 0..50 {
        let path = Path::to(Target::UdpService, 10)
            .at(3, |node| node.silent = true)
            .at(4, |node| node.silent = true)
            .at(9, |node| node.loss = 0.1);
        let mut world = World::new(vec![path], super::trace_tests::TIMEOUT, None, seed);
        let many = TraceOptions {
            rounds: 3,
            ..options()
        };
        let trace = crate::engine::trace::Trace::new(many, 0, super::trace_tests::TIMEOUT, false);
        world.add(trace, 0..1);
        assert!(world.run(super::trace_tests::LIMIT));
        let (stop, _, hops) = report(&world);
        assert_eq!(
            (stop, hops.len(), world.misled),
            (Stop::Target, 10, 0),
            "seed {seed}"
        );
        // Nine for each hop, and once more what was open when the first reply came.
        assert!(world.sent.len() <= 9 * 10 + 9 * 9, "{}", world.sent.len());
    }
}
