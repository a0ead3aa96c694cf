//! How often, how long, and what Ctrl-C does.

use std::time::Duration;

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::{Forger, Probe, repeat_while},
};

use crate::SOON;

#[test]
fn an_interval_is_kept() {
    let lab = Lab::chain(0).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--count", "50", "--interval", "20ms", "--replies"];
        let probe = || Probe::ping(lab.vantage()).args(arguments).to(target);
        // A late probe does not move those behind it: no drift.
        let interval = Duration::from_millis(20);
        let is_kept = |between: Duration| between.abs_diff(interval) < interval / 20;
        let (between, _) = repeat_while(
            |&(between, held_up)| !is_kept(between) && held_up > Duration::ZERO,
            |_| {
                let run = probe().run().unwrap();
                let replies = run.replies().unwrap();
                let sent: Vec<u64> = replies.iter().map(|reply| reply.tx_ns.unwrap()).collect();
                assert_eq!(sent.len(), 50);
                let between = Duration::from_nanos((sent[49] - sent[0]) / 49);
                (between, run.ping().unwrap().held_up())
            },
        );
        assert!(is_kept(between), "{between:?}");
    }
}

#[test]
fn short_intervals_are_kept_as_far_as_the_host_can() {
    let lab = Lab::chain(0).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let lasts = |interval: &str| {
        let arguments = ["--count", "5000", "--interval", interval, "--replies"];
        let probe = Probe::ping(lab.vantage()).args(arguments);
        let run = probe.to(target).run().unwrap();
        let replies = run.replies().unwrap();
        let sent = replies.iter().map(|reply| reply.tx_ns.unwrap());
        let lasted = Duration::from_nanos(sent.clone().max().unwrap() - sent.min().unwrap());
        (lasted, run.ping().unwrap().held_up())
    };
    for (interval, planned_ms) in [("20us", 100), ("100us", 500), ("500us", 2500)] {
        let is_kept = |lasted: Duration, planned: Duration| lasted < 2 * planned;
        let (lasted, planned, _) = repeat_while(
            |&(lasted, planned, held_up)| !is_kept(lasted, planned) && held_up > Duration::ZERO,
            |_| {
                let (as_fast_as_possible, _) = lasts("0");
                let planned = Duration::from_millis(planned_ms).max(as_fast_as_possible);
                let (lasted, held_up) = lasts(interval);
                (lasted, planned, held_up)
            },
        );
        assert!(
            is_kept(lasted, planned),
            "{interval}: {lasted:?}, not {planned:?}"
        );
    }
}

#[test]
fn rounds_are_numbered_and_every_reply_is_a_whole_line() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--count", "2000", "--interval", "500us", "--replies"];
        let run = Probe::ping(lab.vantage())
            .args(arguments)
            .to(target)
            .run()
            .unwrap();
        let rounds: Vec<u32> = run
            .replies()
            .unwrap()
            .iter()
            .map(|reply| reply.round)
            .collect();
        assert_eq!(rounds, (0..2000).collect::<Vec<_>>());
        assert_eq!(run.records().unwrap().len(), 2001);
    }
}

#[test]
fn ctrl_c_ends_a_continuous_ping_with_its_summary() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(["--interval", "10ms", "--replies"]);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(20).unwrap();
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(
            ping.received >= 20 && ping.received == ping.sent,
            "{ping:?}"
        );
        assert_eq!(run.replies().unwrap().len() as u64, ping.received);
    }
}

/// Waits until that many probes have come to the router: signals are caught before any.
fn wait_for_probes(at: &Forger, count: u32) {
    for _ in 0..count {
        at.next_request().unwrap();
    }
}

#[test]
fn ctrl_c_before_any_reply_is_exit_code_1() {
    let lab = Lab::chain(1).build().unwrap();
    lab.silence("r1").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "r1").unwrap();
        let probe = Probe::ping(lab.vantage())
            .args(["--interval", "10ms"])
            .args(SOON);
        let router = Forger::at(lab.node("r1").unwrap(), "vantage").unwrap();
        let running = probe.to(target).start().unwrap();
        wait_for_probes(&router, 10);
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(
            ping.sent >= 10 && ping.received == 0 && ping.loss.unanswered == ping.sent,
            "{ping:?}"
        );
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_timeout() {
    let lab = Lab::chain(1).build().unwrap();
    lab.silence("r1").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "r1").unwrap();
        let probe = Probe::ping(lab.vantage()).args(["--timeout", "1h", "--interval", "10ms"]);
        let router = Forger::at(lab.node("r1").unwrap(), "vantage").unwrap();
        let running = probe.to(target).start().unwrap();
        wait_for_probes(&router, 10);
        let run = running.insist(Signal::SIGINT).unwrap();
        let ping = run.ping().unwrap();
        assert_eq!((run.code, ping.received), (Some(1), 0), "{}", run.stderr);
    }
}

#[test]
fn a_summary_for_people_has_percentiles() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::people(lab.vantage(), "ping").args(crate::TEN);
        let text = probe.to(target).run().unwrap().stdout;
        assert_eq!(text.matches("seq=").count(), 10, "{text}");
        for word in ["10 sent", "10 received", "p50", "p99.9", "jitter"] {
            assert!(text.contains(word), "{word} is not in: {text}");
        }
    }
}
