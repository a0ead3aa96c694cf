//! IPv6 flow labels: what load balancers may go by is constant for a flow.

use std::collections::BTreeSet;

use probe_tests::{
    lab::{Family, Lab, Tap},
    probe::Probe,
};

use crate::{FAST, PROTOCOLS};

const FLOWS: [&str; 2] = ["--flows", "4"];
const TWENTY: [&str; 4] = ["--count", "20", "--interval", "5ms"];

#[test]
fn each_flow_has_a_label_of_its_own_on_the_wire_or_the_one_that_is_told() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let tap = Tap::at(lab.node("r1").unwrap(), "vantage").unwrap();
    for (job, flows) in [("trace", 4), ("ping", 1)] {
        for protocol in PROTOCOLS {
            for told in [None, Some(("0xabcde", 0xa_bcde)), Some(("0", 0))] {
                let label = told.map(|(text, _)| ["--flow-label", text]);
                let probe = match job {
                    "trace" => Probe::trace(lab.vantage()).args(FAST).args(FLOWS),
                    _ => Probe::ping(lab.vantage()).args(TWENTY),
                };
                let probe = probe.args([protocol]).args(label.iter().flatten());
                let run = probe.to(target).run().unwrap();
                assert_eq!(run.code, Some(0), "{}", run.stderr);
                let found = tap.flow_labels(target).unwrap();
                assert!(found.len() >= flows, "{protocol}: {found:?}");
                let all: BTreeSet<_> = found.values().flatten().copied().collect();
                assert!(found.values().all(|labels| labels.len() == 1), "{found:?}");
                match told {
                    Some((_, label)) => assert_eq!(all, [label].into()),
                    None => assert!(all.len() == found.len() && !all.contains(&0)),
                }
            }
        }
    }
}

#[test]
fn routers_that_go_by_addresses_and_label_part_flows_unless_all_have_one_label() {
    let lab = Lab::diamond(4).hash_policy(0).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    for protocol in ["--icmp", "--udp"] {
        let arms = |extra: &[&str]| {
            let probe = Probe::trace(lab.vantage()).args([protocol, "--flows", "16"]);
            let run = probe.args(FAST).args(extra).to(target).run().unwrap();
            let traces = run.traces().unwrap();
            let paths: BTreeSet<_> = traces.iter().map(|t| t.addresses().unwrap()).collect();
            let path = lab.path(Family::V6).unwrap();
            paths.iter().for_each(|seen| path.check(seen).unwrap());
            paths.len()
        };
        assert!(arms(&[]) > 1, "{protocol}");
        assert_eq!(arms(&["--flow-label", "77"]), 1, "{protocol}");
    }
}
