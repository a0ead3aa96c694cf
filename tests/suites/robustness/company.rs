//! Several runs at once.

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run},
};

use crate::CONTINUOUS;

/// Runs the same twice at once, until both have written so many lines. Native XDP is one
/// run's alone, and where it is taken off, the device may lose a frame: that run ends last.
fn twice<'a>(make: impl Fn() -> Probe<'a>, lines: usize) -> [Run; 2] {
    let mut running = [make().start().unwrap(), make().start().unwrap()];
    for running in &mut running {
        running.wait_for_lines(lines).unwrap();
    }
    running.sort_by_key(|running| running.lines().unwrap()[0].contains("xdp-native"));
    running.map(|running| {
        running.signal(Signal::SIGINT).unwrap();
        running.wait().unwrap()
    })
}

#[track_caller]
fn assert_unmixed(run: &Run) {
    let counters = run.counters().unwrap();
    // The other's echo replies are candidates, and foreign.
    assert_eq!(counters.rejected(), counters.foreign, "{counters:#?}");
    assert_eq!(
        (counters.duplicate, counters.unanswered),
        (0, 0),
        "{counters:#?}"
    );
    assert_eq!(counters.valid, counters.planned, "{counters:#?}");
}

#[test]
fn two_pings_of_one_target_do_not_mix() {
    let lab = Lab::chain(1).build().unwrap();
    for protocol in ["--icmp", "--udp", "--tcp"] {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let arguments = ["--replies", "--interval", "2ms", protocol];
            let make = || Probe::ping(lab.vantage()).args(arguments).to(target);
            for run in twice(make, 200) {
                let ping = run.ping().unwrap();
                assert!(ping.received >= 200, "{protocol} {family}: {ping:?}");
                assert_eq!(ping.received, ping.sent, "{protocol} {family}");
                assert_unmixed(&run);
            }
        }
    }
}

#[test]
fn two_traces_of_one_target_do_not_mix() {
    let lab = Lab::chain(3).build().unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for protocol in ["--icmp", "--udp", "--tcp"] {
        for family in Family::ALL {
            let expected = lab.path(family).unwrap().addresses().unwrap();
            let target = lab.address(family, "target").unwrap();
            let endless = ["--rounds", "1000000", "--interval", "5ms", "--replies"];
            let make = || Probe::trace(lab.vantage()).args(endless).args([protocol]);
            for run in twice(|| make().to(target), 120) {
                let trace = run.trace().unwrap();
                assert_eq!(trace.addresses().unwrap(), expected, "{protocol} {family}");
                assert!(trace.losses().is_empty(), "{protocol}: {trace:#?}");
                assert_unmixed(&run);
            }
        }
    }
}

#[test]
fn the_pings_of_other_tools_are_foreign() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(CONTINUOUS);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(1).unwrap();
        let arguments = ["-q", "-c", "20", "-i", "0.01", &target.to_string()];
        lab.vantage().run("ping", &arguments).unwrap();
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!(ping.received, ping.sent);
        assert_unmixed(&run);
        assert_eq!(run.counters().unwrap().foreign, 20);
    }
}
