//! The measuring: every contender in turns, each in a lab of its own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use probe_common::lab::{Internet, Traffic};

use super::{
    contender::{Contender, Task},
    trial::Trial,
    usage::Usage,
};
use crate::lab::InternetLab;

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
        let trial = Trial {
            lab: &lab,
            command: contender.command(&lab, &task)?,
            sending: (!contender.ends_itself()).then_some(self.sending),
            limit: 2 * self.sending + OVERHEAD,
        };
        let seen = trial.run()?;
        ensure!(
            contender.has_measured(seen.status.code()),
            "{}: {}",
            seen.status,
            seen.last_line
        );
        Ok(Run {
            contender: contender.clone(),
            traffic: seen.traffic,
            probes_per_second: seen.probes_per_second,
            sending: seen.sending,
            lost: seen.lost,
            recorded: contender.recorded(directory.path())?,
            usage: seen.usage,
        })
    }
}
