//! What a run of months comes to: numbers that begin again.

use std::{collections::BTreeSet, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::Probe,
};

use crate::{PROTOCOLS, SOON};

/// Its first probe is the hundredth before the four billionth.
const FIRST: u32 = u32::MAX - 99;

#[test]
fn after_four_billion_probes_it_goes_on() {
    let wire = Wire::delay(Duration::ZERO).loss(0.1).seed(3);
    let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let target = lab.address(family, "target").unwrap();
            let first = FIRST.to_string();
            let arguments = ["--count", "400", "--interval", "5ms", "--replies", protocol];
            let probe = Probe::ping(lab.vantage()).args(arguments).args(SOON);
            let run = probe
                .args(["--first-round", &first])
                .to(target)
                .run()
                .unwrap();
            let ping = run.ping().unwrap();
            let replies = run.replies().unwrap();
            let in_time = replies.iter().filter(|reply| !reply.late);
            let answered: BTreeSet<u32> = in_time.map(|reply| reply.round).collect();
            assert_eq!(answered.len() as u64, ping.received, "{protocol}");
            let outcomes: Vec<bool> = (0..400u32)
                .map(|n| answered.contains(&FIRST.wrapping_add(n)))
                .collect();
            let lost = outcomes.iter().filter(|answered| !**answered).count() as u64;
            assert_eq!((ping.sent, ping.loss.unanswered), (400, lost), "{protocol}");
            let runs = outcomes.chunk_by(|a, b| a == b);
            let bursts = runs.filter(|run| !run[0]).count() as u64;
            assert_eq!(ping.bursts.unwrap().count, bursts, "{protocol}");
            assert_eq!(ping.reordered.count, 0, "{protocol}");
        }
    }
}

/// A target has 65,535 sequence numbers: each is used twice.
#[test]
fn after_all_sequence_numbers_it_begins_with_the_first() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    let arguments = ["--count", "140000", "--interval", "40us"];
    let probe = Probe::ping(lab.vantage()).args(arguments).args(SOON);
    let run = probe.to(target).run().unwrap();
    let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
    assert_eq!(counters.planned, 140_000);
    assert_eq!(counters.skipped.values().sum::<u64>(), 0, "{counters:#?}");
    // What a queue of this machine drops, nothing else.
    assert_eq!(
        (counters.stale, counters.bad_nonce, counters.foreign),
        (0, 0, 0)
    );
    assert_eq!(ping.received + ping.loss.by_us, counters.valid);
    assert!(ping.received > 135_000, "{ping:?}");
}
