//! Pings so many targets, and looks at what it took.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use probe_common::lab::{Count, Internet};
use serde::{Deserialize, Serialize};

use crate::{
    bench::{
        Machine, Watch,
        median::median,
        sweep::{Outcome, Trial},
    },
    lab::{InternetLab, truth},
};

/// Time for what comes before the first probe and after the last.
const OVERHEAD: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The program `probe`.
    pub probe: PathBuf,
    /// Numbers of targets.
    pub targets: Vec<u32>,
    /// Time between two probes for one target.
    pub interval: Duration,
    /// How long each target is pinged.
    pub sending: Duration,
    /// Arguments of `probe ping` beside these.
    pub further: Vec<String>,
}

/// The benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// Time between two probes for one target, seconds.
    pub interval: f64,
    /// One for each number of targets.
    pub rows: Vec<Row>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Targets.
    pub targets: u32,
    /// Probes that came to the internet.
    pub probes: u64,
    /// From the first to the last, seconds.
    pub seconds: f64,
    /// Share of one processor that the process had meanwhile.
    pub cpu: f64,
    /// Processor time of the process from begin to end, seconds.
    pub cpu_seconds: f64,
    /// Most memory that it had at one time, bytes.
    pub peak_memory_bytes: u64,
    /// Rounds whose time passed before their probe could leave.
    pub omitted: u64,
    /// How late the latest probe of a target with such rounds was, nanoseconds.
    pub latest_ns: u64,
    /// Probes that never left.
    pub never_sent: u64,
    /// Replies lost on the way to the report.
    pub by_us: u64,
    /// Replies sent back, less those in the report.
    pub missing: u64,
    /// Median over targets of the median round-trip time, nanoseconds.
    pub p50_ns: f64,
    /// Median over targets of the 99th percentile.
    pub p99_ns: f64,
}

/// What is looked at of a target's line.
#[derive(Deserialize)]
struct Target {
    received: u64,
    loss: Loss,
    omitted: Option<Omitted>,
    rtt_ns: Option<Rtt>,
}

#[derive(Deserialize)]
struct Loss {
    never_sent: u64,
    by_us: u64,
}

#[derive(Deserialize)]
struct Omitted {
    probes: u64,
    longest_ns: u64,
}

#[derive(Deserialize)]
struct Rtt {
    p50: u64,
    p99: u64,
}

impl Campaign {
    /// Runs all, one after another.
    ///
    /// # Errors
    ///
    /// If something cannot be run, or writes what cannot be read.
    pub fn run(&self, tell: impl Fn(&str)) -> Result<Report> {
        let watch = Watch::start()?;
        let mut rows = Vec::new();
        for targets in &self.targets {
            tell(&format!("{targets} targets"));
            rows.push(self.one(*targets)?);
        }
        Ok(Report {
            schema: 1,
            machine: watch.finish()?,
            interval: self.interval.as_secs_f64(),
            rows,
        })
    }

    fn one(&self, targets: u32) -> Result<Row> {
        let lab = InternetLab::build(Internet::DEFAULT)?;
        let folder = tempfile::tempdir()?;
        let (list, records) = (folder.path().join("targets"), folder.path().join("records"));
        let lines: String = truth::targets_v4(lab.truth(), targets)
            .map(|target| format!("{target}\n"))
            .collect();
        std::fs::write(&list, lines)?;
        let rounds = self.sending.as_secs_f64() / self.interval.as_secs_f64();
        let mut command = lab.vantage().command(&self.probe);
        command
            .args(["ping", "--json", "--quiet", "--targets"])
            .arg(&list)
            .args(["--interval", &format!("{}us", self.interval.as_micros())])
            .args(["--count", &(rounds.ceil().max(1.0) as u32).to_string()])
            .arg("--output")
            .arg(&records)
            .args(&self.further);
        let trial = Trial {
            lab: &lab,
            command,
            sending: None,
            limit: 2 * self.sending + OVERHEAD,
        };
        let seen = trial.run()?;
        // 1: there are targets that never answer.
        ensure!(
            matches!(seen.status.code(), Some(0 | 1)),
            "probe ping: {}: {}",
            seen.status,
            seen.last_line
        );
        row(targets, &seen, &read(&records)?)
    }
}

fn read(records: &Path) -> Result<Vec<Target>> {
    BufReader::new(File::open(records)?)
        .lines()
        .map(|line| serde_json::from_str(&line?).context("a broken record"))
        .collect()
}

fn row(targets: u32, seen: &Outcome, told: &[Target]) -> Result<Row> {
    let sum = |of: fn(&Target) -> u64| told.iter().map(of).sum::<u64>();
    let middle = |of: fn(&Rtt) -> u64| {
        let times = told.iter().filter_map(|target| target.rtt_ns.as_ref());
        median(times.map(|rtt| of(rtt) as f64).collect()).context("nobody answered")
    };
    let omitted = told.iter().filter_map(|target| target.omitted.as_ref());
    Ok(Row {
        targets,
        probes: seen.traffic.get(Count::Probes),
        seconds: seen.sending.as_secs_f64(),
        cpu: seen.spent.as_secs_f64() / seen.sending.as_secs_f64().max(1e-9),
        cpu_seconds: seen.usage.process_cpu_seconds,
        peak_memory_bytes: seen.usage.peak_memory_bytes,
        omitted: omitted.clone().map(|omitted| omitted.probes).sum(),
        latest_ns: omitted.map(|omitted| omitted.longest_ns).max().unwrap_or(0),
        never_sent: sum(|target| target.loss.never_sent),
        by_us: sum(|target| target.loss.by_us),
        missing: seen
            .traffic
            .sent_back()
            .saturating_sub(sum(|target| target.received)),
        p50_ns: middle(|rtt| rtt.p50)?,
        p99_ns: middle(|rtt| rtt.p99)?,
    })
}
