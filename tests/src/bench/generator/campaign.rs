//! The measuring: every case in turns, each in a lab of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use probe_common::lab::Internet;

use super::{
    case::{Case, End, Sweep, Tool, Tx},
    told::Told,
};
use crate::{
    bench::sweep::{Contender, Outcome, Task, Trial, Usage},
    lab::InternetLab,
};

/// What a run may take beyond its sending: start, cooldown, end.
const OVERHEAD: Duration = Duration::from_secs(30);
/// What one may take that ends when all is sent.
const LONGEST: Duration = Duration::from_secs(600);

const ZMAP: Contender = zmap(0);

const fn zmap(rate: u32) -> Contender {
    Contender::Zmap { senders: 1, rate }
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// In the order of the report.
    pub cases: Vec<Case>,
    /// How often each has its turn.
    pub rounds: u32,
    /// The program `probe`.
    pub probe: PathBuf,
    /// How long sweeps last that are ended by time.
    pub sending: Duration,
    /// Their targets: all addresses of this network.
    pub network: String,
}

/// One run of a case.
#[derive(Clone, Debug)]
pub struct Run {
    /// What.
    pub case: Case,
    /// Probes a second, from the first to the last that came.
    pub probes_per_second: f64,
    /// That time.
    pub sending: Duration,
    /// Replies that the internet sent back.
    pub sent_back: u64,
    /// Of these, those that the wire had no room for.
    pub lost: u64,
    /// Replies recorded.
    pub recorded: u64,
    /// What `probe` says.
    pub told: Option<Told>,
    /// What it cost.
    pub usage: Usage,
}

impl Campaign {
    /// Measures; `progress` hears of each run before it begins.
    ///
    /// # Errors
    ///
    /// If nothing could be measured. A run that fails is told to `progress`, and left
    /// out.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for round in 0..self.rounds {
            let mut turn = self.cases.clone();
            let first = round as usize % turn.len().max(1);
            turn.rotate_left(first);
            for case in turn {
                progress(&format!(
                    "round {} of {}: {}",
                    round + 1,
                    self.rounds,
                    case.name
                ));
                match self.measure(&case) {
                    Ok(run) => runs.push(run),
                    Err(error) => progress(&format!("left out: {}: {error:#}", case.name)),
                }
            }
        }
        ensure!(!runs.is_empty(), "nothing could be measured");
        Ok(runs)
    }

    fn measure(&self, case: &Case) -> Result<Run> {
        let lab = InternetLab::build(Internet::DEFAULT)?;
        let directory = tempfile::tempdir()?;
        let (seen, told, recorded) = match &case.tool {
            Tool::Probe(sweep) => {
                let (seen, told) = self.sweep(&lab, sweep, directory.path())?;
                let recorded = told.counters.recorded;
                (seen, Some(told), recorded)
            }
            Tool::Zmap { rate } => {
                let (seen, recorded) = self.zmap(&lab, *rate, directory.path())?;
                (seen, None, recorded)
            }
        };
        Ok(Run {
            case: case.clone(),
            probes_per_second: seen.probes_per_second,
            sending: seen.sending,
            sent_back: seen.traffic.sent_back(),
            lost: seen.lost,
            recorded,
            told,
            usage: seen.usage,
        })
    }

    fn sweep(&self, lab: &InternetLab, sweep: &Sweep, folder: &Path) -> Result<(Outcome, Told)> {
        let mut command = lab.vantage().command(&self.probe);
        command.args(sweep.arguments(folder)?).current_dir(folder);
        let limit = match sweep.end {
            End::After(time) => 2 * time + OVERHEAD,
            End::Probes { .. } | End::Done => LONGEST,
        };
        let seen = run(lab, command, limit)?;
        let told = Told::read(folder)?;
        let sender = match sweep.tx {
            Tx::Raw => "sockets",
            Tx::Xdp => "generator",
        };
        if told.sweep.tx != sender {
            bail!("{} sent, not {sender}: {}", told.sweep.tx, seen.last_line);
        }
        Ok((seen, told))
    }

    fn zmap(&self, lab: &InternetLab, rate: u32, folder: &Path) -> Result<(Outcome, u64)> {
        let _guard = ZMAP.guard().map(|name| lab.guard(name)).transpose()?;
        let task = Task {
            probe: self.probe.clone(),
            sending: self.sending,
            network: self.network.clone(),
            directory: folder.to_owned(),
        };
        let command = zmap(rate).command(lab, &task)?;
        let seen = run(lab, command, 2 * self.sending + OVERHEAD)?;
        Ok((seen, ZMAP.recorded(folder)?.unwrap_or(0)))
    }

    /// What each tool says of its version.
    pub(super) fn versions(&self) -> Vec<String> {
        let probe = Contender::ALL
            .into_iter()
            .find(|contender| matches!(contender, Contender::Probe { .. }));
        let zmap = self.cases.iter().any(|case| case.tool.is_zmap());
        let tools = probe.into_iter().chain(zmap.then_some(ZMAP));
        tools.filter_map(|tool| tool.version(&self.probe)).collect()
    }
}

/// Runs a tool that ends by itself, and well.
fn run(lab: &InternetLab, command: Command, limit: Duration) -> Result<Outcome> {
    let trial = Trial {
        lab,
        command,
        sending: None,
        limit,
    };
    let seen = trial.run()?;
    ensure!(seen.status.success(), "{}: {}", seen.status, seen.last_line);
    Ok(seen)
}

impl Tool {
    /// Whether it can be run here.
    pub fn is_installed(&self) -> bool {
        !self.is_zmap() || ZMAP.is_installed()
    }

    pub(super) fn is_zmap(&self) -> bool {
        matches!(self, Self::Zmap { .. })
    }
}
