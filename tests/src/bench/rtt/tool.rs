//! The tools that are compared: how each is run and what it can do.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::{
    load::Rate,
    reading::{Reading, read_fping, read_mtr, read_ping, read_probe, read_scamper, read_zmap},
};
use crate::lab::InternetLab;

/// Where a tool leaves its records, if not on its standard output.
pub(super) const RECORDS: &str = "records";
/// Where `probe` leaves its metadata.
pub(super) const METADATA: &str = "metadata";
/// Where a tool finds its targets.
pub(super) const TARGETS: &str = "targets";
/// Frames of the generator that leave together: each is stamped as it leaves.
const BATCH: &str = "1";

/// Where `probe` stamps replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RxHook {
    /// In the driver.
    XdpNative,
    /// Before the network stack, on a socket buffer.
    XdpGeneric,
    /// At the network stack's entrance.
    Tcx,
}

impl RxHook {
    /// Its name on the command line of `probe`.
    pub fn name(self) -> &'static str {
        match self {
            Self::XdpNative => "xdp-native",
            Self::XdpGeneric => "xdp-generic",
            Self::Tcx => "tcx",
        }
    }
}

/// What sends the probes of `probe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// `probe ping`: sockets, a session for each target.
    Ping,
    /// `probe sweep --ping` by sockets.
    Raw,
    /// `probe sweep --ping` by the kernel's generator, one frame at a time.
    Generator,
}

impl Back {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Raw => "raw",
            Self::Generator => "generator",
        }
    }
}

/// A tool that pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `probe`.
    Probe {
        /// The program.
        program: PathBuf,
        /// What sends.
        back: Back,
        /// Where it stamps replies.
        rx: RxHook,
    },
    /// ping(8) of iputils.
    Ping,
    /// fping(8).
    Fping,
    /// mtr(8), with its raw output.
    Mtr,
    /// scamper(1), one ping for each target.
    Scamper,
    /// zmap(8) with the module `icmp_echo_time`, one ping for each target.
    Zmap,
}

/// What a tool is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    /// The address that one target is.
    pub(super) address: &'a str,
    /// The network that many targets are.
    pub(super) network: &'a str,
    /// How many they are.
    pub(super) targets: u32,
    /// Probes a second.
    pub(super) rate: Rate,
    /// Probes.
    pub(super) count: u32,
    /// Whether `probe` is to record each reply.
    pub(super) records: bool,
    /// Device and gateway, for who makes frames itself.
    pub(super) device: &'a str,
    pub(super) gateway_mac: &'a str,
    /// TTL that is enough to get there.
    pub(super) ttl: &'a str,
}

impl Tool {
    /// The tools that `probe` is compared with.
    pub const PEERS: [Self; 5] = [
        Self::Ping,
        Self::Fping,
        Self::Mtr,
        Self::Scamper,
        Self::Zmap,
    ];

    /// The name of its program.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Probe { .. } => "probe",
            Self::Ping => "ping",
            Self::Fping => "fping",
            Self::Mtr => "mtr",
            Self::Scamper => "scamper",
            Self::Zmap => "zmap",
        }
    }

    /// What of `probe` sends.
    pub fn back(&self) -> Option<Back> {
        match self {
            Self::Probe { back, .. } => Some(*back),
            _ => None,
        }
    }

    /// Where it stamps replies, if it can be told.
    pub fn rx(&self) -> Option<RxHook> {
        match self {
            Self::Probe { rx, .. } => Some(*rx),
            _ => None,
        }
    }

    /// The program to start.
    pub fn program(&self) -> &Path {
        match self {
            Self::Probe { program, .. } => program,
            _ => Path::new(self.name()),
        }
    }

    /// Whether it can be run here.
    pub fn is_installed(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.back().is_some()
            || std::env::split_paths(&path).any(|folder| folder.join(self.name()).is_file())
    }

    /// Whether it can be told to send so often: ping(8) counts its interval in
    /// whole milliseconds, mtr waits longer than told below some ten, scamper has a
    /// limit of its own.
    pub fn can_send_at(&self, rate: Rate) -> bool {
        match self {
            Self::Probe { back, .. } => *back != Back::Ping || rate.per_second() <= 10_000,
            Self::Zmap => true,
            Self::Fping | Self::Scamper => rate.per_second() <= 10_000,
            Self::Ping => 1_000 % rate.per_second() == 0,
            Self::Mtr => rate.per_second() <= 100,
        }
    }

    /// Whether it asks one target again and again, rather than many once.
    pub(super) fn is_of_one_target(&self) -> bool {
        match self {
            Self::Probe { back, .. } => *back == Back::Ping,
            Self::Ping | Self::Fping | Self::Mtr => true,
            Self::Scamper | Self::Zmap => false,
        }
    }

    /// Arguments for a job, each probe with a second to come back.
    pub(super) fn arguments(&self, job: &Job<'_>) -> Vec<String> {
        let interval = job.rate.interval();
        let seconds = interval.as_secs_f64().to_string();
        let millis = (interval.as_secs_f64() * 1e3).to_string();
        let nanos = format!("{}ns", interval.as_nanos());
        let deadline = ((interval * job.count).as_secs() + 1).to_string();
        let rate = job.rate.per_second().to_string();
        let count = job.count.to_string();
        let rounds = job.count.div_ceil(job.targets.max(1)).to_string();
        let address = job.address;
        let words = match self {
            Self::Probe {
                back: Back::Ping,
                rx,
                ..
            } => format!(
                "ping --count {count} --interval {nanos} --timeout 1s --rx {} --replies --json \
                 --no-dns --quiet --metadata {METADATA} {address}",
                rx.name()
            ),
            Self::Probe { back, rx, .. } => {
                let tx = match back {
                    Back::Generator => "xdp",
                    Back::Ping | Back::Raw => "raw",
                };
                let batch = match back {
                    Back::Generator => format!("--tx-batch {BATCH}"),
                    Back::Ping | Back::Raw => String::new(),
                };
                let format = if job.records {
                    format!("jsonl --output {RECORDS}")
                } else {
                    "none".to_owned()
                };
                format!(
                    "sweep --ping --allow-private --quiet --tx {tx} {batch} --rx {} --rate {rate} \
                     --max-probes {count} --probes {rounds} --round-interval 0s --timeout 1s --cooldown 300ms \
                     --format {format} --metadata {METADATA} {}",
                    rx.name(),
                    job.network
                )
            }
            // Its waits end with a tick of the kernel: it may need far longer than told.
            Self::Ping => format!("-n -c {count} -i {seconds} -W 1 -w {deadline} {address}"),
            // The timeout's default is the period; `-i` is a pause between any two.
            Self::Fping => format!("-c {count} -p {millis} -i {millis} -t 1000 {address}"),
            Self::Mtr => format!(
                "--raw -n -c {count} -i {seconds} -f {ttl} -m {ttl} {address}",
                ttl = job.ttl
            ),
            Self::Scamper => {
                return [
                    "-p",
                    &rate,
                    "-O",
                    "json",
                    "-o",
                    RECORDS,
                    "-c",
                    "ping -c 1 -P icmp-echo",
                    "-f",
                    TARGETS,
                ]
                .map(str::to_owned)
                .to_vec();
            }
            Self::Zmap => format!(
                "--config=/dev/null --blacklist-file=none-excluded --interface {} \
                 --gateway-mac {} --probe-module=icmp_echo_time --rate={rate} --max-targets={count} \
                 --sender-threads=1 --cooldown-time=1 --output-module=csv --output-file={RECORDS} \
                 --output-fields=saddr,timestamp-ts,timestamp-us,sent-timestamp-ts,sent-timestamp-us \
                 --quiet --verbosity=1 --disable-syslog {}",
                job.device, job.gateway_mac, job.network
            ),
        };
        words.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether an exit code says that it measured: ping(8) gives 1 also if its time
    /// was up before its count, a sweep 4 if its plan was cut short by a limit.
    pub fn has_measured(&self, code: i32) -> bool {
        code == 0
            || (*self == Self::Ping && code == 1)
            || (matches!(self.back(), Some(Back::Raw | Back::Generator)) && code == 4)
    }

    /// The replies in what the tool printed, or recorded in this directory.
    ///
    /// # Errors
    ///
    /// If `probe` wrote something that is no record.
    pub(super) fn read(&self, output: &str, directory: &Path) -> Result<Vec<Reading>> {
        let records = || {
            std::fs::read_to_string(directory.join(RECORDS))
                .with_context(|| format!("{self} left no records"))
        };
        match self {
            Self::Probe {
                back: Back::Ping, ..
            } => read_probe(output),
            Self::Probe { .. } => read_probe(&records()?),
            Self::Ping => Ok(read_ping(output)),
            Self::Fping => Ok(read_fping(output)),
            Self::Mtr => Ok(read_mtr(output)),
            Self::Scamper => Ok(read_scamper(&records()?)),
            Self::Zmap => Ok(read_zmap(&records()?)),
        }
    }

    /// Whether a program must stand at the device of a wire that answers by XDP, for its
    /// answers to come through: the tool has none in the driver.
    pub(super) fn needs_guard(&self) -> bool {
        self.rx() != Some(RxHook::XdpNative)
    }

    /// What the tool says of its version: one line.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn version(&self) -> Result<String> {
        let option = match self {
            Self::Probe { .. } | Self::Mtr | Self::Zmap => "--version",
            Self::Ping => "-V",
            Self::Fping | Self::Scamper => "-v",
        };
        let output = Command::new(self.program())
            .arg(option)
            .output()
            .with_context(|| format!("cannot start {}", self.program().display()))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| !line.trim().is_empty());
        Ok(line.unwrap_or_default().trim().to_owned())
    }
}

/// The hardware address of the gateway of a simulated internet.
pub(super) fn internet_gateway() -> String {
    InternetLab::mac_text(InternetLab::GATEWAY_MAC)
}

/// `probe raw, xdp-native`, `ping`
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe { back, rx, .. } => write!(f, "probe {}, {}", back.name(), rx.name()),
            _ => f.write_str(self.name()),
        }
    }
}
