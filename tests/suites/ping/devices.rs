//! Devices over devices, devices without Ethernet header, several devices at once.

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run},
};

use crate::{PROTOCOLS, TEN};

/// Each probe was stamped once, and each reply counted once.
#[track_caller]
fn assert_each_once(run: &Run, probes: u64) {
    let counters = run.counters().unwrap();
    let once = [
        counters.planned,
        counters.stamped,
        counters.sent,
        counters.candidates,
        counters.valid,
        counters.delivered,
    ];
    assert_eq!(once, [probes; 6], "{counters:#?}");
}

#[test]
fn a_macvlan_over_its_parent_counts_nothing_twice() {
    let lab = Lab::chain(2).build().unwrap();
    let macvlan = lab.add_macvlan("r1").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for protocol in PROTOCOLS {
            let probe = Probe::ping(lab.vantage()).args(["--interface", &macvlan.device]);
            let run = probe.args(TEN).args([protocol]).to(target).run().unwrap();
            assert_eq!(run.ping().unwrap().received, 10, "{family} {protocol}");
            assert_each_once(&run, 10);
            // The lowest device, and no other.
            assert_eq!(run.metadata().unwrap().interfaces, ["r1"]);
        }
    }
}

#[test]
fn a_macvlan_and_its_parent_in_one_run_count_nothing_twice() {
    let lab = Lab::chain(2).build().unwrap();
    let macvlan = lab.add_macvlan("r1").unwrap();
    for (family, own) in [(Family::V4, macvlan.v4), (Family::V6, macvlan.v6)] {
        let [router, near, target] =
            ["r2", "r1", "target"].map(|node| lab.address(family, node).unwrap());
        let (device, bits) = (&macvlan.device, if own.is_ipv4() { 32 } else { 128 });
        let route = format!("route add {router}/{bits} via {near} dev {device} src {own}");
        lab.vantage().ip([route]).unwrap();
        let probe = Probe::ping(lab.vantage()).args(TEN);
        let run = probe.to(router).to(target).run().unwrap();
        let received: Vec<_> = run
            .pings()
            .unwrap()
            .iter()
            .map(|ping| ping.received)
            .collect();
        assert_eq!(received, [10, 10], "{family}");
        assert_each_once(&run, 20);
        assert_eq!(run.metadata().unwrap().interfaces, ["r1"]);
    }
}

#[test]
fn a_tunnel_without_ethernet_header() {
    let lab = Lab::chain(1).tunnel("vantage", "r1").build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for protocol in PROTOCOLS {
            for hook in ["auto", "tcx", "xdp-generic"] {
                let probe = Probe::ping(lab.vantage())
                    .args(TEN)
                    .args([protocol, "--rx", hook]);
                let run = probe.to(target).run().unwrap();
                let received = run.ping().unwrap().received;
                assert_eq!(received, 10, "{family} {protocol} {hook}: {}", run.stderr);
                assert_each_once(&run, 10);
            }
        }
    }
}

#[test]
fn several_devices_and_gateways_in_one_run() {
    let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
    let nodes = ["a1", "b1", "target"];
    let hosts: Vec<_> = nodes
        .iter()
        .flat_map(|node| Family::ALL.map(|family| lab.address(family, node).unwrap()))
        .collect();
    for protocol in PROTOCOLS {
        let probe = Probe::ping(lab.vantage()).args(TEN).args([protocol]);
        let probe = hosts.iter().fold(probe, |probe, host| probe.to(*host));
        let run = probe.args(["127.0.0.1"]).run().unwrap();
        let pings = run.pings().unwrap();
        assert_eq!(pings.len(), 7);
        assert!(pings.iter().all(|ping| ping.received == 10), "{pings:#?}");
        assert_each_once(&run, 70);
        let mut interfaces = run.metadata().unwrap().interfaces.clone();
        interfaces.sort();
        assert_eq!(interfaces, ["a1", "b1", "lo"]);
    }
}
