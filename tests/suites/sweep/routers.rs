//! Across real Linux routers.

use std::collections::BTreeSet;

use probe_tests::{
    lab::{Family, Lab, Tap},
    probe::Probe,
};

use crate::{PROTOCOLS, SOON, assert_clean, places};

#[test]
fn every_hop_answers_each_protocol_in_both_families() {
    let lab = Lab::chain(3).build().unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::sweep(lab.vantage()).args([protocol, "--max-ttl", "4"]);
            let run = probe.args(SOON).to(target).run().unwrap();
            assert_eq!(run.code, Some(0), "{protocol} {family}: {}", run.stderr);
            let mut replies = run.replies().unwrap();
            replies.sort_by_key(|reply| reply.ttl);
            let found: Vec<_> = replies.iter().map(|reply| reply.responder).collect();
            let expected = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(found, expected, "{protocol} {family}");
            assert_clean(&run);
        }
    }
}

#[test]
fn all_targets_at_all_ttls_once_in_each_round_and_flow() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let names = ["r1", "r2", "target"];
        let targets = names.map(|name| lab.address(family, name).unwrap().to_string());
        let run = Probe::sweep(lab.vantage())
            .args(["--udp", "--probes", "2", "--round-interval", "50ms"])
            .args(["--max-ttl", "5", "--rate", "max"])
            .args(SOON)
            .args(&targets)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert_eq!(counters.planned, 3 * 5 * 2);
        let places = places(&run.replies().unwrap());
        assert_eq!(places.len(), 3 * 5 * 2);
        assert!(places.values().all(|count| *count == 1), "{places:?}");
        assert_clean(&run);
    }
}

#[test]
fn each_flow_has_a_label_of_its_own_on_the_wire_or_the_one_that_is_told() {
    let lab = Lab::chain(1).build().unwrap();
    let router = lab.node("r1").unwrap();
    // A veth sends redirected frames only to a peer that is made for them.
    router
        .run("ethtool", &["-K", "vantage", "gro", "on"])
        .unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let tap = Tap::at(router, "vantage").unwrap();
    for (tx, sends) in [("raw", "sockets"), ("xdp", "generator")] {
        for told in [None, Some(("0xabcde", 0xa_bcde)), Some(("0", 0))] {
            let label = told.map(|(text, _)| ["--flow-label", text]);
            let run = Probe::sweep(lab.vantage())
                .args(["--udp", "--flows", "3", "--max-ttl", "9", "--tx", tx])
                .args(label.iter().flatten())
                .args(SOON)
                .to(target)
                .run()
                .unwrap();
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            assert_eq!(run.metadata().unwrap().sweep.as_ref().unwrap().tx, sends);
            assert_clean(&run);
            let found = tap.flow_labels(target).unwrap();
            assert_eq!(found.len(), 3, "{tx}: {found:?}");
            assert!(found.values().all(|labels| labels.len() == 1), "{found:?}");
            let all: BTreeSet<_> = found.values().flatten().copied().collect();
            match told {
                Some((_, label)) => assert_eq!(all, [label].into(), "{tx}"),
                None => assert!(all.len() == 3 && !all.contains(&0), "{tx}: {all:?}"),
            }
        }
    }
}
