//! The tools that are compared: how each is run on the simulated internet.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use probe_common::{
    abi::lab::{DROP_ALL, PASS_ALL},
    lab::Internet,
};
use serde::Serialize;

use super::records;
use crate::lab::{Family, InternetLab, internet::vantage_address, truth};

/// Last TTL of paths: two beyond the furthest target.
const LAST_TTL: &str = "20";
/// More than any tool reaches.
const UNLIMITED: &str = "20000000";
/// Scamper's own limit, probes a second.
const SCAMPER_RATE: f64 = 10_000.0;
/// Hops that a path has at least, for scamper's list not to be too long.
const LEAST_PATH: f64 = 10.0;

/// What is asked of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// One echo request to each target.
    Ping,
    /// All hops to each target.
    Paths,
}

/// A tool and the way it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "tool", rename_all = "kebab-case")]
pub enum Contender {
    /// [`super::blast`]: sends, and nothing else.
    Bare,
    /// `probe sweep`.
    Probe {
        /// What is asked.
        job: Job,
        /// Format of the records.
        format: &'static str,
        /// Of the targets.
        family: Family,
    },
    /// ZMap (Debian's), pings.
    Zmap {
        /// Sending threads.
        senders: u8,
        /// Probes a second; 0: as fast as it goes.
        rate: u32,
    },
    /// Masscan, pings.
    Masscan,
    /// Scamper, which sends no more than 10,000 probes a second.
    Scamper {
        /// What is asked.
        job: Job,
    },
}

/// What a run is given.
#[derive(Clone, Debug)]
pub struct Task {
    /// The program `probe`.
    pub probe: PathBuf,
    /// How long to send.
    pub sending: Duration,
    /// Targets: all addresses of this network.
    pub network: String,
    /// Where the tool may write; nothing else is there.
    pub directory: PathBuf,
}

impl Task {
    /// The targets, a network a line: of IPv6 as many, as far away, as of IPv4.
    fn networks(&self, family: Family) -> Result<String> {
        Ok(match family {
            Family::V4 => format!("{}\n", self.network),
            Family::V6 => truth::twins_v6(&Internet::DEFAULT, &self.network)?,
        })
    }
}

impl Contender {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 13] = [
        Self::Bare,
        Self::Probe {
            job: Job::Ping,
            format: "none",
            family: Family::V4,
        },
        Self::Probe {
            job: Job::Ping,
            format: "none",
            family: Family::V6,
        },
        Self::Probe {
            job: Job::Ping,
            format: "jsonl",
            family: Family::V4,
        },
        Self::Zmap {
            senders: 1,
            rate: 0,
        },
        Self::Zmap {
            senders: 2,
            rate: 0,
        },
        Self::Masscan,
        Self::Scamper { job: Job::Ping },
        Self::Probe {
            job: Job::Paths,
            format: "none",
            family: Family::V4,
        },
        Self::Probe {
            job: Job::Paths,
            format: "none",
            family: Family::V6,
        },
        Self::Probe {
            job: Job::Paths,
            format: "jsonl",
            family: Family::V4,
        },
        Self::Probe {
            job: Job::Paths,
            format: "parquet",
            family: Family::V4,
        },
        Self::Scamper { job: Job::Paths },
    ];

    /// The name of its program.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bare => "sendmmsg",
            Self::Probe { .. } => "probe",
            Self::Zmap { .. } => "zmap",
            Self::Masscan => "masscan",
            Self::Scamper { .. } => "scamper",
        }
    }

    /// What is asked of it.
    pub fn job(&self) -> Job {
        match self {
            Self::Probe { job, .. } | Self::Scamper { job } => *job,
            Self::Bare | Self::Zmap { .. } | Self::Masscan => Job::Ping,
        }
    }

    /// Whether it can be run here.
    pub fn is_installed(&self) -> bool {
        match self {
            Self::Bare | Self::Probe { .. } => true,
            Self::Zmap { .. } | Self::Masscan | Self::Scamper { .. } => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).any(|folder| folder.join(self.name()).is_file())
            }
        }
    }

    /// The program that must stand at the vantage point's device, if the tool brings
    /// none: replies to the bare sender end there, at less cost than any tool has.
    pub fn guard(&self) -> Option<&'static str> {
        match self {
            Self::Bare => Some(DROP_ALL),
            Self::Probe { .. } => None,
            Self::Zmap { .. } | Self::Masscan | Self::Scamper { .. } => Some(PASS_ALL),
        }
    }

    /// Whether it ends by itself after the time that the task gives; else it is told
    /// to (SIGINT).
    pub fn ends_itself(&self) -> bool {
        !matches!(self, Self::Masscan)
    }

    /// The command, to be run at the vantage point.
    ///
    /// # Errors
    ///
    /// If a file that it needs cannot be written.
    pub fn command(&self, lab: &InternetLab, task: &Task) -> Result<Command> {
        let program = match self {
            Self::Bare => std::env::current_exe()?,
            Self::Probe { .. } => task.probe.clone(),
            _ => PathBuf::from(self.name()),
        };
        let mut command = lab.vantage().command(program);
        command.args(self.arguments(task)?);
        command.current_dir(&task.directory);
        Ok(command)
    }

    fn arguments(&self, task: &Task) -> Result<Vec<String>> {
        let seconds = task.sending.as_secs_f64();
        let whole_seconds = task.sending.as_secs().max(1).to_string();
        let gateway_mac = InternetLab::mac_text(InternetLab::GATEWAY_MAC);
        let arguments: Vec<&str> = match self {
            Self::Bare => vec!["blast", &whole_seconds],
            Self::Probe {
                job,
                format,
                family,
            } => {
                let what: &[&str] = match job {
                    Job::Ping => &["--ping"],
                    Job::Paths => &[
                        "--probing",
                        "full",
                        "--first-ttl",
                        "1",
                        "--max-ttl",
                        LAST_TTL,
                    ],
                };
                let output: &[&str] = match *format {
                    "none" => &[],
                    _ => &["--output", records::RECORDS],
                };
                let text = format!("{seconds}s");
                // Sockets: what the others here use as well.
                let fixed = [
                    "--tx",
                    "raw",
                    "--rate",
                    "max",
                    "--max-runtime",
                    &text,
                    "--metadata",
                    records::METADATA,
                    "--targets",
                    TARGETS,
                    "--format",
                    format,
                    "--allow-private",
                    "--quiet",
                ];
                write(task, TARGETS, &task.networks(*family)?)?;
                return Ok(owned(&[&["sweep"], what, &fixed, output].concat()));
            }
            Self::Zmap { senders, rate } => {
                let rate = format!("--rate={rate}");
                write(task, "none-excluded", "")?;
                let senders = senders.to_string();
                return Ok(owned(&[
                    "--config=/dev/null",
                    "--blacklist-file=none-excluded",
                    "--interface",
                    InternetLab::DEVICE,
                    "--gateway-mac",
                    &gateway_mac,
                    "--probe-module=icmp_echoscan",
                    &rate,
                    "--max-sendto-failures=2000000000",
                    "--sender-threads",
                    &senders,
                    "--max-runtime",
                    &whole_seconds,
                    "--cooldown-time=1",
                    "--output-file",
                    records::RECORDS,
                    "--quiet",
                    "--verbosity=1",
                    "--disable-syslog",
                    &task.network,
                ]));
            }
            Self::Masscan => {
                let source = vantage_address(Family::V4).to_string();
                let mac = InternetLab::mac_text(InternetLab::MAC);
                return Ok(owned(&[
                    &task.network,
                    "--ping",
                    "--rate",
                    UNLIMITED,
                    "--wait",
                    "1",
                    "--interface",
                    InternetLab::DEVICE,
                    "--adapter-ip",
                    &source,
                    "--adapter-mac",
                    &mac,
                    "--router-mac",
                    &gateway_mac,
                    "-oL",
                    records::RECORDS,
                ]));
            }
            Self::Scamper { job } => {
                let (test, probes) = match job {
                    Job::Ping => ("ping -c 1 -P icmp-echo", 1.0),
                    Job::Paths => ("trace -P icmp-paris -q 1 -w 1 -g 5 -m 20", LEAST_PATH),
                };
                let count = seconds * SCAMPER_RATE / probes;
                let targets: String = truth::targets_v4(&Internet::DEFAULT, count as u32)
                    .map(|target| format!("{target}\n"))
                    .collect();
                write(task, TARGETS, &targets)?;
                vec![
                    "-p",
                    "10000",
                    "-O",
                    "json",
                    "-o",
                    records::RECORDS,
                    "-c",
                    test,
                    "-f",
                    TARGETS,
                ]
            }
        };
        Ok(owned(&arguments))
    }

    /// How many replies the tool recorded, by its own account, after it has run in
    /// this directory; `None`: it records none.
    ///
    /// # Errors
    ///
    /// If it left no account.
    pub fn recorded(&self, directory: &Path) -> Result<Option<u64>> {
        let recorded = match self {
            Self::Bare => return Ok(None),
            Self::Probe { .. } => records::of_probe(directory),
            Self::Zmap { .. } => records::lines(directory, ""),
            Self::Masscan => records::lines(directory, "open "),
            Self::Scamper { .. } => records::of_scamper(directory),
        };
        recorded
            .map(Some)
            .with_context(|| format!("{self}: no account of its replies"))
    }

    /// What the tool says of its version: one line; `None`: it has none of its own, or
    /// does not say.
    pub fn version(&self, probe: &Path) -> Option<String> {
        let (program, option) = match self {
            Self::Bare => return None,
            Self::Probe { .. } => (probe, "--version"),
            Self::Zmap { .. } | Self::Masscan => (Path::new(self.name()), "--version"),
            Self::Scamper { .. } => (Path::new(self.name()), "-v"),
        };
        let output = Command::new(program).arg(option).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }

    /// Whether an exit code says that it did what it was told; `probe` says that its
    /// plan was cut short by the time that it was given.
    pub fn has_measured(&self, code: Option<i32>) -> bool {
        match self {
            Self::Probe { .. } => matches!(code, Some(0 | 1 | 4)),
            Self::Masscan => true,
            _ => code == Some(0),
        }
    }
}

/// `probe paths, jsonl`, `zmap, 2 senders`
impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare => f.write_str("sendmmsg alone"),
            Self::Probe {
                format,
                family: Family::V4,
                ..
            } => write!(f, "probe, {format}"),
            Self::Probe { format, .. } => write!(f, "probe, {format}, v6"),
            Self::Zmap { senders: 1, .. } => f.write_str("zmap"),
            Self::Zmap { senders, .. } => write!(f, "zmap, {senders} senders"),
            Self::Masscan | Self::Scamper { .. } => f.write_str(self.name()),
        }
    }
}

/// The file with the targets.
const TARGETS: &str = "targets";

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect()
}

fn write(task: &Task, name: &str, text: &str) -> Result<()> {
    let path = task.directory.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
