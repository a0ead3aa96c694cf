//! Pings: rounds, counts, flows.

use std::{collections::HashMap, time::Duration};

use super::*;
use crate::engine::{flows::Flows, ping::Ping, plan::PingOptions};

const TIMEOUT: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);

fn options(count: Option<u32>, interval: Duration) -> PingOptions {
    PingOptions {
        count,
        interval,
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    }
}

fn world(path: Path, options: PingOptions, flows: Flows, seed: u64) -> World<Ping> {
    let mut world = World::new(vec![path], TIMEOUT, None, seed);
    world.add(Ping::new(&options, BEGIN, flows, TIMEOUT), 0..16);
    world
}

fn ping(path: Path, options: PingOptions, flows: Flows) -> World<Ping> {
    let mut world = world(path, options, flows, 3);
    assert!(
        world.run(Duration::from_secs(3_600)),
        "the ping does not end"
    );
    world
}

fn assert_adds_up(ping: &Ping) {
    let tally = ping.tally();
    let lost = tally.unanswered + tally.never_sent + tally.by_us;
    assert_eq!(tally.sent, tally.received + lost, "{tally:?}");
    let recorded = tally.latency.summary().map_or(0, |rtt| rtt.count);
    assert_eq!(tally.received, recorded);
}

#[test]
fn every_probe_has_its_time() {
    let world = ping(
        Path::to(Target::Echo, 5),
        options(Some(100), SECOND),
        Flows::in_turn(1, 1),
    );
    let times: Vec<u64> = world.sent.iter().map(|(at, _)| at.0 - BEGIN.0).collect();
    let planned: Vec<u64> = (0..100).map(|n| n * 1_000_000_000).collect();
    assert_eq!(times, planned);
    let tally = world.engine.sessions()[0].tally();
    assert_eq!((tally.sent, tally.received), (100, 100));
}

#[test]
fn a_stall_is_followed_by_no_burst() {
    let mut world = world(
        Path::to(Target::Echo, 5),
        options(Some(60), SECOND),
        Flows::in_turn(1, 1),
        1,
    );
    let from = BEGIN + SECOND * 10 + Duration::from_millis(500);
    world.stall = Some((from, from + SECOND * 30));
    assert!(world.run(SECOND * 600));
    let times: Vec<Moment> = world.sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 60);
    let gap = least_gap(&times).expect("many");
    assert!(gap >= Duration::from_millis(990), "{gap:?}");
}

#[test]
fn flows_take_turns() {
    let world = ping(
        Path::to(Target::Echo, 3),
        options(Some(12), SECOND),
        Flows::in_turn(4, 4),
    );
    let flows: Vec<u16> = world.sent.iter().map(|(_, key)| key.probe.flow).collect();
    assert_eq!(flows, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn syns_of_one_tuple_never_overlap() {
    for ms in [1, 40, 400, 800] {
        let path =
            Path::to(Target::OpenTcp, 2).at(2, |node| node.delay = Duration::from_millis(ms / 2));
        let fast = options(Some(200), Duration::from_millis(200));
        let world = ping(path, fast, Flows::first_free(16));
        let tally = world.engine.sessions()[0].tally();
        assert_eq!((tally.received, tally.duplicates), (200, 0), "{ms} ms");
        assert!(world.valid.iter().all(|answer| answer.kind == Kind::SynAck));
        let mut last: HashMap<u16, Moment> = HashMap::new();
        for (at, key) in &world.sent {
            if let Some(before) = last.insert(key.probe.flow, *at) {
                assert!(at.since(before) >= Duration::from_millis(ms + 1), "{ms} ms");
            }
        }
    }
}

#[test]
fn errors_are_no_replies_of_the_target() {
    let path = Path::to(Target::Echo, 5).at(2, |node| node.cut = true);
    let world = ping(path, options(Some(10), SECOND), Flows::in_turn(1, 1));
    let ping = &world.engine.sessions()[0];
    let tally = ping.tally();
    assert_eq!(
        (
            ping.errors().map_or(0, |errors| errors.received),
            tally.received,
            tally.unanswered
        ),
        (10, 0, 10)
    );
    assert_adds_up(ping);
}

#[test]
fn a_service_is_measured_without_loss_though_replies_take_longer_than_the_interval() {
    let path = Path::to(Target::UdpService, 2).at(2, |node| node.delay = SECOND);
    let world = ping(
        path.clone(),
        options(Some(60), SECOND),
        Flows::in_turn(1, 4),
    );
    let tally = world.engine.sessions()[0].tally();
    assert_eq!((tally.sent, tally.received), (60, 60));
    let rtt = tally.latency.summary().expect("answered");
    let exact = path.round_trip(2).as_nanos() as u64;
    assert_eq!((rtt.min, rtt.max, world.misled), (exact, exact, 0));
}

#[test]
fn one_lost_probe_costs_a_ping_of_a_service_no_other() {
    for seed in 0..20 {
        let path = Path::to(Target::UdpService, 3).at(2, |node| node.loss = 0.02);
        let fast = options(Some(300), Duration::from_millis(100));
        let mut world = world(path, fast, Flows::in_turn(1, 16), seed);
        assert!(world.run(SECOND * 600));
        let tally = world.engine.sessions()[0].tally();
        let lost = world
            .slots
            .iter()
            .filter(|slot| slot.fate != Fate::Answered);
        assert_eq!(tally.sent, 300);
        assert!(
            tally.unanswered <= lost.count() as u64,
            "seed {seed}: {tally:?}"
        );
        assert!(tally.unanswered < 30, "seed {seed}: {tally:?}");
        assert_eq!(world.misled, 0);
    }
}

#[test]
fn a_stopped_ping_ends_when_its_probes_are_over() {
    for target in [Target::Echo, Target::Silent, Target::OpenTcp] {
        let flows = if target.takes_syns() {
            Flows::first_free(4)
        } else {
            Flows::in_turn(1, 1)
        };
        let mut world = world(Path::to(target, 5), options(None, SECOND), flows, 1);
        assert!(!world.run(SECOND * 10));
        world.engine.stop(world.now);
        let sent = world.sent.len();
        assert!(world.run(TIMEOUT + Duration::from_millis(100)));
        assert_eq!(world.sent.len(), sent);
        assert_adds_up(&world.engine.sessions()[0]);
    }
}

#[test]
fn a_stopped_run_does_not_wait_for_its_rate() {
    let mut world = World::new(vec![Path::to(Target::Echo, 2)], TIMEOUT, Some(1), 1);
    let fast = options(None, Duration::from_millis(100));
    world.add(Ping::new(&fast, BEGIN, Flows::in_turn(1, 1), TIMEOUT), 0..1);
    assert!(!world.run(Duration::from_millis(2_200)));
    world.engine.stop(world.now);
    assert!(world.run(Duration::from_millis(10)));
}

#[test]
fn what_goes_wrong_here_is_no_loss_of_the_path() {
    let mut world = world(
        Path::to(Target::Echo, 4),
        options(Some(2_000), Duration::from_millis(10)),
        Flows::in_turn(1, 1),
        9,
    );
    world.trouble = Trouble {
        refused: 0.1,
        vanished: 0.1,
        ring_full: 0.1,
    };
    assert!(world.run(SECOND * 600));
    let ping = &world.engine.sessions()[0];
    let tally = ping.tally();
    assert_adds_up(ping);
    assert_eq!(tally.unanswered, 0);
    assert!(tally.never_sent > 300 && tally.by_us > 100, "{tally:?}");
    assert_eq!(tally.loss(0).ratio, Some(0.0));
}
