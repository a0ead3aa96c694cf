//! The host sleeps: its clock stands still, and what comes meanwhile is lost.

use std::time::Duration;

use super::*;
use crate::engine::{flows::Flows, ping::Ping, plan::PingOptions, report::Causes};

const TIMEOUT: Duration = Duration::from_secs(1);
/// Between two looks at the clocks.
const TICK: Duration = Duration::from_millis(1);

fn world() -> World<Ping> {
    let options = PingOptions {
        count: Some(500),
        interval: Duration::from_millis(10),
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    };
    // Ten are under way at any time.
    let path = Path::to(Target::Echo, 2).everywhere(|node| node.delay = Duration::from_millis(25));
    let mut world = World::new(vec![path], TIMEOUT, None, 1);
    let ping = Ping::new(&options, BEGIN, Flows::in_turn(1, 1), TIMEOUT);
    world.add(ping, 0..1);
    world
}

#[test]
fn what_was_under_way_is_nobodys_loss_and_has_no_round_trip_time() {
    let mut world = world();
    assert!(!world.run(Duration::from_secs(2)));
    let asleep = world.now;
    // What arrived before is as good as ever, though it is read afterwards.
    let read_before = world.valid.len();
    world.now = world.now + TICK;
    world.engine.handle_suspended(asleep, world.now);
    assert!(world.run(Duration::from_secs(10)));
    let ping = &world.engine.sessions()[0];
    let causes = ping.causes();
    let slept = causes.of("suspended");
    assert!((8..=12).contains(&slept), "{causes:?}");
    assert_eq!(causes, Causes(vec![("suspended", slept)]));
    assert_eq!((ping.loss().by_us, ping.loss().ratio), (slept, Some(0.0)));
    assert_eq!(
        (ping.tally().sent, ping.tally().received),
        (500, 500 - slept)
    );
    // Whoever shows replies one by one is told which have none.
    assert_eq!(world.valid.len() as u64, 500 - slept);
    assert_eq!(ping.bursts(), None);
    assert!(read_before > 150, "{read_before}");
}

#[test]
fn probes_of_later_times_are_lost_as_ever() {
    let mut world = world();
    world.run(Duration::from_secs(1));
    world.engine.handle_suspended(world.now, world.now);
    world.run(Duration::from_secs(1));
    world.trouble.ring_full = 1.0;
    assert!(world.run(Duration::from_secs(10)));
    let causes = world.engine.sessions()[0].causes();
    assert!(causes.of("ring_full") > 250, "{causes:?}");
    assert!((8..=12).contains(&causes.of("suspended")), "{causes:?}");
}
