//! The XDP hook is another owner's: it stays so, and the run goes on without it.

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};
use serde_json::Value;

use crate::{
    assert_one_line,
    occupant::{By, Occupant},
};

/// The number of the XDP program on the vantage point's device.
fn attached(lab: &Lab) -> u64 {
    let arguments = ["-j", "-d", "link", "show", "dev", "r1"];
    let text = lab.vantage().run("ip", &arguments).unwrap();
    let links: Value = serde_json::from_str(&text).unwrap();
    links[0]["xdp"]["prog"]["id"].as_u64().unwrap()
}

#[test]
fn another_owners_program_stays_and_replies_are_stamped_at_tcx() {
    for by in [By::Link, By::GenericLink, By::Netlink] {
        let lab = Lab::chain(1).build().unwrap();
        let owner = Occupant::attach(lab.vantage(), "r1", by).unwrap();
        assert_eq!(attached(&lab), u64::from(owner.id), "{by:?}");
        for (hook, family) in [
            ("auto", Family::V4),
            ("xdp-native", Family::V6),
            ("xdp-generic", Family::V6),
        ] {
            let target = lab.address(family, "target").unwrap();
            let arguments = ["--count", "20", "--interval", "10ms", "--replies"];
            let probe = Probe::ping(lab.vantage()).args(arguments);
            let mut running = probe.args(["--rx", hook]).to(target).start().unwrap();
            running.wait_for_lines(5).unwrap();
            assert_eq!(attached(&lab), u64::from(owner.id), "{by:?} {hook}");
            let run = running.wait().unwrap();
            assert_one_line(&run, &["r1", "TCX"]);
            let ping = run.ping().unwrap();
            assert_eq!((run.code, ping.received), (Some(0), 20), "{by:?} {hook}");
            assert_eq!(ping.stamp, "tcx/tcx");
            assert_eq!(run.metadata().unwrap().stamps[0].rx, "tcx");
            assert_eq!(attached(&lab), u64::from(owner.id), "{by:?} {hook}");
        }
    }
}

#[test]
fn a_program_that_comes_later_does_not_disturb() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let arguments = [
        "--count",
        "50",
        "--interval",
        "10ms",
        "--replies",
        "--rx",
        "tcx",
    ];
    let probe = Probe::ping(lab.vantage()).args(arguments);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(5).unwrap();
    let _owner = Occupant::attach(lab.vantage(), "r1", By::GenericLink).unwrap();
    assert_eq!(running.wait().unwrap().ping().unwrap().received, 50);
}
