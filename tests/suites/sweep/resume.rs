//! Interrupted, and gone on with.

use std::fs;

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab, Namespace},
    probe::Probe,
};
use serde_json::Value;

/// Runs a sweep until some records are written, ends it by `signal`, goes on, and
/// gives the records of all.
fn interrupted(vantage: &Namespace, target: &str, signal: Signal) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.jsonl");
    let running = Probe::sweep(vantage)
        .args(["--rate", "1000", "--probes", "2000", "--max-ttl", "2"])
        .args(["--round-interval", "0", "--timeout", "200ms", "--output"])
        .args([&output])
        .args([target])
        .start()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2_200));
    running.signal(signal).unwrap();
    let checkpoint = folder.path().join("out.jsonl.checkpoint");
    if signal == Signal::SIGKILL {
        drop(running);
        // A torn line, as a power cut leaves it behind.
        let mut text = fs::read_to_string(&output).unwrap();
        text.push_str("{\"target\":\"10.");
        fs::write(&output, text).unwrap();
    } else {
        assert_eq!(running.wait().unwrap().code, Some(130));
    }
    let run = Probe::people(vantage, "sweep")
        .args(["--quiet", "--resume"])
        .args([&checkpoint])
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!checkpoint.exists());
    let text = fs::read_to_string(&output).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    records.collect()
}

fn assert_complete(records: &[Value]) {
    let mut seen = vec![0u32; 4_000];
    for record in records {
        let (ttl, round) = (&record["ttl"], &record["round"]);
        let place = (ttl.as_u64().unwrap() - 1) * 2_000 + round.as_u64().unwrap();
        seen[place as usize] += 1;
    }
    assert!(seen.iter().all(|count| *count >= 1), "a probe was skipped");
    let again = |record: &&Value| record.get("again") == Some(&Value::Bool(true));
    let repeated: u64 = seen.iter().map(|count| u64::from(count - 1)).sum();
    let marked = records.iter().filter(again).count() as u64;
    assert!(repeated <= marked, "{repeated} repeated, {marked} marked");
}

#[test]
fn nothing_is_skipped_after_a_signal_and_nothing_repeated() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap().to_string();
    let records = interrupted(lab.vantage(), &target, Signal::SIGINT);
    assert_complete(&records);
    assert_eq!(records.len(), 4_000);
}

#[test]
fn nothing_is_skipped_after_a_kill_and_what_is_repeated_is_marked() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap().to_string();
    let records = interrupted(lab.vantage(), &target, Signal::SIGKILL);
    assert_complete(&records);
}

#[test]
fn another_plan_is_refused() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (list, checkpoint) = (folder.path().join("list"), folder.path().join("checkpoint"));
    fs::write(&list, format!("{target}\n")).unwrap();
    let running = Probe::sweep(lab.vantage())
        .args([
            "--rate",
            "100",
            "--probes",
            "1000",
            "--max-ttl",
            "2",
            "--targets",
        ])
        .args([&list])
        .args(["--checkpoint"])
        .args([&checkpoint])
        .start()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal(Signal::SIGINT).unwrap();
    assert_eq!(running.wait().unwrap().code, Some(130));
    fs::write(&list, format!("{target}\n10.9.9.9\n")).unwrap();
    let resume = |file: &std::path::Path| {
        let probe = Probe::people(lab.vantage(), "sweep").args(["--resume"]);
        probe.args([file]).run().unwrap()
    };
    let run = resume(&checkpoint);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("not the one"), "{}", run.stderr);
    fs::write(&checkpoint, "{\"schema\":1").unwrap();
    let run = resume(&checkpoint);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}
