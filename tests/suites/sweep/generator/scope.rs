//! Targets in runs and one by one; flows, rounds, parts, lanes, contact text.

use std::{collections::BTreeSet, net::IpAddr};

use probe_common::lab::{Internet, Request};
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Reply, Run},
};

use super::{ALL_ALIVE, BY_GENERATOR, assert_generated, said, section};
use crate::{internet::expected, resume::live};

fn run(lab: &InternetLab, arguments: &[&str]) -> Run {
    let run = Probe::sweep(lab.vantage())
        .args(["--timeout", "300ms"])
        .args(arguments)
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

/// The same with `--tx xdp`.
fn generated(lab: &InternetLab, arguments: &[&str]) -> Run {
    let run = run(lab, &[&BY_GENERATOR, arguments].concat());
    assert_generated(&run);
    run
}

fn targets_of(replies: &[Reply]) -> BTreeSet<IpAddr> {
    replies.iter().map(|reply| reply.target).collect()
}

#[test]
fn a_whole_network_is_probed_each_address_once() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    for family in Family::ALL {
        let network = lab.network(family, 16);
        let run = generated(&lab, &["--ping", "--rate", "100k", &network]);
        assert_eq!(run.counters().unwrap().sent, 65_536);
        let replies = run.replies().unwrap();
        let all: Vec<IpAddr> = (0..=u16::MAX)
            .map(|host| {
                let [high, low] = host.to_be_bytes();
                match family {
                    Family::V4 => IpAddr::from([10, 0, high, low]),
                    Family::V6 => IpAddr::from([0xfd10, 0, 0, 0, 0, 0, 0, host]),
                }
            })
            .collect();
        assert_eq!(targets_of(&replies), live(&lab, &all));
        assert_eq!(targets_of(&replies).len(), replies.len());
    }
}

#[test]
fn networks_with_gaps_are_probed_and_the_gaps_are_not() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let networks = ["10.1.0.0/24", "10.1.2.0/24", "10.200.0.64/26"];
    let arguments = [&["--ping", "--rate", "50k"], &networks[..]].concat();
    let replies = generated(&lab, &arguments).replies().unwrap();
    let found = targets_of(&replies);
    let within = |address: &IpAddr| match address {
        IpAddr::V4(address) => match address.octets() {
            [10, 1, third, _] => third == 0 || third == 2,
            [10, 200, 0, last] => (64..128).contains(&last),
            _ => false,
        },
        IpAddr::V6(_) => false,
    };
    assert!(found.iter().all(within), "{found:?}");
    assert_eq!((found.len(), replies.len()), (576, 576));
}

#[test]
fn networks_of_ipv6_are_probed_too() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let networks = ["fd10:0:1::/120", "fd10:0:2::ff00/120"];
    let arguments = [&["--udp", "--ping", "--rate", "50k"], &networks[..]].concat();
    let replies = generated(&lab, &arguments).replies().unwrap();
    let found = targets_of(&replies);
    assert_eq!((found.len(), replies.len()), (512, 512));
    let last = "fd10:0:2::ffff".parse().unwrap();
    assert!(found.contains(&last) && found.contains(&"fd10:0:1::".parse().unwrap()));
}

#[test]
fn a_few_addresses_of_every_prefix_are_the_same_that_sockets_probe() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    for prefix in ["10.16.0.0/14", "fd10:0:0::/54"] {
        let found = ["xdp", "raw"].map(|tx| {
            let arguments = ["--per-prefix", "1", "--seed", "3", "--rate", "50k"];
            let of_tx = ["--max-ttl", "20", "--tx", tx, prefix];
            let run = run(&lab, &[&arguments[..], &of_tx].concat());
            let replies = run.replies().unwrap();
            let targets: Vec<_> = targets_of(&replies).into_iter().collect();
            let expected = expected(&lab, &targets, Request::Echo);
            assert!(targets.len() > 900 && expected.len() == replies.len());
            said(&replies)
        });
        assert!(found[0] == found[1], "{prefix}");
    }
}

#[test]
fn every_flow_round_and_part_is_there_once() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    for family in Family::ALL {
        let plan = ["--flows", "3", "--probes", "2", "--round-interval", "300ms"];
        let rest = [
            "--max-ttl",
            "5",
            "--seed",
            "5",
            "--rate",
            "50k",
            &lab.network(family, 9),
        ];
        let plan = [&plan[..], &rest].concat();
        let whole = said(&generated(&lab, &plan).replies().unwrap());
        assert_eq!(whole.len(), 512 * 5 * 3 * 2);
        let places: BTreeSet<_> = whole
            .iter()
            .map(|(target, ttl, flow, round, ..)| (*target, *ttl, *flow, *round))
            .collect();
        assert_eq!(places.len(), whole.len());
        for lanes in ["1", "2"] {
            let mut parts = Vec::new();
            for part in ["0/3", "1/3", "2/3"] {
                let extra = ["--shard", part, "--tx-cores", lanes];
                let run = generated(&lab, &[&plan, &extra[..]].concat());
                assert_eq!(section(&run).lanes.to_string(), lanes);
                parts.extend(said(&run.replies().unwrap()));
            }
            parts.sort();
            let places = parts
                .iter()
                .map(|(target, ttl, flow, round, ..)| (*target, *ttl, *flow, *round));
            assert_eq!(parts.len(), whole.len());
            assert_eq!(places.collect::<BTreeSet<_>>().len(), whole.len());
        }
    }
}

#[test]
fn a_round_begins_no_sooner_than_it_may() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let plan = [
        "--ping",
        "--probes",
        "3",
        "--round-interval",
        "200ms",
        "--rate",
        "50k",
    ];
    let run = generated(&lab, &[&plan[..], &["fd10::/120"]].concat());
    let replies = run.replies().unwrap();
    let first = |round| {
        let of_round = replies.iter().filter(|reply| reply.round == round);
        of_round.filter_map(|reply| reply.tx_ns).min().unwrap()
    };
    assert_eq!(replies.len(), 3 * 256);
    for round in 0..2 {
        assert!(first(round + 1) - first(round) >= 200_000_000 - 1_000_000);
    }
}

#[test]
fn the_order_is_that_of_the_seed() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    for family in Family::ALL {
        let order = |tx: &str| -> Vec<(IpAddr, u8)> {
            let arguments = ["--seed", "9", "--max-ttl", "4", "--rate", "20k", "--tx", tx];
            let run = run(
                &lab,
                &[&arguments[..], &[&lab.network(family, 8)[..]]].concat(),
            );
            let mut replies = run.replies().unwrap();
            replies.sort_by_key(|reply| reply.tx_ns);
            replies
                .iter()
                .map(|reply| (reply.target, reply.ttl))
                .collect()
        };
        let generated = order("xdp");
        assert_eq!(generated.len(), 1_024);
        assert!(generated == order("raw"));
    }
}

#[test]
fn the_contact_text_is_in_every_probe() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    for (family, network) in [(Family::V4, "10.6.0.0/25"), (Family::V6, "fd10::/121")] {
        for text in ["noc@example.org", "even", &"x".repeat(60)] {
            let capture = lab.capture(family).unwrap();
            let arguments = ["--ping", "--rate", "5k", "--no-consume", "--contact", text];
            let run = generated(&lab, &[&arguments[..], &[network]].concat());
            let counters = run.counters().unwrap();
            assert_eq!(counters.answered(), 128, "{counters:#?}");
            let frames = capture.frames().unwrap();
            let bears = |frame: &&Vec<u8>| {
                let mut windows = frame.windows(text.len());
                windows.any(|window| window == text.as_bytes())
            };
            assert_eq!(frames.iter().filter(bears).count(), 128, "{text}");
        }
    }
}
