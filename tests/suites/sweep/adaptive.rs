//! Sweeps that spare what replies make unnecessary: nearly all of the map for a part
//! of the probes, nothing wrong, and a reason for each probe that was not sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    time::Duration,
};

use nix::sys::signal::Signal;
use probe_common::lab::{Count, Internet, Request};
use probe_tests::{
    lab::{Coverage, Family, InternetLab, Lab, Map, Sighting, Wire},
    probe::{Probe, Remains, Reply, Run},
};
use serde_json::Value;

use crate::{
    BACK_ENDS, PROTOCOLS, SOON,
    generator::targets,
    internet::{expected, run},
    resume::wait_until_some_is_done,
};

const LAST_TTL: u8 = 20;
const NETWORKS: u32 = 16_384;

/// As many networks as there are targets, so that a target has no neighbours.
const INTERNET: Internet = Internet {
    v4_bits: 10,
    v6_bits: 34,
    ..Internet::DEFAULT
};

fn sweep(lab: &InternetLab, targets: &[IpAddr], extra: &[&str]) -> Run {
    run(Probe::adaptive_sweep(lab.vantage()), targets, extra)
}

fn map(replies: &[Reply]) -> Map {
    let sighting = |reply: &Reply| Sighting {
        path: (reply.target, reply.flow),
        ttl: reply.ttl,
        responder: reply.responder,
        is_end: reply.kind != "time-exceeded",
    };
    Map::of_sightings(replies.iter().map(sighting).collect())
}

/// Probes sent, as a share of all that were planned; every other has a reason.
fn share_sent(run: &Run, paths: u64) -> f64 {
    let counters = run.counters().unwrap();
    assert_eq!(counters.planned, paths * u64::from(LAST_TTL));
    let reasons: BTreeSet<_> = counters.skipped.keys().map(String::as_str).collect();
    let expected = BTreeSet::from(["gap_limit", "known_path", "target_reached"]);
    assert!(reasons.is_subset(&expected), "{reasons:?}");
    counters.sent as f64 / counters.planned as f64
}

/// Every record is what the internet answered, and none is there twice.
fn assert_nothing_wrong(lab: &InternetLab, run: &Run, targets: &[IpAddr], request: Request) {
    let counters = run.counters().unwrap();
    let traffic = lab.traffic().unwrap();
    assert_eq!(traffic.get(Count::Probes), counters.sent);
    let truth = expected(lab, targets, request);
    let replies = run.replies().unwrap();
    let mut places = BTreeSet::new();
    for reply in &replies {
        let place = (reply.target, reply.ttl);
        let found = (reply.responder, reply.kind.clone());
        assert_eq!(truth.get(&place), Some(&found), "{reply:?}");
        assert!(places.insert(place), "{reply:?} came twice");
    }
    assert_eq!(
        replies.len() as u64,
        counters.answered() - counters.ring_full
    );
}

fn assert_nearly_all(coverage: Coverage, what: &str) {
    assert!(coverage.interfaces >= 0.99, "{what}: {coverage:?}");
    assert!(coverage.links >= 0.99, "{what}: {coverage:?}");
}

#[test]
fn sockets_and_generator_find_nearly_all_and_the_same_for_less_than_half_of_the_probes() {
    for family in Family::ALL {
        let maps = ["raw", "xdp"].map(|tx| {
            let lab = InternetLab::build(INTERNET).unwrap();
            let targets = targets(&lab, family, NETWORKS);
            let run = sweep(&lab, &targets, &["--rate", "100k", "--tx", tx]);
            assert_nothing_wrong(&lab, &run, &targets, Request::Echo);
            let share = share_sent(&run, NETWORKS.into());
            assert!(share <= 0.45, "{tx} {family}: {share}");
            let map = map(&run.replies().unwrap());
            let source = lab.source(family);
            let whole = Map::of_truth(lab.truth(), source, targets, LAST_TTL);
            assert_nearly_all(map.coverage(&whole), &format!("{tx} {family}"));
            map
        });
        assert_nearly_all(maps[0].coverage(&maps[1]), "generator by sockets");
        assert_nearly_all(maps[1].coverage(&maps[0]), "sockets by generator");
    }
}

#[test]
fn neighbours_tell_where_to_begin() {
    let internet = Internet {
        v4_bits: 14,
        v6_bits: 38,
        ..INTERNET
    };
    let count = 16 * 1_024;
    for (tx, family) in BACK_ENDS {
        let lab = InternetLab::build(internet).unwrap();
        let targets = targets(&lab, family, count);
        let run = sweep(&lab, &targets, &["--rate", "100k", "--tx", tx]);
        let share = share_sent(&run, count.into());
        assert!(share <= 0.25, "{tx} {family}: {share}");
        let map = map(&run.replies().unwrap());
        let whole = Map::of_truth(lab.truth(), lab.source(family), targets, LAST_TTL);
        assert_nearly_all(map.coverage(&whole), &format!("{tx} {family}"));
    }
}

#[test]
fn at_full_speed_and_on_two_processors_it_is_as_complete() {
    for (tx, lanes, family) in [
        ("xdp", "1", Family::V4),
        ("xdp", "1", Family::V6),
        ("xdp", "2", Family::V4),
        ("raw", "2", Family::V6),
    ] {
        let lab = InternetLab::build(INTERNET).unwrap();
        let targets = targets(&lab, family, NETWORKS);
        let arguments = ["--rate", "max", "--tx", tx, "--tx-cores", lanes];
        let run = sweep(&lab, &targets, &arguments);
        let share = share_sent(&run, NETWORKS.into());
        assert!(share <= 0.45, "{tx} on {lanes}: {share}");
        let counters = run.counters().unwrap();
        assert_nothing_wrong(&lab, &run, &targets, Request::Echo);
        // What did not get through is counted, and takes some of the map with it.
        let lost = counters.dropped_after_stamp + lab.lost_replies().unwrap();
        let least = 0.99 - 10.0 * lost as f64 / counters.stamped as f64;
        let map = map(&run.replies().unwrap());
        let whole = Map::of_truth(lab.truth(), lab.source(family), targets, LAST_TTL);
        let coverage = map.coverage(&whole);
        let found = coverage.interfaces.min(coverage.links);
        assert!(found >= least, "{tx} on {lanes}, {lost} lost: {coverage:?}");
    }
}

#[test]
fn each_protocol_follows_paths_to_their_end() {
    let lab = Lab::chain(4).build().unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let run = Probe::adaptive_sweep(lab.vantage())
                .args([protocol, "--max-ttl", "12"])
                .args(SOON)
                .to(target)
                .run()
                .unwrap();
            assert_eq!(run.code, Some(0), "{protocol} {family}: {}", run.stderr);
            let mut replies = run.replies().unwrap();
            replies.sort_by_key(|reply| reply.ttl);
            replies.dedup_by_key(|reply| reply.responder);
            let found: Vec<_> = replies.iter().map(|reply| reply.responder).collect();
            let path = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(found, path, "{protocol} {family}");
            let counters = run.counters().unwrap();
            assert_eq!(counters.planned, 12);
            assert!(counters.sent <= 7, "{counters:#?}");
        }
    }
}

#[test]
fn flows_have_paths_of_their_own() {
    // Before the target: where every flow looks.
    let lab = Lab::parse("vantage r1 r2 (a3 | b3) target")
        .build()
        .unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::adaptive_sweep(lab.vantage())
            .args(["--udp", "--flows", "32", "--max-ttl", "8"])
            .args(SOON)
            .to(target)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let replies = run.replies().unwrap();
        let third = replies.iter().filter(|reply| reply.ttl == 3);
        let arms: BTreeSet<_> = third.map(|reply| reply.responder).collect();
        assert_eq!(arms.len(), 2, "{arms:?}");
        let counters = run.counters().unwrap();
        assert_eq!(counters.planned, 32 * 8);
        assert!(counters.sent < counters.planned, "{counters:#?}");
    }
}

#[test]
fn replies_are_waited_for_before_the_next_hop_is_chosen() {
    for (tx, family) in BACK_ENDS {
        let lab = Lab::chain(4)
            .wire("r3", "r4", Wire::delay(Duration::from_millis(20)))
            .build()
            .unwrap();
        lab.node("r1")
            .unwrap()
            .run("ethtool", &["-K", "vantage", "gro", "on"])
            .unwrap();
        let target = lab.address(family, "target").unwrap();
        let run = Probe::adaptive_sweep(lab.vantage())
            .args(["--max-ttl", "12", "--rate", "10k", "--tx", tx])
            .args(["--timeout", "5s", "--cooldown", "300ms"])
            .to(target)
            .run()
            .unwrap();
        let counters = run.counters().unwrap();
        // From the middle to the end and back, and one for the estimate.
        assert!((5..=7).contains(&counters.sent), "{tx}: {counters:#?}");
        assert_eq!(counters.valid, counters.sent, "{tx}");
    }
}

#[test]
fn hops_that_all_paths_share_are_spared_more_than_their_rate() {
    // Nobody lies behind the shared hops: each path ends with a search for them.
    let internet = Internet {
        dead: 1_000,
        silent: 1_000,
        ..INTERNET
    };
    for (tx, lanes, family) in [
        ("raw", 1u32, Family::V4),
        ("xdp", 1, Family::V6),
        ("xdp", 2, Family::V4),
    ] {
        let lab = InternetLab::build(internet).unwrap();
        let targets = targets(&lab, family, 256);
        let arguments = ["--rate", "50k", "--hop-rate", "200", "--tx", tx];
        let run = sweep(
            &lab,
            &targets,
            &[&arguments[..], &["--tx-cores", &lanes.to_string()]].concat(),
        );
        let mut by_ttl: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for reply in run.replies().unwrap() {
            by_ttl
                .entry(reply.ttl)
                .or_default()
                .push(reply.tx_ns.unwrap());
        }
        for (ttl, mut times) in by_ttl {
            times.sort_unstable();
            let seconds = (times.last().unwrap() - times[0]) as f64 / 1e9;
            // Two milliseconds of credit in each lane are less than a probe; the first and
            // the last stamp may follow their decisions late.
            let most = 200.0 * seconds + 3.0 * f64::from(lanes);
            assert!(
                times.len() as f64 <= most,
                "{tx} TTL {ttl}: {} in {seconds} s",
                times.len()
            );
        }
    }
}

#[test]
fn a_gap_of_silence_ends_a_path_and_the_limit_is_the_users() {
    // Behind fourteen routers that all answer nobody does.
    let internet = Internet {
        min_distance: 15,
        max_distance: 15,
        dead: 1_000,
        silent: 0,
        ..INTERNET
    };
    let lab = InternetLab::build(internet).unwrap();
    for family in Family::ALL {
        let targets = targets(&lab, family, 64);
        for (gap, limit) in [("3", 3), ("5", 5)] {
            let run = sweep(&lab, &targets, &["--rate", "10k", "--gap-limit", gap]);
            assert_eq!(run.counters().unwrap().unanswered, 64 * limit);
        }
    }
}

/// Interrupts a sweep, goes on with it, and gives all records.
fn interrupted(tx: &str, family: Family, signal: Signal) -> (Vec<Value>, Map, InternetLab) {
    let lab = InternetLab::build(INTERNET).unwrap();
    let targets = targets(&lab, family, NETWORKS);
    let folder = tempfile::tempdir().unwrap();
    let (list, output) = (folder.path().join("list"), folder.path().join("out.jsonl"));
    let lines: String = targets.iter().map(|target| format!("{target}\n")).collect();
    fs::write(&list, lines).unwrap();
    let running = Probe::adaptive_sweep(lab.vantage())
        .args(["--max-ttl", "20", "--timeout", "100ms", "--rate", "20k"])
        .args(["--tx", tx, "--targets"])
        .args([&list])
        .args(["--output"])
        .args([&output])
        .start()
        .unwrap();
    let checkpoint = folder.path().join("out.jsonl.checkpoint");
    wait_until_some_is_done(&checkpoint);
    let remains = Remains::of(running.id()).unwrap();
    running.signal(signal).unwrap();
    let ended = running.wait().unwrap();
    remains.wait_until_gone().unwrap();
    assert_eq!(ended.code, (signal == Signal::SIGINT).then_some(130));
    let run = Probe::people(lab.vantage(), "sweep")
        .args(["--quiet", "--resume"])
        .args([&checkpoint])
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!checkpoint.exists());
    let text = fs::read_to_string(&output).unwrap();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let whole = Map::of_truth(lab.truth(), lab.source(family), targets, LAST_TTL);
    (records, whole, lab)
}

#[test]
fn after_an_interruption_it_goes_on_and_misses_nothing() {
    for (tx, family, signal) in [
        ("raw", Family::V4, Signal::SIGINT),
        ("xdp", Family::V6, Signal::SIGINT),
        ("raw", Family::V6, Signal::SIGKILL),
        ("xdp", Family::V4, Signal::SIGKILL),
    ] {
        let (records, whole, _lab) = interrupted(tx, family, signal);
        let sighting = |record: &Value| Sighting {
            path: (record["target"].as_str().unwrap().parse().unwrap(), 0),
            ttl: record["ttl"].as_u64().unwrap() as u8,
            responder: record["responder"].as_str().unwrap().parse().unwrap(),
            is_end: record["kind"] != "time-exceeded",
        };
        let map = Map::of_sightings(records.iter().map(sighting).collect());
        assert_nearly_all(map.coverage(&whole), tx);
        // No path was left out: each has a router at least that answers.
        let paths: BTreeSet<_> = records.iter().map(|r| r["target"].to_string()).collect();
        assert_eq!(paths.len(), NETWORKS as usize);
        // What is there twice is marked.
        let again = |record: &&Value| record.get("again") == Some(&Value::Bool(true));
        let marked = records.iter().filter(again).count();
        let places: BTreeSet<_> = records
            .iter()
            .map(|record| (record["target"].to_string(), record["ttl"].to_string()))
            .collect();
        let repeated = records.len() - places.len();
        assert!(repeated <= marked, "{repeated} repeated, {marked} marked");
    }
}

#[test]
fn shards_together_find_what_the_whole_finds() {
    for family in Family::ALL {
        let lab = InternetLab::build(INTERNET).unwrap();
        let targets = targets(&lab, family, 4_096);
        let mut replies = Vec::new();
        let mut planned = 0;
        for shard in ["0/2", "1/2"] {
            let arguments = ["--rate", "50k", "--seed", "5", "--shard", shard];
            let run = sweep(&lab, &targets, &arguments);
            planned += run.counters().unwrap().planned;
            replies.extend(run.replies().unwrap());
        }
        assert_eq!(planned, 4_096 * u64::from(LAST_TTL));
        let whole = Map::of_truth(lab.truth(), lab.source(family), targets, LAST_TTL);
        assert_nearly_all(map(&replies).coverage(&whole), "two shards");
    }
}
