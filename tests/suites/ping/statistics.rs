//! Figures about probes one after another, against the replies themselves.

use std::{collections::BTreeSet, thread, time::Duration};

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::Probe,
};

use crate::SOON;

#[test]
fn bursts_and_interval_are_those_of_the_rounds_that_had_no_reply() {
    for family in Family::ALL {
        let wire = Wire::delay(Duration::ZERO).loss(0.3).seed(11);
        let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--count", "1000", "--interval", "2ms", "--replies"];
        let probe = Probe::ping(lab.vantage()).args(arguments).args(SOON);
        let run = probe.to(target).run().unwrap();
        let ping = run.ping().unwrap();
        let replies = run.replies().unwrap();
        let in_time = replies.iter().filter(|reply| !reply.late);
        let answered: BTreeSet<u32> = in_time.map(|reply| reply.round).collect();
        let lost: Vec<bool> = (0..1000).map(|round| !answered.contains(&round)).collect();
        let runs: Vec<&[bool]> = lost.chunk_by(|a, b| a == b).collect();
        let bursts = runs.iter().filter(|run| run[0]).map(|run| run.len() as u64);
        let got = ping.bursts.unwrap();
        assert_eq!(got.count, bursts.clone().count() as u64);
        assert_eq!(Some(got.longest), bursts.max());
        // Lost on the way there or back: 1 - 0.7 × 0.7, whatever came before.
        // One interval in twenty does not hold that, but it is as good as never as far off as
        // the interval is wide.
        let [low, high] = ping.loss.ci95.unwrap();
        let ratio = ping.loss.ratio.unwrap();
        assert!(low < ratio && ratio < high, "{ping:?}");
        assert!((ratio - 0.51).abs() < high - low, "{ping:?}");
        let (p, r) = (got.p.unwrap(), got.r.unwrap());
        assert!(
            (p - 0.51).abs() < 0.12 && (r - 0.49).abs() < 0.12,
            "{got:?}"
        );
    }
}

#[test]
fn a_stopped_process_is_a_gap_that_is_told() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let arguments = ["--count", "40", "--interval", "50ms", "--replies"];
    let probe = Probe::ping(lab.vantage()).args(arguments);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(10).unwrap();
    running.signal(Signal::SIGSTOP).unwrap();
    thread::sleep(Duration::from_secs(2));
    running.signal(Signal::SIGCONT).unwrap();
    let run = running.wait().unwrap();
    let ping = run.ping().unwrap();
    let omitted = ping.omitted.unwrap();
    let sent = run.replies().unwrap().into_iter().filter_map(|r| r.tx_ns);
    let lasted = sent.clone().max().unwrap() - sent.min().unwrap();
    // All intervals since the first probe, less those that have a probe.
    let intervals = lasted / 50_000_000;
    let without_probe = intervals - 39;
    assert!(
        omitted.probes.abs_diff(without_probe) <= 1,
        "{omitted:?} {without_probe}"
    );
    assert!(
        omitted.probes >= 30 && omitted.longest_ns > 1_500_000_000,
        "{omitted:?}"
    );
    // The kernel's stamps do not wait for the process.
    assert!(
        ping.rtt_ns.unwrap().max < omitted.longest_ns / 10,
        "{ping:?}"
    );
    assert_eq!((ping.sent, ping.received), (40, 40));
}

#[test]
fn each_interval_is_reported_while_the_ping_goes_on() {
    let lab = Lab::chain(1).build().unwrap();
    let targets = [("r1", Family::V4), ("target", Family::V6)]
        .map(|(node, family)| lab.address(family, node).unwrap());
    let arguments = ["--count", "60", "--interval", "50ms"];
    let probe = Probe::ping(lab.vantage()).args(arguments);
    let probe = probe.args(["--report-interval", "500ms"]).to(targets[0]);
    let run = probe.to(targets[1]).run().unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let reports = run.pings().unwrap();
    for target in targets {
        let of_target: Vec<_> = reports
            .iter()
            .filter(|ping| ping.target == target)
            .collect();
        let (last, others) = of_target.split_last().unwrap();
        let intervals: Vec<_> = others.iter().map(|ping| ping.interval.unwrap()).collect();
        assert!((4..=7).contains(&intervals.len()), "{intervals:?}");
        assert!(
            intervals
                .windows(2)
                .all(|pair| pair[0].end_ns == pair[1].begin_ns)
        );
        // All else in a record is of the whole run until then.
        let mut sent = 0;
        for (ping, interval) in others.iter().zip(&intervals) {
            sent += interval.sent;
            assert_eq!(ping.sent, sent);
            let timed = interval.rtt_ns.map_or(0, |rtt| rtt.count);
            assert_eq!(timed, interval.received);
        }
        assert_eq!((last.interval, last.sent, last.received), (None, 60, 60));
    }
}
