//! Where the kernel's transmitter cannot send, sockets do, and say why.

use std::net::IpAddr;

use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab, Lab, Namespace},
    probe::{Probe, Run},
};

use super::{ALL_ALIVE, BY_GENERATOR, section, targets};
use crate::assert_clean;

/// A sweep that is told to use the generator, and tells people why it does not.
fn fallen_back(vantage: &Namespace, arguments: &[&str], why: &str) -> Run {
    let run = Probe::people(vantage, "sweep")
        .args(["--allow-private", "--timeout", "300ms"])
        .args(BY_GENERATOR)
        .args(arguments)
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let notices = run
        .stderr
        .lines()
        .filter(|line| line.contains("sockets send"));
    let notices: Vec<_> = notices.collect();
    assert!(
        notices.len() == 1 && notices[0].contains(why),
        "{}",
        run.stderr
    );
    let section = section(&run);
    assert_eq!((section.tx.as_str(), section.tx_batch), ("sockets", None));
    let stamps = &run.metadata().unwrap().stamps;
    assert!(stamps.iter().all(|stamp| stamp.tx == "tcx"), "{stamps:?}");
    run
}

#[test]
fn syns_that_wait_for_one_another_go_by_sockets() {
    for family in Family::ALL {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let network = lab.network(family, 7);
        let arguments = ["--tcp", "--rate", "10k", "--max-ttl", "20", &network];
        let run = fallen_back(lab.vantage(), &arguments, "SYNs");
        let replies = run.replies().unwrap();
        let reached = |reply: &&probe_tests::probe::Reply| reply.responder == reply.target;
        let reached: std::collections::BTreeSet<IpAddr> = replies
            .iter()
            .filter(reached)
            .map(|reply| reply.target)
            .collect();
        assert_eq!(reached.len(), 128);
        assert!(run.counters().unwrap().skipped["target_reached"] > 0);
    }
}

#[test]
fn targets_of_both_families_go_by_sockets() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let arguments = ["--ping", "--rate", "10k", "10.7.0.0/25", "fd10::/121"];
    let run = fallen_back(lab.vantage(), &arguments, "both IP versions");
    assert_eq!(run.replies().unwrap().len(), 256);
    assert_clean(&run);
}

#[test]
fn more_lanes_than_processors_go_by_sockets() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let arguments = ["--ping", "--rate", "10k", "--tx-cores", "64", "fd10::/121"];
    let run = fallen_back(lab.vantage(), &arguments, "--tx-cores");
    assert_eq!(run.replies().unwrap().len(), 128);
}

#[test]
fn a_veth_whose_peer_takes_no_redirected_frames_is_served_by_sockets() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap().to_string();
        let arguments = ["--max-ttl", "3", &target];
        let run = fallen_back(lab.vantage(), &arguments, "ndo_xdp_xmit");
        assert_eq!(run.replies().unwrap().len(), 3);
        assert_clean(&run);
    }
}

#[test]
fn sockets_take_one_processor_where_the_generator_would_have_had_more() {
    let lab = Lab::chain(1).build().unwrap();
    let (near, far) = (lab.vantage(), lab.node("r1").unwrap());
    // As many queues as network cards have.
    let queues = "numtxqueues 4 numrxqueues 4";
    let peer = format!("peer name wide netns {}", far.path().display());
    near.ip([format!("link add wide {queues} type veth {peer}")])
        .unwrap();
    for (node, address) in [(near, "10.99.0.1/24"), (far, "10.99.0.2/24")] {
        node.ip([
            format!("address add {address} dev wide"),
            "link set wide up".to_owned(),
        ])
        .unwrap();
    }
    let target = lab.address(Family::V4, "target").unwrap().to_string();
    near.ip([format!("route replace {target}/32 via 10.99.0.2 dev wide")])
        .unwrap();
    let arguments = ["--rate", "max", "--ttl", "1", "--format", "none", &target];
    let run = fallen_back(near, &arguments, "ndo_xdp_xmit");
    assert_eq!(section(&run).lanes, 1);
    assert_eq!(run.counters().unwrap().valid, 1);
}

#[test]
fn a_macvlan_is_served_by_sockets() {
    let lab = Lab::chain(2).build().unwrap();
    let macvlan = lab.add_macvlan("r1").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap().to_string();
        let arguments = ["--max-ttl", "3", "--interface", &macvlan.device, &target];
        let run = fallen_back(lab.vantage(), &arguments, &macvlan.device);
        assert_eq!(run.replies().unwrap().len(), 3);
        assert_clean(&run);
    }
}

#[test]
fn hosts_on_the_own_link_are_left_to_the_kernel() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let neighbour = lab.address(family, "r1").unwrap().to_string();
        let run = fallen_back(lab.vantage(), &["--ping", &neighbour], "kernel's own way");
        assert_eq!(run.replies().unwrap().len(), 1);
        assert_clean(&run);
    }
}

#[test]
fn nothing_is_said_where_nobody_asked_for_the_generator_and_it_is_not_worth_it() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let target = targets(&lab, Family::V4, 1)[0];
    let run = Probe::people(lab.vantage(), "sweep")
        .args(["--allow-private", "--tcp", "--timeout", "300ms"])
        .to(target)
        .run()
        .unwrap();
    assert_eq!(section(&run).tx, "sockets");
    assert!(!run.stderr.contains("sockets send"), "{}", run.stderr);
}

#[test]
fn fast_sweeps_take_the_generator_by_themselves() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    for (rate, sends, family) in [
        ("200k", "generator", Family::V4),
        ("200k", "generator", Family::V6),
        ("199k", "sockets", Family::V6),
    ] {
        let run = Probe::sweep(lab.vantage())
            .args([
                "--ping",
                "--rate",
                rate,
                "--timeout",
                "300ms",
                &lab.network(family, 10),
            ])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(section(&run).tx, sends);
        assert_eq!(run.counters().unwrap().sent, 1_024);
    }
}
