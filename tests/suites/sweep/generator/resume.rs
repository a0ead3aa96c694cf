//! Interrupted, and gone on with: nothing is skipped, and nothing left behind.

use std::{
    fs,
    net::IpAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Remains, Run, Running},
};
use serde_json::Value;
use tempfile::TempDir;

use super::{BY_GENERATOR, assert_generated, targets};
use crate::resume::{live, recorded};

const COUNT: u32 = 40_000;

/// A sweep of many targets that is some way through when this returns.
struct Interrupted {
    lab: InternetLab,
    targets: Vec<IpAddr>,
    folder: TempDir,
    running: Option<Running>,
}

impl Interrupted {
    fn start(lanes: &str, family: Family) -> Self {
        let lab = InternetLab::build(Internet::DEFAULT).unwrap();
        let targets = targets(&lab, family, COUNT);
        let folder = tempfile::tempdir().unwrap();
        let lines: String = targets.iter().map(|target| format!("{target}\n")).collect();
        fs::write(folder.path().join("list"), lines).unwrap();
        let running = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "10k", "--timeout", "200ms"])
            .args(["--tx-cores", lanes, "--targets"])
            .args([folder.path().join("list")])
            .args(["--output"])
            .args([folder.path().join("out.jsonl")])
            .args(BY_GENERATOR)
            .start()
            .unwrap();
        let interrupted = Self {
            lab,
            targets,
            folder,
            running: Some(running),
        };
        interrupted.wait_for_records(10_000);
        interrupted
    }

    fn output(&self) -> std::path::PathBuf {
        self.folder.path().join("out.jsonl")
    }

    fn wait_for_records(&self, count: usize) {
        let started = Instant::now();
        while lines(&self.output()) < count {
            assert!(started.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Goes on until all is done.
    fn resume(&self) -> Run {
        let checkpoint = self.folder.path().join("out.jsonl.checkpoint");
        let run = Probe::people(self.lab.vantage(), "sweep")
            .args(["--quiet", "--resume"])
            .args([&checkpoint])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_generated(&run);
        assert!(!checkpoint.exists());
        run
    }

    fn assert_complete(&self) {
        let (found, expected) = (recorded(&self.output()), live(&self.lab, &self.targets));
        let missing = expected.difference(&found).count();
        assert_eq!(missing, 0, "of {}", expected.len());
        assert_eq!(found.len(), expected.len());
    }
}

fn lines(path: &Path) -> usize {
    let text = fs::read(path).unwrap_or_default();
    text.iter().filter(|octet| **octet == b'\n').count()
}

#[test]
fn after_a_signal_nothing_is_skipped_and_nothing_repeated() {
    for (lanes, family) in [("1", Family::V6), ("2", Family::V4)] {
        let mut sweep = Interrupted::start(lanes, family);
        let running = sweep.running.take().unwrap();
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        let before = run.counters().unwrap().planned;
        let after = sweep.resume().counters().unwrap().planned;
        // Lanes end at different places: what one was ahead is sent again.
        let again = before + after - u64::from(COUNT);
        assert!(before < u64::from(COUNT), "{before}");
        assert!(lanes != "1" || again == 0, "{again}");
        sweep.assert_complete();
    }
}

#[test]
fn after_sigkill_nothing_is_left_in_the_kernel_and_nothing_skipped() {
    let mut sweep = Interrupted::start("1", Family::V6);
    let running = sweep.running.take().unwrap();
    let remains = Remains::of(running.id()).unwrap();
    assert!(remains.links.len() >= 4, "{remains:?}");
    running.signal(Signal::SIGKILL).unwrap();
    // A process is gone only when all of its threads are, also those that lend the
    // kernel their processor.
    assert_eq!(running.wait().unwrap().code, None);
    remains.wait_until_gone().unwrap();
    let device = ["-d", "-o", "link", "show", "dev", InternetLab::DEVICE];
    let device = sweep.lab.vantage().run("ip", &device).unwrap();
    assert!(!device.contains("xdp"), "{device}");
    sweep.resume();
    sweep.assert_complete();
    let text = fs::read_to_string(sweep.output()).unwrap();
    let marked = text.lines().filter(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record.get("again") == Some(&Value::Bool(true))
    });
    let repeated = text.lines().count() - recorded(&sweep.output()).len();
    assert!(repeated <= marked.count(), "{repeated} are repeated");
}
