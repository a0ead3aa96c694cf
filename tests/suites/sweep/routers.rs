//! Across real Linux routers.

use probe_tests::{
    lab::{Family, Lab},
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
