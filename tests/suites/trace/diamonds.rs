//! Arms of equal length, and what per-flow load balancing makes of flows.

use std::collections::BTreeSet;

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

use crate::{FAST, PROTOCOLS, chains::assert_clean};

#[test]
fn one_flow_is_one_path_that_exists() {
    let lab = Lab::diamond(3).build().unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::trace(lab.vantage()).args([protocol, "--queries", "10"]);
            let run = probe.args(FAST).to(target).run().unwrap();
            let addresses = run.trace().unwrap().addresses().unwrap();
            lab.path(family).unwrap().check(&addresses).unwrap();
            assert_clean(&run);
        }
    }
}

#[test]
fn thirty_two_flows_show_both_arms_and_no_false_link() {
    let lab = Lab::parse("vantage r1 (a2 a3 | b2 b3) r4 target")
        .build()
        .unwrap();
    for protocol in ["--udp", "--tcp"] {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let path = lab.path(family).unwrap();
            let probe = Probe::trace(lab.vantage()).args([protocol, "--flows", "32"]);
            let run = probe.args(FAST).to(target).run().unwrap();
            let traces = run.traces().unwrap();
            let flows: BTreeSet<_> = traces.iter().map(|trace| trace.flow).collect();
            assert_eq!(flows, (0..32).collect());
            let paths: BTreeSet<_> = traces.iter().map(|t| t.addresses().unwrap()).collect();
            assert_eq!(paths.len(), 2, "{protocol} {family}: {paths:#?}");
            paths.iter().for_each(|seen| path.check(seen).unwrap());
            assert_clean(&run);
        }
    }
}

#[test]
fn a_flow_keeps_its_path_from_run_to_run_of_one_trace() {
    let lab = Lab::diamond(4).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::trace(lab.vantage()).args(["--udp", "--flows", "4", "--rounds", "10"]);
        let run = probe.args(FAST).to(target).run().unwrap();
        for trace in run.traces().unwrap() {
            // One responder at each hop, although each saw thirty probes.
            let addresses = trace.addresses().unwrap();
            lab.path(family).unwrap().check(&addresses).unwrap();
        }
    }
}

#[test]
fn icmp_flows_show_one_arm_and_the_table_says_why() {
    let lab = Lab::diamond(4).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--icmp", "--flows", "16"];
        let probe = Probe::trace(lab.vantage()).args(arguments).args(FAST);
        let run = probe.to(target).run().unwrap();
        let traces = run.traces().unwrap();
        let paths: BTreeSet<_> = traces.iter().map(|t| t.addresses().unwrap()).collect();
        assert_eq!((traces.len(), paths.len()), (16, 1), "{family}");

        let probe = Probe::people(lab.vantage(), "trace")
            .args(arguments)
            .args(FAST);
        let table = probe.args(["-n"]).to(target).run().unwrap().stdout;
        let note = table.lines().last().unwrap();
        assert!(note.contains("by addresses only"), "{table}");
    }
}

#[test]
fn routers_that_hash_addresses_only_show_one_arm_to_udp() {
    // Those of IPv6 hash the flow label as well: see `flow_labels`.
    let lab = Lab::diamond(4).hash_policy(0).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    let probe = Probe::trace(lab.vantage()).args(["--udp", "--flows", "16"]);
    let traces = probe.args(FAST).to(target).run().unwrap().traces().unwrap();
    let paths: BTreeSet<_> = traces.iter().map(|t| t.addresses().unwrap()).collect();
    assert_eq!(paths.len(), 1);
}
