//! The expected path of each topology is what traceroute and mtr see.

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::{Result, bail};
use probe_tests::lab::{
    Family, Lab,
    address::{Side, of_link},
};

use crate::tools::{addresses, mtr, ping, traceroute};

/// ICMP; UDP to one port; SYNs.
const METHODS: [&[&str]; 3] = [&["-I"], &["-U", "-p", "33434"], &["-T", "-p", "81"]];

#[test]
fn chains_of_any_length() {
    for routers in [0, 1, 5] {
        let lab = Lab::chain(routers).build().unwrap();
        for family in Family::ALL {
            let expected = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(expected.len(), routers + 1);
            for method in METHODS {
                let seen = addresses(&traceroute(&lab, family, method).unwrap()).unwrap();
                assert_eq!(seen, expected, "{family} {method:?}");
            }
            assert_eq!(mtr(&lab, family).unwrap(), expected, "{family} mtr");
        }
    }
}

#[test]
fn a_flow_takes_one_path_and_flows_take_all() {
    for description in [
        "vantage r1 (m1 | m2) r2 target",
        "vantage r1 (m1 | m2 | m3 | m4) r2 target",
        "vantage r1 (a1 a2 | b1 b2) r2 (c1 | d1) r3 target",
        "vantage r1 (a1 | b1) target",
    ] {
        let lab = Lab::parse(description).build().unwrap();
        for family in Family::ALL {
            flows_cover(&lab, family, "-U").unwrap();
            flows_cover(&lab, family, "-T").unwrap();
        }
    }
}

/// Traces with one flow each until every address was seen; each trace must be a path
/// of the topology.
fn flows_cover(lab: &Lab, family: Family, method: &str) -> Result<()> {
    let path = lab.path(family)?;
    let all: BTreeSet<IpAddr> = path.hops.iter().flatten().copied().collect();
    let mut seen = BTreeSet::new();
    for port in 40_000..40_064 {
        let source_port = format!("--sport={port}");
        let hops = traceroute(lab, family, &[method, "-p", "33434", &source_port])?;
        let trace = addresses(&hops)?;
        path.check(&trace)?;
        seen.extend(trace);
        if seen == all {
            return Ok(());
        }
    }
    bail!(
        "{}, {family} {method}: 64 flows saw {seen:?} of {all:?}",
        lab.topology()
    )
}

#[test]
fn arms_by_address_alone_are_one_path_for_all_flows() {
    let lab = Lab::diamond(2).hash_policy(0).build().unwrap();
    // For IPv6 the flow label counts as well, which the kernel draws for each socket.
    lab.vantage()
        .sysctl(&[("ipv6/auto_flowlabels", "0")])
        .unwrap();
    for family in Family::ALL {
        let trace = |port: &str| traceroute(&lab, family, &["-U", "-p", "33434", port]).unwrap();
        let first = trace("--sport=40000");
        for port in 40_001..40_016 {
            assert_eq!(trace(&format!("--sport={port}")), first, "{family}");
        }
    }
}

#[test]
fn a_vantage_point_may_have_several_links() {
    let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
    for family in Family::ALL {
        let path = lab.path(family).unwrap();
        for method in METHODS {
            let hops = traceroute(&lab, family, method).unwrap();
            path.check(&addresses(&hops).unwrap()).unwrap();
        }
        for router in ["a1", "b1"] {
            let address = lab.address(family, router).unwrap();
            let reply = ping(&lab, address, 1, &["-I", router]).unwrap();
            assert_eq!(reply.received, 1, "{address}");
        }
    }
}

#[test]
fn arms_may_differ_in_length() {
    let lab = Lab::parse("vantage r1 (a1 | b1 b2) r2 target")
        .build()
        .unwrap();
    for family in Family::ALL {
        flows_cover(&lab, family, "-U").unwrap();
    }
}

#[test]
fn every_address_of_every_router_can_be_reached() {
    let lab = Lab::parse("vantage r1 (a1 | b1) r2 target")
        .build()
        .unwrap();
    for family in Family::ALL {
        for link in 0..lab.topology().links().len() {
            for side in [Side::Near, Side::Far] {
                let address = of_link(family, link, side);
                let reply = ping(&lab, address, 1, &[]).unwrap();
                assert_eq!(reply.received, 1, "{address}");
            }
        }
    }
}

#[test]
fn a_false_path_is_refused() {
    let lab = Lab::diamond(2).build().unwrap();
    let path = lab.path(Family::V4).unwrap();
    let address = |node| lab.address(Family::V4, node).unwrap();
    let [r1, m1, r2, target] = ["r1", "m1", "r2", "target"].map(address);
    assert!(path.check(&[r1, m1, r2, target]).is_ok());
    assert!(path.check(&[r1, r2, target]).is_err(), "a hop is missing");
    assert!(path.check(&[r1, m1, r2]).is_err(), "the end is missing");
    assert!(
        path.check(&[m1, r2, target]).is_err(),
        "the beginning is missing"
    );
    assert!(path.check(&[]).is_err());
    assert!(path.addresses().is_err(), "two arms are not one list");
}
