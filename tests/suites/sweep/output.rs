//! What is written, where, and in which form.

use std::{collections::BTreeSet, fs, path::Path};

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run},
};
use serde_json::Value;

use crate::SOON;

/// Two routers and the target, all TTLs once.
const PROBES: [&str; 4] = ["--max-ttl", "3", "--rate", "1k"];

fn sweep(lab: &Lab, family: Family, extra: &[&str]) -> Run {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::sweep(lab.vantage()).args(PROBES).args(SOON);
    let run = probe.args(extra).to(target).run().unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn csv_has_a_header_and_a_row_for_each_reply() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let run = sweep(&lab, family, &["--format", "csv"]);
        let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
        let header = reader.headers().unwrap().clone();
        let kind = header.iter().position(|name| name == "kind").unwrap();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let kinds: BTreeSet<_> = rows.iter().map(|row| row[kind].to_owned()).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(
            kinds,
            ["echo-reply", "time-exceeded"].map(String::from).into()
        );
    }
}

#[test]
fn parquet_is_a_folder_of_whole_files() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("sweep.parquet");
        let name = output.to_str().unwrap();
        let run = sweep(&lab, family, &["--format", "parquet", "--output", name]);
        assert_eq!(run.counters().unwrap().recorded, 3);
        let parts: Vec<_> = fs::read_dir(&output).unwrap().map(Result::unwrap).collect();
        assert_eq!(parts.len(), 1);
        let octets = fs::read(parts[0].path()).unwrap();
        // The format's magic number, at both ends.
        assert!(octets.starts_with(b"PAR1") && octets.ends_with(b"PAR1"));
        assert!(!output.with_extension("parquet.checkpoint").exists());
    }
}

#[test]
fn only_the_kinds_that_were_asked_for_are_written() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let run = sweep(&lab, family, &["--select", "time-exceeded"]);
        let counters = run.counters().unwrap();
        assert_eq!((counters.recorded, counters.filtered), (2, 1));
        let replies = run.replies().unwrap();
        assert!(replies.iter().all(|reply| reply.kind == "time-exceeded"));
    }
}

#[test]
fn paths_are_one_record_for_each_target() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let run = sweep(&lab, family, &["--paths"]);
        let records = run.records().unwrap();
        assert_eq!(records.len(), 1, "{}", run.stdout);
        assert_eq!(records[0]["stop"], "target");
        let hops = records[0]["hops"].as_array().unwrap();
        let found: Vec<_> = hops
            .iter()
            .map(|hop| hop["responder"].as_str().unwrap())
            .collect();
        let path = lab.path(family).unwrap().addresses().unwrap();
        let expected: Vec<_> = path.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn routers_and_seconds_have_files_of_their_own() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let folder = tempfile::tempdir().unwrap();
        let (routers, status) = (folder.path().join("routers"), folder.path().join("status"));
        sweep(
            &lab,
            family,
            &[
                "--probes",
                "3",
                "--responders",
                routers.to_str().unwrap(),
                "--status-file",
                status.to_str().unwrap(),
            ],
        );
        let text_of_routers = text(&routers);
        let lines = text_of_routers.lines();
        let records: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(records.len(), 2);
        assert!(records.iter().all(|record| record["replies"] == 3));
        let rows = text(&status);
        let columns: BTreeSet<_> = rows.lines().map(|row| row.split(',').count()).collect();
        assert!(
            rows.starts_with("elapsed_s,") && columns.len() == 1,
            "{rows}"
        );
        // Three rounds begin a second apart.
        assert!(rows.lines().count() >= 3, "{rows}");
    }
}

#[test]
fn a_dry_run_says_how_much_and_sends_nothing() {
    let lab = Lab::chain(2).build().unwrap();
    for (tx, sender) in [("raw", "sockets"), ("xdp", "the kernel's generator")] {
        let arguments = ["--dry-run", "--tx", tx, "10.0.0.0/16"];
        let run = sweep(&lab, Family::V4, &arguments);
        assert!(run.stdout.contains("196,6"), "{}", run.stdout);
        let told = format!("sender: {sender}, 1 processor\n");
        assert!(run.stdout.contains(&told), "{}", run.stdout);
        assert!(run.metadata().is_err());
    }
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_sent() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    for (option, value) in [
        ("--output", "/nonexistent/out"),
        ("--status-file", "/nonexistent/status"),
        ("--checkpoint", "/nonexistent/checkpoint"),
        ("--responders", "/nonexistent/responders"),
        ("--select", "nonsense"),
    ] {
        let probe = Probe::sweep(lab.vantage()).args([option, value]);
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(2), "{option}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{option}: {}", run.stderr);
        assert!(run.stderr.contains(value), "{option}: {}", run.stderr);
    }
}
