//! The interface goes away while a run uses it.

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run, Running},
};

use crate::{CONTINUOUS, assert_one_line};

fn start_ping(lab: &Lab, family: Family) -> Running {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(CONTINUOUS);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(20).unwrap();
    running
}

#[track_caller]
fn assert_cut_short(run: &Run, words: &[&str]) {
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert_one_line(run, words);
    let ping = run.ping().unwrap();
    assert!(ping.received >= 20, "{ping:?}");
    assert_eq!(run.replies().unwrap().len() as u64, ping.received);
}

#[test]
fn an_interface_that_goes_down_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.vantage().ip(["link set r1 down"]).unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1", "down"]);
    }
}

#[test]
fn a_cable_that_is_pulled_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.node("r1")
            .unwrap()
            .ip(["link set vantage down"])
            .unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1", "down"]);
    }
}

#[test]
fn an_interface_that_is_deleted_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.vantage().ip(["link del r1"]).unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1"]);
    }
}

#[test]
fn a_trace_over_an_interface_that_goes_down_shows_what_it_found() {
    let lab = Lab::chain(2).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    for protocol in ["--icmp", "--udp", "--tcp"] {
        let arguments = [
            "--rounds",
            "10000",
            "--interval",
            "10ms",
            "--replies",
            protocol,
        ];
        let probe = Probe::trace(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(60).unwrap();
        lab.vantage().ip(["link set r1 down"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert_one_line(&run, &["r1", "down"]);
        let expected = lab.path(Family::V6).unwrap().addresses().unwrap();
        assert_eq!(run.trace().unwrap().addresses().unwrap(), expected);
        lab.set_link("vantage", "r1", probe_tests::lab::LinkState::Up)
            .unwrap();
    }
}

#[test]
fn an_interface_that_the_run_does_not_use_may_go() {
    for family in Family::ALL {
        let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
        let target = lab.address(family, "a1").unwrap();
        let arguments = ["--interval", "10ms", "--replies", "--count", "100"];
        let probe = Probe::ping(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(20).unwrap();
        lab.vantage().ip(["link del b1"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(
            (run.code, run.ping().unwrap().received),
            (Some(0), 100),
            "{}",
            run.stderr
        );
    }
}
