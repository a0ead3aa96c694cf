//! Pings: bursts, order and gaps, against what the network and the prober did.

use std::{collections::HashMap, time::Duration};

use probe_common::Address;

use super::*;
use crate::engine::{
    flows::Flows,
    ping::Ping,
    plan::PingOptions,
    report::Bursts,
    series::Series,
    session::{Missing, Poll},
};

const TIMEOUT: Duration = Duration::from_millis(300);
const SECOND: Duration = Duration::from_secs(1);

fn world(path: Path, interval: Duration, count: u32, seed: u64) -> World<Ping> {
    let options = PingOptions {
        count: Some(count),
        interval,
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    };
    let flows = if path.target.takes_syns() {
        Flows::first_free(1)
    } else {
        Flows::in_turn(1, 1)
    };
    let mut world = World::new(vec![path], TIMEOUT, None, seed);
    world.add(Ping::new(&options, BEGIN, flows, TIMEOUT), 0..1);
    world
}

/// Losses in bursts, and replies that overtake each other.
fn stormy(seed: u64, trouble: Trouble) -> World<Ping> {
    let mut path = Path::to(Target::Echo, 3).at(2, |node| node.loss = 0.01);
    path.bursts = Some([0.02, 0.2]);
    // With both ways' delays some replies come after the timeout.
    path.jitter = Duration::from_millis(160);
    let mut world = world(path, Duration::from_millis(10), 3_000, seed);
    world.trouble = trouble;
    assert!(world.run(SECOND * 600));
    world
}

/// What became of the probes, by their slots, in order; what is not the path's doing
/// is left out.
fn truth(world: &World<Ping>) -> Vec<bool> {
    let arrived: HashMap<_, _> = world.valid.iter().map(|a| (a.probe, ())).collect();
    let outcomes = world.slots.iter().filter_map(|slot| match slot.fate {
        Fate::Unanswered | Fate::LateOnly => Some(true),
        Fate::Answered => arrived.contains_key(&slot.key.probe).then_some(false),
        Fate::NeverStamped | Fate::Dropped => None,
    });
    outcomes.collect()
}

fn assert_bursts(got: Option<Bursts>, outcomes: &[bool]) {
    let runs: Vec<&[bool]> = outcomes.chunk_by(|a, b| a == b).collect();
    let lost: Vec<u64> = runs
        .iter()
        .filter(|run| run[0])
        .map(|run| run.len() as u64)
        .collect();
    let got = got.expect("loss");
    assert_eq!(got.count, lost.len() as u64);
    assert_eq!(Some(&got.longest), lost.iter().max());
    assert_eq!(
        got.mean,
        lost.iter().sum::<u64>() as f64 / lost.len() as f64
    );
}

#[test]
fn bursts_are_in_the_order_of_sending_though_replies_are_not() {
    for seed in 0..5 {
        let world = stormy(seed, Trouble::default());
        let ping = &world.engine.sessions()[0];
        let outcomes = truth(&world);
        assert_eq!(outcomes.len(), 3_000);
        assert!(ping.tally().late > 0 && ping.reordered().count > 0);
        assert_bursts(ping.bursts(), &outcomes);
        let mut series = Series::default();
        outcomes.iter().for_each(|lost| series.record(*lost));
        assert_eq!(ping.loss().ci95, series.interval());
    }
}

#[test]
fn what_this_host_loses_breaks_no_burst_and_makes_none() {
    let trouble = Trouble {
        refused: 0.0,
        vanished: 0.1,
        ring_full: 0.1,
    };
    for seed in 0..5 {
        let world = stormy(seed, trouble);
        let ping = &world.engine.sessions()[0];
        assert!(ping.tally().never_sent > 100 && ping.tally().by_us > 100);
        let outcomes = truth(&world);
        let lost = outcomes.iter().filter(|lost| **lost).count() as u64;
        // A late reply that found its ring full is lost twice over.
        assert_eq!(ping.tally().unanswered, lost);
        assert_bursts(ping.bursts(), &outcomes);
    }
}

#[test]
fn reordered_replies_are_those_that_a_later_probes_reply_overtook() {
    let world = stormy(7, Trouble::default());
    let arrivals: Vec<(u32, Moment)> = world
        .valid
        .iter()
        .map(|answer| (answer.probe.round, answer.arrived))
        .collect();
    let overtaken = arrivals.iter().filter(|(round, at)| {
        arrivals
            .iter()
            .any(|(other, sooner)| other > round && sooner < at)
    });
    let overtaken = overtaken.count() as u64;
    let reordered = world.engine.sessions()[0].reordered();
    assert_eq!(reordered.count, overtaken);
    assert_eq!(reordered.ratio, overtaken as f64 / arrivals.len() as f64);
    assert!(overtaken > 100, "{overtaken}");
}

#[test]
fn a_loss_that_is_taken_back_is_in_no_burst() {
    let mut world = world(Path::to(Target::Silent, 1), SECOND, 3, 1);
    assert!(world.run(SECOND * 60));
    let mut ping = world.engine.sessions()[0].clone();
    assert_eq!(ping.bursts().map(|bursts| bursts.longest), Some(3));
    let other = self::world(Path::to(Target::Echo, 1), SECOND, 3, 1);
    let answered = {
        let mut other = other;
        assert!(other.run(SECOND * 60));
        other.valid[2].clone()
    };
    ping.take_back(answered.probe, super::super::session::Missing::Unanswered);
    ping.handle_answer(&answered, world.now);
    let bursts = ping.bursts().expect("loss");
    assert_eq!((bursts.longest, bursts.mean), (2, 2.0));
    assert_eq!(ping.tally().unanswered, 2);
}

#[test]
fn a_held_up_sender_is_told_from_a_good_time() {
    let path = Path::to(Target::Echo, 5);
    let round_trip = nanoseconds(path.round_trip(5));
    let mut world = world(path, SECOND, 60, 1);
    let from = BEGIN + SECOND * 10 + Duration::from_millis(500);
    world.stall = Some((from, from + SECOND * 30));
    assert!(world.run(SECOND * 600));
    let ping = &world.engine.sessions()[0];
    let omitted = ping.omitted().expect("a stall");
    // Each second since the beginning has its probe, or is counted as one without.
    let last = world.sent.last().expect("sent").0;
    let seconds = last.since(BEGIN).as_secs();
    assert_eq!(60 + omitted.probes, seconds + 1);
    assert!(omitted.longest_ns >= 29_000_000_000, "{omitted:?}");
    // Stamps are the kernel's: what was under way is as fast as ever.
    let rtt = ping.tally().latency.summary().expect("answered");
    assert_eq!((rtt.max, ping.tally().unanswered), (round_trip, 0));
}

#[test]
fn a_stall_of_the_network_is_probed_as_often_as_any_time() {
    let slow = Path::to(Target::Echo, 1).at(1, |node| node.delay = SECOND * 2);
    let world = {
        let mut world = world(slow, Duration::from_millis(100), 200, 1);
        assert!(world.run(SECOND * 600));
        world
    };
    let times: Vec<u64> = world.sent.iter().map(|(at, _)| at.0 - BEGIN.0).collect();
    let planned: Vec<u64> = (0..200).map(|n| n * 100_000_000).collect();
    assert_eq!(times, planned);
    assert_eq!(world.engine.sessions()[0].omitted(), None);
}

#[test]
fn syns_that_must_wait_for_each_other_say_what_was_left_out() {
    let mut world = world(
        Path::to(Target::FilteredTcp, 2),
        Duration::from_millis(100),
        50,
        1,
    );
    assert!(world.run(SECOND * 600));
    let omitted = world.engine.sessions()[0].omitted().expect("one at a time");
    // A SYN each 320 ms at best, instead of one each 100 ms.
    assert!((100..=120).contains(&omitted.probes), "{omitted:?}");
}

#[test]
fn intervals_add_up_to_the_whole_and_have_their_own_times() {
    let mut path = Path::to(Target::Echo, 2).at(2, |node| node.loss = 0.1);
    path.jitter = Duration::from_millis(20);
    let mut world = world(path, Duration::from_millis(10), 2_000, 3);
    let intervals = world.engine.session_mut(0).expect("a ping");
    *intervals = intervals.clone().with_intervals(BEGIN);
    let (mut all, mut done) = (Vec::new(), false);
    let mut heard = 0;
    while !done {
        done = world.run(SECOND);
        let now = world.now;
        let ping = world.engine.session_mut(0).expect("a ping");
        let interval = ping.close_interval(now).expect("kept");
        let rtt = interval
            .rtt_ns
            .map_or((0, 0, 0), |rtt| (rtt.count, rtt.min, rtt.max));
        let times = world.valid[heard..].iter().map(|answer| answer.rtt_ns);
        heard = world.valid.len();
        let (least, most) = (times.clone().min(), times.clone().max());
        assert_eq!(
            rtt,
            (times.count() as u64, least.unwrap_or(0), most.unwrap_or(0))
        );
        all.push(interval);
    }
    assert!(all.len() > 15, "{}", all.len());
    assert!(
        all.windows(2)
            .all(|pair| pair[0].end_ns == pair[1].begin_ns)
    );
    let tally = world.engine.sessions()[0].tally();
    let sums = all.iter().fold([0; 3], |[sent, received, lost], interval| {
        [
            sent + interval.sent,
            received + interval.received,
            lost + interval.loss.unanswered,
        ]
    });
    assert_eq!(sums, [tally.sent, tally.received, tally.unanswered]);
}

/// Every second reply comes after the timeout: a limit would let as many through.
#[test]
fn replies_that_come_too_late_are_no_limit() {
    let options = PingOptions {
        count: Some(400),
        interval: Duration::from_millis(5),
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    };
    let mut ping = Ping::new(&options, BEGIN, Flows::in_turn(1, 1), TIMEOUT).with_limits();
    let answer = |probe, outcome, arrived| Answer {
        probe,
        kind: Kind::EchoReply,
        outcome,
        responder: Address::from_v4([192, 0, 2, 1]),
        reason: None,
        rtt_ns: 1_000_000,
        arrived,
        stamp: Stamp {
            tx: TxSource::Tcx,
            rx: RxHook::Tcx,
        },
        tells: Tells::default(),
        extensions: None,
    };
    let mut late = Vec::new();
    for number in 0..400u32 {
        let now = BEGIN + options.interval * number;
        let Poll::Send(probe) = ping.poll(now) else {
            panic!("it is due");
        };
        if number % 2 == 0 {
            let then = now + Duration::from_millis(1);
            ping.handle_answer(&answer(probe, Outcome::Valid, then), then);
        } else {
            late.push((now + TIMEOUT, probe));
        }
    }
    for (then, probe) in late {
        ping.handle_missing(probe, Missing::Unanswered, then);
        ping.take_back(probe, Missing::Unanswered);
        ping.handle_answer(&answer(probe, Outcome::Late, then), then);
        ping.handle_missing(probe, Missing::Unanswered, then);
    }
    assert_eq!((ping.tally().received, ping.tally().late), (200, 200));
    assert_eq!(ping.rate_limit(), None);
}
