//! A run leaves no program, map, link or qdisc, however it ends.

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Remains, Running},
};

use crate::CONTINUOUS;

/// How the device that probes leave by looks to ip(8) and tc(8).
fn device(lab: &Lab) -> String {
    let run = |program, arguments: &[&str]| lab.vantage().run(program, arguments).unwrap();
    let link = run("ip", &["-d", "-o", "link", "show", "dev", "r1"]);
    link + &run("tc", &["qdisc", "show"])
}

/// A run in full swing, and what it has in the kernel.
fn start(lab: &Lab, family: Family, hook: &str, arguments: &[&str]) -> (Running, Remains) {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(CONTINUOUS);
    let probe = probe.args(["--rx", hook]).args(arguments);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(10).unwrap();
    let remains = Remains::of(running.id()).unwrap();
    let Remains {
        programs,
        maps,
        links,
    } = &remains;
    assert!(
        programs.len() >= 2 && maps.len() >= 4 && links.len() == 2,
        "{remains:?}"
    );
    assert_eq!(remains.left().unwrap(), remains);
    (running, remains)
}

#[test]
fn nothing_is_left_after_sigkill() {
    let lab = Lab::chain(1).build().unwrap();
    let before = device(&lab);
    for hook in ["xdp-native", "xdp-generic", "tcx"] {
        let (running, remains) = start(&lab, Family::V6, hook, &[]);
        running.signal(Signal::SIGKILL).unwrap();
        assert_eq!(running.wait().unwrap().code, None);
        remains.wait_until_gone().unwrap();
        assert_eq!(device(&lab), before, "{hook}");
    }
}

#[test]
fn nothing_is_left_after_signals_that_can_be_caught() {
    let lab = Lab::chain(1).build().unwrap();
    let before = device(&lab);
    for (signal, code) in [(Signal::SIGINT, 0), (Signal::SIGTERM, 143)] {
        let (running, remains) = start(&lab, Family::V4, "auto", &[]);
        running.signal(signal).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(code), "{signal}: {}", run.stderr);
        assert!(run.ping().unwrap().received >= 10);
        remains.wait_until_gone().unwrap();
        assert_eq!(device(&lab), before);
    }
}

#[test]
fn nothing_is_left_after_the_plans_end() {
    let lab = Lab::chain(1).build().unwrap();
    let before = device(&lab);
    let (running, remains) = start(&lab, Family::V4, "auto", &["--count", "50"]);
    let run = running.wait().unwrap();
    assert_eq!((run.code, run.ping().unwrap().received), (Some(0), 50));
    remains.wait_until_gone().unwrap();
    assert_eq!(device(&lab), before);
}

#[test]
fn a_trace_that_is_interrupted_shows_what_it_found() {
    let lab = Lab::chain(2).build().unwrap();
    for (family, signal, code) in [
        (Family::V4, Signal::SIGINT, 130),
        (Family::V6, Signal::SIGTERM, 143),
    ] {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--rounds", "100000", "--interval", "10ms", "--replies"];
        let probe = Probe::trace(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(100).unwrap();
        running.signal(signal).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        let trace = run.trace().unwrap();
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(trace.addresses().unwrap(), expected);
        assert!(trace.losses().is_empty(), "{trace:#?}");
    }
}
