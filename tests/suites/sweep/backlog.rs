//! Records that come faster than they are taken.

use std::{fs, path::Path, thread, time::Duration};

use nix::sys::signal::Signal;
use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Run},
};

/// Seconds in which the line must have filled up.
const PATIENCE: usize = 30;

/// A sweep at full speed whose records nobody reads, ended once the line of those that
/// wait is full.
fn unread(family: Family, extra: &[&str]) -> Run {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let status = tempfile::NamedTempFile::new().unwrap();
    let mut running = Probe::sweep(lab.vantage())
        .args([&lab.network(family, 22), "--rate", "max", "--max-ttl", "20"])
        .args(["--timeout", "200ms", "--status-file"])
        .args([status.path()])
        .args(extra)
        .piped()
        .start()
        .unwrap();
    // Open to the end, and never read.
    let _pipe = running.take_stdout().unwrap();
    let is_full = |_: &usize| {
        thread::sleep(Duration::from_secs(1));
        matches!(waiting(status.path())[..], [.., before, now] if before == now && now > 0)
    };
    assert!(
        (0..PATIENCE).find(is_full).is_some(),
        "{}",
        fs::read_to_string(status.path()).unwrap()
    );
    running.signal(Signal::SIGINT).unwrap();
    thread::sleep(Duration::from_secs(1));
    running.signal(Signal::SIGINT).unwrap();
    let run = running.wait().unwrap();
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    run
}

/// How many records waited in line, second by second.
fn waiting(status: &Path) -> Vec<u64> {
    let mut reader = csv::Reader::from_path(status).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = header.iter().position(|name| name == "waiting");
    // The file may not have its header yet, or only a part of its last row.
    let rows = reader.records().filter_map(Result::ok);
    rows.filter_map(|row| row.get(column?)?.parse().ok())
        .collect()
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
    let run = unread(Family::V4, &[]);
    assert_eq!(run.counters().unwrap().backlog, 0);
    assert!(waits(&run) > 0);
}

#[test]
fn records_that_nobody_takes_are_dropped_and_counted_if_asked_for() {
    let run = unread(Family::V6, &["--on-backlog", "drop"]);
    let counters = run.counters().unwrap();
    assert!(counters.backlog > 0, "{counters:#?}");
    assert_eq!(waits(&run), 0);
}
