//! This host itself, with every receive hook.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use probe_tests::{
    lab::{Family, Lab, Namespace},
    probe::Probe,
};

use crate::TEN;

const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

#[test]
fn loopback_answers_with_every_hook_that_it_has() {
    let host = Namespace::new("host").unwrap();
    for (hook, stamp) in [
        ("auto", "tcx/tcx"),
        ("tcx", "tcx/tcx"),
        ("xdp-generic", "tcx/xdp-generic"),
    ] {
        for address in LOOPBACK {
            let probe = Probe::ping(&host).args(TEN).args(["--rx", hook]);
            let run = probe.to(address).run().unwrap();
            let ping = run.ping().unwrap();
            assert_eq!(run.code, Some(0), "{hook} {address}: {}", run.stderr);
            assert_eq!((ping.sent, ping.received), (10, 10), "{hook} {address}");
            assert_eq!(ping.stamp, stamp);
            assert_eq!(run.counters().unwrap().rejected(), 0);
        }
    }
}

#[test]
fn loopback_has_no_native_xdp_and_the_error_says_what_to_do() {
    let host = Namespace::new("host").unwrap();
    let probe = Probe::ping(&host).args(TEN).args(["--rx", "xdp-native"]);
    let run = probe.to(LOOPBACK[0]).run().unwrap();
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("--rx tcx"), "{}", run.stderr);
}

#[test]
fn both_loopback_addresses_at_once_by_udp_and_tcp() {
    let host = Namespace::new("host").unwrap();
    for protocol in ["--udp", "--tcp"] {
        let probe = Probe::ping(&host).args(TEN).args([protocol]);
        let run = probe.to(LOOPBACK[0]).to(LOOPBACK[1]).run().unwrap();
        let pings = run.pings().unwrap();
        let received: Vec<_> = pings.iter().map(|ping| ping.received).collect();
        assert_eq!(received, [10, 10], "{protocol}: {}", run.stderr);
    }
}

#[test]
fn the_addresses_of_own_devices_are_reached_by_loopback() {
    let lab = Lab::chain(0).build().unwrap();
    for family in Family::ALL {
        let own = lab.address(family, "vantage").unwrap();
        let run = Probe::ping(lab.vantage()).args(TEN).to(own).run().unwrap();
        assert_eq!(run.ping().unwrap().received, 10, "{family}");
        assert_eq!(run.metadata().unwrap().interfaces, ["lo"]);
    }
}

#[test]
fn a_veth_has_every_hook() {
    let lab = Lab::chain(1).build().unwrap();
    for (hook, stamp) in [
        ("auto", "tcx/xdp-native"),
        ("tcx", "tcx/tcx"),
        ("xdp-generic", "tcx/xdp-generic"),
        ("xdp-native", "tcx/xdp-native"),
    ] {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::ping(lab.vantage()).args(TEN).args(["--rx", hook]);
            let run = probe.to(target).run().unwrap();
            let ping = run.ping().unwrap();
            assert_eq!(
                (ping.received, ping.stamp.as_str()),
                (10, stamp),
                "{family}"
            );
            let stamps = &run.metadata().unwrap().stamps;
            assert_eq!(format!("{}/{}", stamps[0].tx, stamps[0].rx), stamp);
        }
    }
}
