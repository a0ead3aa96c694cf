//! Several runs at once.

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run},
};

/// Runs the same twice at once.
fn twice<'a>(make: impl Fn() -> Probe<'a>) -> [Run; 2] {
    let running = [make().start().unwrap(), make().start().unwrap()];
    running.map(|running| running.wait().unwrap())
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
            let arguments = ["--count", "200", "--interval", "2ms", protocol];
            let make = || Probe::ping(lab.vantage()).args(arguments).to(target);
            for run in twice(make) {
                assert_eq!(run.ping().unwrap().received, 200, "{protocol} {family}");
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
            let arguments = ["--rounds", "10", "--interval", "5ms", protocol];
            for run in twice(|| Probe::trace(lab.vantage()).args(arguments).to(target)) {
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
        let arguments = ["--interval", "10ms", "--count", "100", "--replies"];
        let mut running = Probe::ping(lab.vantage())
            .args(arguments)
            .to(target)
            .start()
            .unwrap();
        running.wait_for_lines(1).unwrap();
        let arguments = ["-q", "-c", "20", "-i", "0.01", &target.to_string()];
        lab.vantage().run("ping", &arguments).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.ping().unwrap().received, 100);
        assert_unmixed(&run);
        assert_eq!(run.counters().unwrap().foreign, 20);
    }
}
