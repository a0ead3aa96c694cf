//! Routers in a row.

use std::{collections::BTreeMap, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Probe, Run, Trace},
};

use crate::{FAST, PROTOCOLS};

/// Nothing was lost, rejected, doubled or late.
#[track_caller]
pub(crate) fn assert_clean(run: &Run) {
    let counters = run.counters().unwrap();
    let flaws = [
        ("never stamped", counters.never_stamped()),
        ("dropped after the stamp", counters.dropped_after_stamp),
        ("unanswered", counters.unanswered),
        ("rejected", counters.rejected()),
        ("late", counters.late),
        ("duplicate", counters.duplicate),
        ("ring full", counters.ring_full),
    ];
    let found: Vec<_> = flaws.iter().filter(|(_, count)| *count > 0).collect();
    assert!(found.is_empty(), "{found:?}\n{counters:#?}\n{}", run.stdout);
}

#[track_caller]
fn assert_is_the_path(lab: &Lab, family: Family, trace: &Trace) {
    let expected = lab.path(family).unwrap().addresses().unwrap();
    assert_eq!(trace.addresses().unwrap(), expected, "{trace:#?}");
    assert_eq!(trace.losses(), BTreeMap::new());
    assert_eq!(trace.stop, "target");
    assert!(trace.hops.iter().all(|hop| hop.sent == 3), "{trace:#?}");
    let rtts = trace.hops.iter().map(|hop| hop.rtt_ns.unwrap());
    assert!(rtts.clone().all(|rtt| rtt.count == 3 && rtt.is_ordered()));
}

fn hop_lists_equal_the_topology(routers: usize) {
    let lab = Lab::chain(routers).build().unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::trace(lab.vantage()).args([protocol]).args(FAST);
            let run = probe.to(target).run().unwrap();
            assert_eq!(run.code, Some(0), "{protocol} {family}: {}", run.stderr);
            assert_is_the_path(&lab, family, &run.trace().unwrap());
            assert_clean(&run);
        }
    }
}

#[test]
fn a_neighbour_is_one_hop() {
    hop_lists_equal_the_topology(0);
}

#[test]
fn one_router() {
    hop_lists_equal_the_topology(1);
}

#[test]
fn five_routers() {
    hop_lists_equal_the_topology(5);
}

#[test]
fn twelve_routers() {
    hop_lists_equal_the_topology(12);
}

#[test]
fn defaults_do() {
    let lab = Lab::chain(3).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::trace(lab.vantage()).to(target).run().unwrap();
        assert_eq!(run.code, Some(0));
        assert_is_the_path(&lab, family, &run.trace().unwrap());
        assert_clean(&run);
    }
}

#[test]
fn hops_beyond_a_slow_wire_take_its_time() {
    let delay = Duration::from_millis(10);
    let lab = Lab::chain(4)
        .wire("r2", "r3", Wire::delay(delay))
        .build()
        .unwrap();
    let both = |protocol| Family::ALL.map(|family| (protocol, family));
    for (protocol, family) in PROTOCOLS.into_iter().flat_map(both) {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::trace(lab.vantage()).args([protocol]).args(FAST);
        let trace = probe.to(target).run().unwrap().trace().unwrap();
        assert_is_the_path(&lab, family, &trace);
        for hop in &trace.hops {
            let rtt = hop.rtt_ns.unwrap().shortest();
            let is_beyond = hop.ttl > 2;
            assert_eq!(rtt >= 2 * delay, is_beyond, "{protocol} {family}: {hop:?}");
        }
    }
}

#[test]
fn a_link_without_ethernet_header_is_a_hop_like_any_other() {
    for (a, b) in [("vantage", "r1"), ("r1", "r2")] {
        let lab = Lab::chain(2).tunnel(a, b).build().unwrap();
        for protocol in PROTOCOLS {
            for family in Family::ALL {
                let target = lab.address(family, "target").unwrap();
                let probe = Probe::trace(lab.vantage()).args([protocol]).args(FAST);
                let run = probe.to(target).run().unwrap();
                assert_is_the_path(&lab, family, &run.trace().unwrap());
                assert_clean(&run);
            }
        }
    }
}

#[test]
fn rounds_add_up() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::trace(lab.vantage()).args(["--rounds", "20", "--queries", "2"]);
        let run = probe.args(["--interval", "5ms"]).to(target).run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!(trace.rounds, 20);
        let counts: Vec<_> = trace
            .hops
            .iter()
            .map(|hop| (hop.sent, hop.received))
            .collect();
        assert_eq!(counts, [(40, 40); 3]);
        assert_clean(&run);
    }
}
