//! What the queue and the device before the wire do not take.

use probe_common::lab::{Count, Internet};
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Counters, Probe},
};

use crate::generator::targets;

/// Everybody answers: what is unanswered was lost.
const ALIVE: Internet = Internet {
    dead: 0,
    ..Internet::DEFAULT
};
const TARGETS: u32 = 3_000;
/// Some hundred probes, then ten thousand a second.
const SHALLOW: [&str; 7] = ["tbf", "rate", "5mbit", "burst", "10kb", "limit", "10kb"];

fn sweep(lab: &InternetLab, family: Family, more: &[&str]) -> Counters {
    let targets: String = targets(lab, family, TARGETS)
        .iter()
        .map(|target| format!("{target}\n"))
        .collect();
    let run = Probe::sweep(lab.vantage())
        .args([
            "--ping",
            "--tx",
            "raw",
            "--rate",
            "max",
            "--timeout",
            "500ms",
        ])
        .args(["--format", "none", "--targets", "-"])
        .args(more)
        .input(&targets)
        .run()
        .unwrap();
    run.counters().unwrap().clone()
}

fn behind_shallow_queue() -> InternetLab {
    let lab = InternetLab::build(ALIVE).unwrap();
    let device = ["qdisc", "add", "dev", InternetLab::DEVICE, "root"];
    lab.vantage()
        .run("tc", &[&device[..], &SHALLOW].concat())
        .unwrap();
    lab
}

#[test]
fn what_a_shallow_queue_drops_was_never_sent_and_what_it_takes_leaves_once() {
    for family in Family::ALL {
        let lab = behind_shallow_queue();
        let counters = sweep(&lab, family, &[]);
        assert_eq!(counters.planned, u64::from(TARGETS));
        assert_eq!(counters.never_stamped(), 0, "{counters:#?}");
        assert!(counters.dropped_after_stamp > 100, "{counters:#?}");
        assert!(counters.sent > 100, "{counters:#?}");
        let arrived = lab.traffic().unwrap().get(Count::Probes);
        assert_eq!(counters.sent, arrived, "{counters:#?}");
    }
}

#[test]
fn what_is_longer_than_the_device_takes_is_refused() {
    let lab = InternetLab::build(ALIVE).unwrap();
    let device = ["link", "set", InternetLab::DEVICE, "mtu", "80"];
    lab.vantage().run("ip", &device).unwrap();
    // No IPv6 goes by such a device: that asks for 1,280 octets. 40 octets of headers and identity.
    for (contact, fits) in [(40, true), (42, false)] {
        let before = lab.traffic().unwrap().get(Count::Probes);
        let counters = sweep(&lab, Family::V4, &["--contact", &"x".repeat(contact)]);
        let arrived = lab.traffic().unwrap().get(Count::Probes) - before;
        let expected = if fits { u64::from(TARGETS) } else { 0 };
        assert_eq!((counters.sent, arrived), (expected, expected));
        let refused = counters.failed.get("emsgsize").copied().unwrap_or(0);
        assert_eq!(refused, u64::from(TARGETS) - expected, "{counters:#?}");
    }
}

#[test]
fn drops_of_a_queue_are_failures_that_end_a_sweep_which_bounds_them() {
    for family in Family::ALL {
        let lab = behind_shallow_queue();
        let folder = tempfile::tempdir().unwrap();
        let status = folder.path().join("status.csv");
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--tx", "raw", "--rate", "40k"])
            .args(["--timeout", "2s", "--max-send-failures", "10"])
            .args(["--status-file".as_ref(), status.as_os_str()])
            .args([lab.network(family, 22)])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("--max-send-failures"), "{}", run.stderr);
        let rows = std::fs::read(&status).unwrap();
        let mut rows = csv::Reader::from_reader(rows.as_slice());
        let columns = rows.headers().unwrap().clone();
        let column = columns.iter().position(|name| name == "send_failures");
        let row = rows.records().next().unwrap().unwrap();
        let failures: u64 = row[column.unwrap()].parse().unwrap();
        let dropped = run.counters().unwrap().dropped_after_stamp;
        assert!((11..=dropped).contains(&failures), "{failures} {dropped}");
    }
}
