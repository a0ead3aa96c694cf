//! Wires that lose, double and hold back.

use std::time::Duration;

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::Probe,
};

use crate::{PROTOCOLS, SOON, TEN};

fn lab(wire: Wire) -> Lab {
    Lab::chain(1).wire("r1", "target", wire).build().unwrap()
}

#[test]
fn what_a_wire_loses_is_unanswered_and_all_of_it() {
    let lab = lab(Wire::delay(Duration::ZERO).loss(0.3).seed(7));
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let arguments = ["--count", "200", "--interval", "2ms", protocol];
            let probe = Probe::ping(lab.vantage()).args(arguments).args(SOON);
            let run = probe.to(target).run().unwrap();
            let ping = run.ping().unwrap();
            // About half come back: 0.7 × 0.7.
            assert!(
                (50..150).contains(&ping.received),
                "{protocol} {family}: {ping:?}"
            );
            assert_eq!(ping.sent, 200);
            assert_eq!(ping.loss.unanswered, 200 - ping.received);
            assert_eq!(ping.rtt_ns.unwrap().count, ping.received);
            // A wire that was held up may bring some too late.
            let counters = run.counters().unwrap();
            let lost = counters.unanswered + counters.late_only;
            assert_eq!(lost, ping.loss.unanswered);
        }
    }
}

#[test]
fn a_wire_that_loses_all_is_exit_code_1() {
    let lab = lab(Wire::delay(Duration::ZERO).loss(1.0));
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(TEN).args(SOON);
        let run = probe.to(target).run().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!(
            (run.code, ping.received, ping.loss.ratio),
            (Some(1), 0, Some(1.0))
        );
    }
}

#[test]
fn what_a_wire_doubles_is_duplicate_and_in_no_histogram() {
    let lab = lab(Wire::delay(Duration::ZERO).duplicates(1.0));
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(TEN).args(["--replies"]);
        let run = probe.to(target).run().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!((ping.sent, ping.received), (10, 10), "{family}");
        assert_eq!(ping.rtt_ns.unwrap().count, 10);
        // Both ways double: four replies to each probe; the last may come too late.
        assert!((27..=30).contains(&ping.duplicates), "{ping:?}");
        let replies = run.replies().unwrap();
        let doubled = replies.iter().filter(|reply| reply.duplicate).count();
        assert_eq!(doubled as u64, ping.duplicates);
        assert_eq!(run.counters().unwrap().duplicate, ping.duplicates);
    }
}

#[test]
fn replies_after_the_timeout_are_late_and_in_no_histogram() {
    let lab = lab(Wire::delay(Duration::from_millis(100)));
    let families = [Family::V4, Family::V6, Family::V4];
    for (protocol, family) in PROTOCOLS.into_iter().zip(families) {
        let target = lab.address(family, "target").unwrap();
        // The last replies are still waited for by nobody: those are not seen.
        let arguments = ["--count", "50", "--interval", "20ms", "--timeout", "50ms"];
        let probe = Probe::ping(lab.vantage())
            .args(arguments)
            .args([protocol, "--replies"]);
        let run = probe.to(target).run().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!(
            (run.code, ping.received),
            (Some(1), 0),
            "{protocol}: {ping:?}"
        );
        assert!(ping.rtt_ns.is_none());
        assert!(ping.late > 10, "{protocol}: {ping:?}");
        assert_eq!(ping.loss.unanswered, 50);
        let counters = run.counters().unwrap();
        assert_eq!((counters.valid, counters.late), (0, ping.late));
        let late =
            |reply: &probe_tests::probe::Reply| reply.late && reply.rtt_ns.unwrap() >= 200_000_000;
        assert!(run.replies().unwrap().iter().all(late), "{protocol}");
    }
}

#[test]
fn a_slow_wire_is_measured_as_slow() {
    let delay = Duration::from_millis(25);
    let lab = lab(Wire::delay(delay));
    for (protocol, family) in PROTOCOLS
        .into_iter()
        .zip([Family::V6, Family::V4, Family::V6])
    {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(TEN).args([protocol]);
        let ping = probe.to(target).run().unwrap().ping().unwrap();
        assert_eq!(ping.received, 10);
        assert!(ping.rtt_ns.unwrap().shortest() >= 2 * delay, "{ping:?}");
    }
}
