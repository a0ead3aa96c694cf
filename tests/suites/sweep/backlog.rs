//! Records that come faster than they are taken.

use std::path::Path;

use nix::sys::signal::Signal;
use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Run},
};

use crate::status::column;

/// Records in line above which others are dropped, if that is asked for.
const MOST_IN_LINE: u64 = 1 << 20;

/// A sweep at full speed whose records nobody reads, ended once the line of those that
/// wait is full.
fn unread(family: Family, extra: &[&str], is_full: fn(&Path) -> bool) -> Run {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let status = tempfile::NamedTempFile::new().unwrap();
    let mut running = Probe::sweep(lab.vantage())
        .args([&lab.network(family, 22), "--rate", "max", "--max-ttl", "20"])
        // The generator waits for its rings too.
        .args(["--tx", "raw"])
        .args(["--timeout", "200ms", "--status-file"])
        .args([status.path()])
        .args(extra)
        .piped()
        .start()
        .unwrap();
    // Open to the end, and never read.
    let _pipe = running.take_stdout().unwrap();
    running
        .wait_until("line that is full", |_| Ok(is_full(status.path())))
        .unwrap();
    let run = running.insist(Signal::SIGINT).unwrap();
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    run
}

fn waits(run: &Run) -> u64 {
    run.metadata()
        .unwrap()
        .sweep
        .as_ref()
        .unwrap()
        .backlog_waits
}

#[test]
fn sending_waits_for_records_that_nobody_takes() {
    let is_full = |status: &Path| column(status, "backlog_waits").last() > Some(&0);
    let run = unread(Family::V4, &[], is_full);
    assert_eq!(run.counters().unwrap().backlog, 0);
    assert!(waits(&run) > 0);
}

#[test]
fn records_that_nobody_takes_are_dropped_and_counted_if_asked_for() {
    // More came when the line was full.
    let is_full = |status: &Path| {
        let waiting = column(status, "waiting");
        let first = waiting.iter().position(|waiting| *waiting > MOST_IN_LINE);
        let answered = column(status, "answered");
        first.is_some_and(|first| answered.last() > answered.get(first))
    };
    let run = unread(Family::V6, &["--on-backlog", "drop"], is_full);
    let counters = run.counters().unwrap();
    assert!(counters.backlog > 0, "{counters:#?}");
    assert_eq!(waits(&run), 0);
}
