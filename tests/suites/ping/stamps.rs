//! What a run says of its stamps, and what they cost by themselves.

use std::fs;

use probe_tests::{
    lab::{Family, Lab, Namespace},
    probe::{Probe, Run},
};

/// Where the kernel says what it reads time from.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// A queue that is never full here.
const DEEP: &str = "tbf rate 1gbit burst 100000 limit 1000000";

/// Of both ways: as many values as there were probes and replies, and none before its
/// cause.
#[track_caller]
fn assert_user_is_later(run: &Run) {
    let metadata = run.metadata().unwrap();
    let counters = run.counters().unwrap();
    let difference = metadata.stamps[0].user_minus_kernel_ns;
    let (tx, rx) = (difference.tx.unwrap(), difference.rx.unwrap());
    assert_eq!((tx.count, rx.count), (counters.stamped, counters.delivered));
    assert!(tx.are_in_order() && rx.are_in_order(), "{difference:?}");
    assert!(tx.p1 > 0 && rx.p1 > 0, "{difference:?}");
    let named = fs::read_to_string(CLOCK_SOURCE).unwrap();
    assert_eq!(metadata.clocksource.as_deref(), Some(named.trim()));
}

#[test]
fn without_a_queue_the_stamp_of_a_probe_waits_for_nothing() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let ping = Probe::ping(lab.vantage()).args(["-c", "50", "-i", "2ms"]);
        let trace = Probe::trace(lab.vantage());
        for probe in [ping, trace] {
            let run = probe.to(target).run().unwrap();
            let stamps = &run.metadata().unwrap().stamps[0];
            assert_eq!(stamps.tx_uncertainty, "none");
            assert_eq!(stamps.tx_uncertainty_ns.map(|wait| wait.max), Some(0));
            assert_eq!(stamps.qdisc.as_deref(), Some("noqueue"));
            assert_user_is_later(&run);
        }
    }
}

#[test]
fn a_queue_is_named_and_nobody_says_how_long_it_holds_a_probe() {
    let lab = Lab::chain(1).build().unwrap();
    lab.qdisc("vantage", "r1", DEEP).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(["-c", "50", "-i", "2ms"]);
        let run = probe.to(target).run().unwrap();
        let stamps = &run.metadata().unwrap().stamps[0];
        assert_eq!(stamps.tx_uncertainty, "qdisc wait");
        assert_eq!(stamps.tx_uncertainty_ns, None);
        assert_eq!(stamps.qdisc.as_deref(), Some("tbf"));
        assert_user_is_later(&run);
    }
}

#[test]
fn the_doctor_measures_the_floor_of_stamps_and_leaves_nothing_behind() {
    let host = Namespace::new("host").unwrap();
    let devices = || host.run("ip", &["-o", "link"]).unwrap();
    let before = devices();
    let program = std::env::var("PROBE_BIN").unwrap();
    let text = host
        .run(&program, &["doctor", "--clock", "--json"])
        .unwrap();
    assert_eq!(devices(), before);
    let checks: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for name in [
        "clock source",
        "clock reading",
        "stamp floor, 1,000/s",
        "stamp floor, in a row",
    ] {
        let check = checks.iter().find(|check| check["name"] == name);
        assert_eq!(check.unwrap()["status"], "ok", "{text}");
    }
}
