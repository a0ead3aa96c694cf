//! One thing that is measured, and the arguments that it is run with.

use std::{fmt, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use probe_common::lab::Internet;
use serde::Serialize;

use super::told::METADATA;
use crate::lab::{Family, truth};

/// Last TTL of paths: two beyond the furthest target.
pub(super) const TTLS: u64 = 20;
const LAST_TTL: &str = "20";
/// Where records go.
const RECORDS: &str = "records";
const TARGETS: &str = "targets";
/// All addresses of the simulated internet.
const EVERYTHING: &str = "10.0.0.0/8";

/// A question of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Probes a second, replies kept, and what that costs
    Speed,
    /// The cost of a probe by the number of targets
    Targets,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The question that it belongs to.
    pub part: Part,
    /// Its name in the table.
    pub name: String,
    /// What is run.
    pub tool: Tool,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `probe sweep`.
    Probe(Sweep),
    /// ZMap with one sender, pings.
    Zmap {
        /// Probes a second; 0: as fast as it goes.
        rate: u32,
    },
}

/// What sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tx {
    /// Sockets.
    Raw,
    /// The generator.
    Xdp,
}

/// How `probe sweep` is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// What sends.
    pub tx: Tx,
    /// Frames that leave together; `None`: as `probe` chooses.
    pub batch: Option<u32>,
    /// Processors that send.
    pub cores: u32,
    /// Probes a second.
    pub rate: &'static str,
    /// Format of the records.
    pub format: &'static str,
    /// `full` or `adaptive`.
    pub probing: &'static str,
    /// The targets alone, not the hops on the way.
    pub ping: bool,
    /// What is probed.
    pub scope: Scope,
    /// When it ends.
    pub end: End,
}

/// What is probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All addresses of a network.
    Network(String),
    /// So many of each /24, which makes a list.
    PerPrefix(u32),
    /// So many, well spread, from a file.
    File(Family, u32),
}

/// When a sweep ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// After this time.
    After(Duration),
    /// After so many probes, in so many rounds if need be.
    Probes {
        /// So many.
        most: u64,
        /// Rounds that have as many.
        rounds: u64,
    },
    /// When all is done.
    Done,
}

/// How targets lie in the generator's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One by one.
    List,
    /// As runs.
    Network,
}

impl Scope {
    /// How `probe` will have it.
    pub fn layout(&self) -> Layout {
        match self {
            Self::Network(_) => Layout::Network,
            Self::PerPrefix(_) | Self::File(..) => Layout::List,
        }
    }

    /// The arguments for it; writes the file that they name.
    fn arguments(&self, directory: &Path) -> Result<Vec<String>> {
        Ok(match self {
            Self::Network(network) => vec![network.clone()],
            Self::PerPrefix(count) => {
                let count = count.to_string();
                vec![EVERYTHING.into(), "--per-prefix".into(), count]
            }
            Self::File(Family::V4, count) => {
                let targets = truth::targets_v4(&Internet::DEFAULT, *count);
                let lines: String = targets.map(|target| format!("{target}\n")).collect();
                list(directory, &lines)?
            }
            Self::File(Family::V6, count) => {
                let targets = truth::targets_v6(&Internet::DEFAULT, *count);
                let lines: String = targets.map(|target| format!("{target}\n")).collect();
                list(directory, &lines)?
            }
        })
    }
}

/// Writes a list of targets; the arguments that name it.
fn list(directory: &Path, lines: &str) -> Result<Vec<String>> {
    std::fs::write(directory.join(TARGETS), lines).context("cannot write targets")?;
    Ok(vec!["--targets".into(), TARGETS.into()])
}

impl End {
    fn arguments(self) -> Vec<String> {
        match self {
            Self::After(time) => vec!["--max-runtime".into(), format!("{}s", time.as_secs_f64())],
            Self::Probes { most, rounds } => vec![
                "--max-probes".into(),
                most.to_string(),
                "--probes".into(),
                rounds.to_string(),
                "--round-interval".into(),
                "0s".into(),
            ],
            Self::Done => Vec::new(),
        }
    }
}

impl Sweep {
    /// The arguments of `probe`, run in this directory.
    ///
    /// # Errors
    ///
    /// If the list of targets cannot be written.
    pub(super) fn arguments(&self, directory: &Path) -> Result<Vec<String>> {
        let fixed = ["sweep", "--allow-private", "--quiet", "--seed", "1"];
        let tx = self.tx.to_string();
        let chosen = ["--tx", &tx, "--rate", self.rate, "--format", self.format];
        let what: &[&str] = if self.ping {
            &["--ping"]
        } else {
            &[
                "--probing",
                self.probing,
                "--first-ttl",
                "1",
                "--max-ttl",
                LAST_TTL,
            ]
        };
        let output: &[&str] = match self.format {
            "none" => &[],
            _ => &["--output", RECORDS],
        };
        let words = [&fixed[..], &chosen, what, output, &["--metadata", METADATA]].concat();
        let mut arguments: Vec<String> = words.into_iter().map(str::to_owned).collect();
        arguments.extend(["--tx-cores".into(), self.cores.to_string()]);
        if let Some(batch) = self.batch {
            arguments.extend(["--tx-batch".into(), batch.to_string()]);
        }
        arguments.extend(self.end.arguments());
        arguments.extend(self.scope.arguments(directory)?);
        Ok(arguments)
    }
}

/// As `--tx` takes it.
impl fmt::Display for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Xdp => "xdp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_command_line() {
        let sweep = Sweep {
            tx: Tx::Xdp,
            batch: Some(4),
            cores: 2,
            rate: "max",
            format: "none",
            probing: "full",
            ping: false,
            scope: Scope::PerPrefix(16),
            end: End::Probes {
                most: 100,
                rounds: 2,
            },
        };
        let line = sweep.arguments(Path::new(".")).unwrap().join(" ");
        assert_eq!(
            line,
            "sweep --allow-private --quiet --seed 1 --tx xdp --rate max --format none \
             --probing full --first-ttl 1 --max-ttl 20 --metadata metadata --tx-cores 2 --tx-batch 4 \
             --max-probes 100 --probes 2 --round-interval 0s 10.0.0.0/8 --per-prefix 16"
        );
    }
}
