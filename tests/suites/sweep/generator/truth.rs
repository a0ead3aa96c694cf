//! What comes back is what the simulated internet answers, and what sockets get.

use std::time::Duration;

use probe_common::lab::{Internet, Request};
use probe_tests::{
    lab::{Family, InternetLab, Lab},
    probe::Probe,
};

use super::{BY_GENERATOR, assert_generated, said, section, targets};
use crate::{
    PROTOCOLS, SOON, assert_clean,
    internet::{assert_true, expected, sweep},
};

/// Each protocol as arguments, and what it asks of a target.
const REQUESTS: [(&[&str], Request); 3] = [
    (&["--icmp"], Request::Echo),
    (&["--udp"], Request::Udp),
    (&["--tcp", "--tcp-flags", "ack"], Request::Ack),
];

/// Nothing balances by ports, which differ from run to run.
const UNBALANCED: Internet = Internet {
    balanced: 0,
    ..Internet::DEFAULT
};

#[test]
fn it_finds_what_sockets_find_and_both_find_the_truth() {
    for (protocol, request) in REQUESTS {
        for family in Family::ALL {
            let found = ["xdp", "raw"].map(|tx| {
                let lab = InternetLab::build(UNBALANCED).unwrap();
                let targets = targets(&lab, family, 2_000);
                let arguments = ["--rate", "20k", "--seed", "11", "--tx", tx];
                let run = sweep(&lab, &targets, &[protocol, &arguments].concat());
                assert_true(&lab, &run, &expected(&lab, &targets, request));
                let replies = run.replies().unwrap();
                let (sends, stamp) = match tx {
                    "xdp" => ("generator", "generator/xdp-native"),
                    _ => ("sockets", "tcx/xdp-native"),
                };
                assert_eq!(section(&run).tx, sends, "{}", run.stderr);
                assert!(replies.iter().all(|reply| reply.stamp == stamp));
                said(&replies)
            });
            assert!(!found[0].is_empty());
            assert!(found[0] == found[1], "{protocol:?} {family}");
        }
    }
}

#[test]
fn at_full_speed_what_is_missing_is_in_a_counter() {
    for family in Family::ALL {
        for batch in [&[][..], &["--tx-batch", "1"], &["--tx-batch", "64"]] {
            let lab = InternetLab::build(UNBALANCED).unwrap();
            let targets = targets(&lab, family, 8_192);
            let arguments = [&["--rate", "max"], &BY_GENERATOR[..], batch].concat();
            let run = sweep(&lab, &targets, &arguments);
            assert_generated(&run);
            let of_lanes = batch.last().map_or(16, |batch| batch.parse().unwrap());
            assert_eq!(section(&run).tx_batch, Some(of_lanes));
            assert_true(&lab, &run, &expected(&lab, &targets, Request::Echo));
        }
    }
}

#[test]
fn real_routers_and_hosts_take_its_packets_for_right() {
    let lab = Lab::chain(3).build().unwrap();
    // A veth sends redirected frames only to a peer that is made for them.
    lab.node("r1")
        .unwrap()
        .run("ethtool", &["-K", "vantage", "gro", "on"])
        .unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let acks = (protocol == "--tcp").then_some(["--tcp-flags", "ack"]);
            let run = Probe::sweep(lab.vantage())
                .args([protocol, "--max-ttl", "4", "--contact", "odd"])
                .args(acks.into_iter().flatten())
                .args(BY_GENERATOR)
                .args(SOON)
                .to(target)
                .run()
                .unwrap();
            assert_eq!(run.code, Some(0), "{protocol} {family}: {}", run.stderr);
            assert_generated(&run);
            let mut replies = run.replies().unwrap();
            replies.sort_by_key(|reply| reply.ttl);
            let found: Vec<_> = replies.iter().map(|reply| reply.responder).collect();
            let path = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(found, path, "{protocol} {family}");
            assert_clean(&run);
        }
    }
}

#[test]
fn a_reply_never_comes_before_its_probe() {
    let lab = InternetLab::build(super::ALL_ALIVE).unwrap();
    for (batch, family) in [("1", Family::V4), ("1", Family::V6), ("32", Family::V6)] {
        let targets = targets(&lab, family, 4_096);
        let arguments = ["--rate", "100k", "--tx", "xdp", "--tx-batch", batch];
        let run = sweep(&lab, &targets, &arguments);
        for reply in run.replies().unwrap() {
            let rtt = Duration::from_nanos(reply.rtt_ns.unwrap());
            assert!(
                reply.tx_ns.unwrap() < reply.rx_ns && !rtt.is_zero(),
                "{reply:?}"
            );
        }
    }
}
