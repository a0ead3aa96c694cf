//! One run of a tool on the simulated internet, watched until it ends.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use probe_common::lab::{Count, Traffic};

use super::{
    activity::Activity,
    usage::{Meter, Usage},
};
use crate::lab::InternetLab;

/// Between two looks at the counters.
const LOOK: Duration = Duration::from_millis(10);

/// A run to be.
pub(in crate::bench) struct Trial<'a> {
    /// Where.
    pub(in crate::bench) lab: &'a InternetLab,
    /// What is run there.
    pub(in crate::bench) command: Command,
    /// It is told to end (SIGINT) when it has sent so long; `None`: it ends by itself.
    pub(in crate::bench) sending: Option<Duration>,
    /// How long it may take in all.
    pub(in crate::bench) limit: Duration,
}

/// What was seen of a run.
pub(in crate::bench) struct Outcome {
    /// How the tool ended.
    pub(in crate::bench) status: ExitStatus,
    /// The last that it said.
    pub(in crate::bench) last_line: String,
    /// What came to the internet, and what became of it.
    pub(in crate::bench) traffic: Traffic,
    /// Probes a second, from the first to the last that came.
    pub(in crate::bench) probes_per_second: f64,
    /// That time.
    pub(in crate::bench) sending: Duration,
    /// Processor time that the tool had meanwhile.
    pub(in crate::bench) spent: Duration,
    /// Replies sent back that the wire had no room for: they came too fast for it.
    pub(in crate::bench) lost: u64,
    /// What it cost.
    pub(in crate::bench) usage: Usage,
}

impl Trial<'_> {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// If it cannot be started, takes too long, or sends nothing.
    pub(in crate::bench) fn run(mut self) -> Result<Outcome> {
        let mut stderr = tempfile::tempfile()?;
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.command.get_program().display()))?;
        let mut running = Running {
            child,
            is_told: self.sending.is_none(),
        };
        let meter = Meter::start(running.child.id())?;
        let (status, activity, usage) = self.follow(&mut running, meter)?;
        let traffic = self.lab.traffic()?;
        let last_line = last_line(&mut stderr)?;
        ensure!(traffic.adds_up(), "the lab's counters: {traffic:?}");
        ensure!(
            traffic.get(Count::Probes) > 0,
            "{status}, and no probe came: {last_line}"
        );
        Ok(Outcome {
            status,
            last_line,
            traffic,
            probes_per_second: activity.per_second(),
            sending: activity.duration(),
            spent: activity.spent(),
            lost: self.lab.lost_replies()?,
            usage,
        })
    }

    /// Watches it until it ends.
    fn follow(
        &self,
        running: &mut Running,
        mut meter: Meter,
    ) -> Result<(ExitStatus, Activity, Usage)> {
        let probes = || Ok::<_, anyhow::Error>(self.lab.traffic()?.get(Count::Probes));
        let started = Instant::now();
        let mut activity = Activity::new(started, probes()?);
        loop {
            let spent = meter.look();
            let status = running.child.try_wait()?;
            activity.look(Instant::now(), probes()?, spent);
            if let Some(status) = status {
                return Ok((status, activity, meter.finish()?));
            }
            if !running.is_told && self.sending.is_some_and(|time| activity.duration() >= time) {
                running.tell()?;
            }
            ensure!(started.elapsed() < self.limit, "it does not end");
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
