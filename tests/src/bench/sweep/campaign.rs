//! The measuring: every contender in turns, each in a lab of its own.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    path::PathBuf,
    process::{Child, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use probe_common::lab::{Count, Internet, Traffic};

use super::{
    activity::Activity,
    contender::{Contender, Task},
    usage::{Meter, Usage},
};
use crate::lab::InternetLab;

/// Between two looks at the counters.
const LOOK: Duration = Duration::from_millis(10);
/// What a run may take beyond its sending: start, cooldown, end.
const OVERHEAD: Duration = Duration::from_secs(20);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// In the order of the report.
    pub contenders: Vec<Contender>,
    /// How often each has its turn.
    pub rounds: u32,
    /// The program `probe`.
    pub probe: PathBuf,
    /// How long each sends.
    pub sending: Duration,
    /// Targets: all addresses of this network.
    pub network: String,
}

/// One run of a contender.
#[derive(Clone, Debug)]
pub struct Run {
    /// Who.
    pub contender: Contender,
    /// What came to the internet, and what became of it.
    pub traffic: Traffic,
    /// Probes a second, from the first to the last that came.
    pub probes_per_second: f64,
    /// That time.
    pub sending: Duration,
    /// Replies sent back that the wire had no room for: they came too fast for it.
    pub lost: u64,
    /// Replies that it recorded; `None`: it records none.
    pub recorded: Option<u64>,
    /// What it cost.
    pub usage: Usage,
}

impl Campaign {
    /// Measures; `progress` hears of each run before it begins.
    ///
    /// # Errors
    ///
    /// If the lab cannot be built, or `probe` or the bare sender fails. What another
    /// tool fails at is told to `progress`, and its run is left out.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for round in 0..self.rounds {
            let mut turn = self.contenders.clone();
            let first = round as usize % turn.len().max(1);
            turn.rotate_left(first);
            for contender in turn {
                let of = self.rounds;
                progress(&format!(
                    "round {} of {of}: {:?}: {contender}",
                    round + 1,
                    contender.job()
                ));
                match self.measure(&contender) {
                    Ok(run) => runs.push(run),
                    Err(error) => progress(&format!("left out: {contender}: {error:#}")),
                }
            }
        }
        ensure!(!runs.is_empty(), "nothing could be measured");
        Ok(runs)
    }

    fn measure(&self, contender: &Contender) -> Result<Run> {
        let lab = InternetLab::build(Internet::DEFAULT)?;
        let _guard = contender.guard().map(|name| lab.guard(name)).transpose()?;
        let directory = tempfile::tempdir()?;
        let task = Task {
            probe: self.probe.clone(),
            sending: self.sending,
            network: self.network.clone(),
            directory: directory.path().to_owned(),
        };
        let mut command = contender.command(&lab, &task)?;
        let mut stderr = tempfile::tempfile()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start {}", contender.name()))?;
        let mut running = Running {
            child,
            is_told: contender.ends_itself(),
        };
        let meter = Meter::start(running.child.id())?;
        let (status, activity, usage) = self.follow(&lab, &mut running, meter)?;
        ensure!(
            contender.has_measured(status.code()),
            "{status}: {}",
            last_line(&mut stderr)?
        );
        let traffic = lab.traffic()?;
        ensure!(traffic.adds_up(), "the lab's counters: {traffic:?}");
        ensure!(
            traffic.get(Count::Probes) > 0,
            "no probe came: {}",
            last_line(&mut stderr)?
        );
        Ok(Run {
            contender: contender.clone(),
            traffic,
            probes_per_second: activity.per_second(),
            sending: activity.duration(),
            lost: lab.lost_replies()?,
            recorded: contender.recorded(directory.path())?,
            usage,
        })
    }

    /// Watches a run until it ends.
    fn follow(
        &self,
        lab: &InternetLab,
        running: &mut Running,
        mut meter: Meter,
    ) -> Result<(ExitStatus, Activity, Usage)> {
        let probes = || Ok::<_, anyhow::Error>(lab.traffic()?.get(Count::Probes));
        let started = Instant::now();
        let mut activity = Activity::new(started, probes()?);
        loop {
            let status = running.child.try_wait()?;
            activity.look(Instant::now(), probes()?);
            if let Some(status) = status {
                return Ok((status, activity, meter.finish()?));
            }
            meter.look();
            if !running.is_told && activity.duration() >= self.sending {
                running.tell()?;
            }
            ensure!(
                started.elapsed() < 2 * self.sending + OVERHEAD,
                "it does not end"
            );
            thread::sleep(LOOK);
        }
    }
}

/// A tool at work; dropping it kills it.
struct Running {
    child: Child,
    /// Whether it needs no telling to end, or has been told.
    is_told: bool,
}

impl Running {
    fn tell(&mut self) -> Result<()> {
        self.is_told = true;
        Ok(kill(
            Pid::from_raw(self.child.id().try_into()?),
            Signal::SIGINT,
        )?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_line(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    Ok(line.unwrap_or("it says no more").to_owned())
}
