//! Very many targets at once: what is kept of each is less, and still right.

use std::{collections::HashMap, net::IpAddr};

use probe_common::lab::{Count, Internet};
use probe_tests::{
    lab::{InternetLab, truth},
    probe::Probe,
};

/// More than are looked up and counted each as if it were alone.
const TARGETS: u32 = 2_000;
const ROUNDS: u64 = 30;

#[test]
fn percentiles_of_very_many_targets_are_those_of_their_replies_to_three_percent() {
    let internet = Internet {
        dead: 200,
        ..Internet::DEFAULT
    };
    let lab = InternetLab::build(internet).unwrap();
    // Half of each IP version.
    let half = TARGETS as usize / 2;
    let targets: String = truth::targets_v4(&internet, TARGETS)
        .map(IpAddr::from)
        .take(half)
        .chain(
            truth::targets_v6(&internet, TARGETS)
                .map(IpAddr::from)
                .take(half),
        )
        .map(|target| format!("{target}\n"))
        .collect();
    let rounds = ROUNDS.to_string();
    let run = Probe::ping(lab.vantage())
        .args(["--count", &rounds, "--interval", "100ms", "--timeout", "1s"])
        .args(["--replies", "--targets", "-"])
        .input(&targets)
        .run()
        .unwrap();
    let mut times: HashMap<IpAddr, Vec<u64>> = HashMap::new();
    for reply in run.replies().unwrap() {
        let valid = !reply.late && !reply.duplicate;
        times
            .entry(reply.target)
            .or_default()
            .extend(reply.rtt_ns.filter(|_| valid));
    }
    let pings = run.pings().unwrap();
    assert_eq!(pings.len(), TARGETS as usize);
    assert_eq!(run.code, Some(1), "there are dead targets: {}", run.stderr);
    let came = lab.traffic().unwrap().get(Count::Probes);
    assert_eq!(came, u64::from(TARGETS) * ROUNDS);
    for ping in pings {
        let mut times = times.remove(&ping.target).unwrap_or_default();
        times.sort_unstable();
        assert_eq!((ping.sent, ping.received), (ROUNDS, times.len() as u64));
        let Some(rtt) = ping.rtt_ns else {
            assert!(times.is_empty());
            continue;
        };
        let ends = (times.first().copied(), times.last().copied());
        assert_eq!((Some(rtt.min), Some(rtt.max)), ends);
        for (share, got) in [(0.5, rtt.p50), (0.9, rtt.p90), (0.99, rtt.p99)] {
            let exact = times[((share * times.len() as f64).ceil() as usize).max(1) - 1];
            assert!(
                got.abs_diff(exact) <= exact * 3 / 100 + 1,
                "{}: {got} for {exact} of {times:?}",
                ping.target
            );
        }
    }
}
