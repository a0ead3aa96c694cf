//! Interrupted, and gone on with.

use std::{
    collections::BTreeSet,
    fs,
    net::IpAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use probe_common::lab::{Answer, Internet, Request};
use probe_tests::{
    lab::{Family, InternetLab, Lab, Namespace, truth},
    probe::Probe,
};
use serde_json::Value;

use crate::generator::targets;

/// Runs a sweep until some records are written, ends it by `signal`, goes on, and
/// gives the records of all.
fn interrupted(vantage: &Namespace, target: &str, signal: Signal) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.jsonl");
    let running = Probe::sweep(vantage)
        .args(["--rate", "500", "--probes", "2000", "--max-ttl", "2"])
        .args(["--round-interval", "0", "--timeout", "200ms", "--output"])
        .args([&output])
        .args([target])
        .start()
        .unwrap();
    let checkpoint = folder.path().join("out.jsonl.checkpoint");
    wait_until_some_is_done(&checkpoint);
    running.signal(signal).unwrap();
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
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap().to_string();
        let records = interrupted(lab.vantage(), &target, Signal::SIGINT);
        assert_complete(&records);
        assert_eq!(records.len(), 4_000);
    }
}

#[test]
fn nothing_is_skipped_after_a_kill_and_what_is_repeated_is_marked() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap().to_string();
        let records = interrupted(lab.vantage(), &target, Signal::SIGKILL);
        assert_complete(&records);
    }
}

/// The targets that answer echo requests.
pub(crate) fn live(lab: &InternetLab, targets: &[IpAddr]) -> BTreeSet<IpAddr> {
    let answers = |target: &&IpAddr| {
        let flow = truth::Flow {
            source: lab.source(family_of(**target)),
            target: **target,
            request: Request::Echo,
            ports: [0, 0],
        };
        let answer = flow.answer(lab.truth(), 64);
        matches!(answer, Answer::Reply(reply) if truth::unmapped(reply.responder) == **target)
    };
    targets.iter().filter(answers).copied().collect()
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    }
}

/// The targets whose echo replies are recorded.
pub(crate) fn recorded(output: &Path) -> BTreeSet<IpAddr> {
    let text = fs::read_to_string(output).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let replies = records.filter(|record| record["kind"] == "echo-reply");
    replies
        .map(|record| record["target"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// Puts a queue before the wire that takes anything, and lets so much through.
fn hold_back(vantage: &Namespace, verb: &str, rate: &str) {
    let words = ["qdisc", verb, "dev", InternetLab::DEVICE, "root", "tbf"];
    let limits = ["rate", rate, "burst", "20kb", "limit", "100mb"];
    vantage.run("tc", &[&words[..], &limits].concat()).unwrap();
}

/// Waits until the queue has not grown for half a second: the sender's buffer is full.
fn wait_until_stuck(vantage: &Namespace) {
    let (mut now, mut equal) = (0, 0);
    while equal < 5 {
        thread::sleep(Duration::from_millis(100));
        let device = ["-s", "qdisc", "show", "dev", InternetLab::DEVICE];
        let text = vantage.run("tc", &device).unwrap();
        let (_, backlog) = text.split_once("backlog ").unwrap();
        let packets = backlog.split([' ', '\n']).nth(1).unwrap();
        let before = now;
        now = packets.trim_end_matches('p').parse().unwrap();
        equal = if now > 1_000 && now == before {
            equal + 1
        } else {
            0
        };
    }
}

/// Whether a process has a thread that sends.
fn is_sending(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let names = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")));
    let mut names = names.map(Result::unwrap_or_default);
    names.any(|name| name.starts_with("probe-tx"))
}

#[test]
fn probes_that_were_given_up_are_sent_after_all() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    for family in Family::ALL {
        assert_sent_after_all(&lab, family);
    }
}

fn assert_sent_after_all(lab: &InternetLab, family: Family) {
    let targets = targets(lab, family, 30_000);
    let folder = tempfile::tempdir().unwrap();
    let (list, output) = (folder.path().join("list"), folder.path().join("out.jsonl"));
    let checkpoint = folder.path().join("out.jsonl.checkpoint");
    let lines: String = targets.iter().map(|target| format!("{target}\n")).collect();
    fs::write(&list, lines).unwrap();
    hold_back(lab.vantage(), "add", "8kbit");
    let mut running = Probe::sweep(lab.vantage())
        .args(["--ping", "--rate", "50k", "--timeout", "2s", "--targets"])
        .args([&list])
        .args(["--output"])
        .args([&output])
        .start()
        .unwrap();
    wait_until_stuck(lab.vantage());
    running.signal(Signal::SIGINT).unwrap();
    running
        .wait_until("end of sending", |run| Ok(!is_sending(run.id())))
        .unwrap();
    // What was sent arrives in time.
    hold_back(lab.vantage(), "change", "20mbit");
    let run = running.wait().unwrap();
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    let counters = run.counters().unwrap();
    assert!(counters.skipped["stopped"] > 0, "{counters:#?}");
    assert!(counters.sent > 1_000 && counters.valid > 0, "{counters:#?}");
    lab.vantage()
        .run("tc", &["qdisc", "del", "dev", InternetLab::DEVICE, "root"])
        .unwrap();
    let run = Probe::people(lab.vantage(), "sweep")
        .args(["--quiet", "--resume"])
        .args([&checkpoint])
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let (found, expected) = (recorded(&output), live(lab, &targets));
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(
        missing.is_empty(),
        "{} of {}",
        missing.len(),
        expected.len()
    );
    assert_eq!(found.len(), expected.len());
}

/// Waits until a checkpoint says that paths are done for good.
pub(crate) fn wait_until_some_is_done(checkpoint: &Path) {
    let started = Instant::now();
    let is_begun = || {
        let saved: Value = serde_json::from_slice(&fs::read(checkpoint).ok()?).ok()?;
        saved["cursor"].as_u64().filter(|cursor| *cursor > 0)
    };
    while is_begun().is_none() {
        assert!(started.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(20));
    }
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
    wait_until_some_is_done(&checkpoint);
    running.signal(Signal::SIGINT).unwrap();
    assert_eq!(running.wait().unwrap().code, Some(130));
    fs::write(&list, format!("{target}\n10.9.9.9\n")).unwrap();
    let resume = |file: &Path| {
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

/// A sweep of 400 probes to each of two hops, for people, from a folder of its own.
fn of_two_hops<'a>(vantage: &'a Namespace, folder: &Path, target: IpAddr) -> Probe<'a> {
    Probe::people(vantage, "sweep")
        .through(["env", "-C", folder.to_str().unwrap()])
        .args(["--allow-private", "--probing", "full", "--max-ttl", "2"])
        .args(["--rate", "1000", "--probes", "400", "--round-interval", "0"])
        .args(["--timeout", "200ms", "-o", "out"])
        .to(target)
}

fn resume_from_elsewhere<'a>(vantage: &'a Namespace, checkpoint: &Path) -> Probe<'a> {
    let probe = Probe::people(vantage, "sweep").through(["env", "-C", "/"]);
    probe.args(["--resume"]).args([checkpoint])
}

#[test]
fn an_output_that_lost_something_is_refused_and_a_whole_one_found_from_anywhere() {
    let lab = Lab::chain(1).build().unwrap();
    for (family, format) in [(Family::V4, "jsonl"), (Family::V6, "parquet")] {
        let target = lab.address(family, "target").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (output, away) = (folder.join("out"), folder.join("away"));
        let checkpoint = folder.join("out.checkpoint");
        let run = of_two_hops(lab.vantage(), folder, target)
            .args(["--format", format, "--max-probes", "300"])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let hint = "go on with: probe sweep --resume out.checkpoint";
        assert!(run.stderr.contains(hint), "{}", run.stderr);
        fs::rename(&output, &away).unwrap();
        let refused = |why: &str| {
            let run = resume_from_elsewhere(lab.vantage(), &checkpoint)
                .run()
                .unwrap();
            assert_eq!(run.code, Some(2), "{}", run.stderr);
            assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
            assert!(run.stderr.contains(why), "{}", run.stderr);
            assert!(checkpoint.exists());
        };
        refused("No such file");
        if format == "jsonl" {
            fs::write(&output, "").unwrap();
            refused("it has 0 octets");
            fs::remove_file(&output).unwrap();
        } else {
            fs::create_dir(&output).unwrap();
            refused("it has 0 parts of 1");
            fs::remove_dir(&output).unwrap();
        }
        fs::rename(&away, &output).unwrap();
        let run = resume_from_elsewhere(lab.vantage(), &checkpoint)
            .args(["--max-probes", "100000"])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.counters().unwrap().sent, 500);
        assert!(!run.stderr.contains("go on with"), "{}", run.stderr);
        assert!(!checkpoint.exists());
        if format == "jsonl" {
            let text = fs::read_to_string(&output).unwrap();
            assert_eq!(text.lines().count(), 800);
        } else {
            assert_eq!(fs::read_dir(&output).unwrap().count(), 2);
        }
    }
}

#[test]
fn a_lower_rate_stays_in_force() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("out.checkpoint");
        let run = of_two_hops(lab.vantage(), folder.path(), target)
            .args(["--max-probes", "300"])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let resume = |options: &[&str]| {
            let probe = resume_from_elsewhere(lab.vantage(), &checkpoint);
            let run = probe.args(options).run().unwrap();
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let metadata = run.metadata().unwrap();
            let counters = run.counters().unwrap();
            (
                metadata.sweep.as_ref().unwrap().rate.unwrap(),
                counters.sent,
            )
        };
        assert_eq!(
            resume(&["--rate", "200", "--max-probes", "100"]),
            (200, 100)
        );
        assert_eq!(resume(&[]), (200, 100));
        assert_eq!(resume(&["--max-probes", "1000"]), (200, 300));
        assert!(!checkpoint.exists());
    }
}

#[test]
fn a_sweep_that_filled_the_disk_says_what_it_lost_and_how_to_go_on() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("out.checkpoint");
        // Files of at most 64 KiB, and an error instead of a signal.
        let limited = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
        let run = of_two_hops(lab.vantage(), folder.path(), target)
            .through(["bash", "-c", limited, "bash"])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        let unwritten = run.counters().unwrap().unwritten;
        let lost = format!("lost here: {unwritten} not written");
        assert!(
            unwritten > 0 && run.stderr.contains(&lost),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("--resume out.checkpoint"),
            "{}",
            run.stderr
        );
        let run = resume_from_elsewhere(lab.vantage(), &checkpoint)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let text = fs::read_to_string(folder.path().join("out")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut seen = vec![0; 800];
        for record in records.collect::<Vec<Value>>() {
            let (ttl, round) = (&record["ttl"], &record["round"]);
            seen[((ttl.as_u64().unwrap() - 1) * 400 + round.as_u64().unwrap()) as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count >= 1), "a probe was skipped");
    }
}
