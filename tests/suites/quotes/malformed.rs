//! Packets that lie: each is counted under its reason, and the host gets it as it came.

use std::{collections::BTreeMap, time::Duration};

use nix::sys::signal::Signal;
use probe_tests::{
    corpus::THEMES,
    lab::{Family, Lab},
    probe::{Forger, Probe, Witness},
};

use crate::RECEIVERS;

/// Longer than the wire takes.
const A_WHILE: Duration = Duration::from_millis(700);

/// The frames of the corpus that are malformed for any run: those of ICMP, by their
/// reasons; segments and datagrams must be to a port of the run.
fn malformed(family: Family) -> Vec<(String, Vec<u8>)> {
    let is_icmp = |frame: &[u8]| match family {
        Family::V4 => frame[12..14] == [0x08, 0x00] && frame[23] == 1,
        Family::V6 => frame[12..14] == [0x86, 0xdd] && frame[20] == 58,
    };
    let mut found = Vec::new();
    for theme in THEMES {
        for case in theme.read().unwrap() {
            for sample in case.samples() {
                if let Some(reason) = sample.verdict.strip_prefix("malformed_")
                    && is_icmp(sample.octets)
                {
                    found.push((reason.to_owned(), sample.octets.to_vec()));
                }
            }
        }
    }
    found
}

#[test]
fn each_is_counted_under_its_reason_and_passed_on_untouched() {
    for rx in RECEIVERS {
        for family in Family::ALL {
            let lab = Lab::chain(0).build().unwrap();
            let target = lab.address(family, "target").unwrap();
            let endless = ["--interval", "20ms", "--replies", "--rx", rx];
            let probe = Probe::ping(lab.vantage()).args(endless);
            let mut running = probe.to(target).start().unwrap();
            running.wait_for_lines(1).unwrap();
            let witness = Witness::behind(lab.vantage(), "target", family).unwrap();
            let forger = Forger::at(lab.target(), "vantage").unwrap();
            let mut expected = BTreeMap::<String, u64>::new();
            let sent = malformed(family);
            for (reason, frame) in &sent {
                forger.send_frame(frame);
                *expected.entry(reason.clone()).or_default() += 1;
            }
            let taken = witness.frames(A_WHILE).unwrap();
            for (reason, frame) in &sent {
                assert!(taken.contains(frame), "{rx} {reason}: {frame:02x?}");
            }
            running.signal(Signal::SIGINT).unwrap();
            let run = running.wait().unwrap();
            let mut counted = run.counters().unwrap().malformed.clone();
            counted.retain(|_, count| *count > 0);
            println!("{family} {rx}: {counted:?}");
            assert_eq!(counted, expected, "{rx}");
            assert!(expected.len() >= 3, "{expected:?}");
            let ping = run.ping().unwrap();
            assert_eq!((run.code, ping.loss.unanswered), (Some(0), 0));
        }
    }
}
