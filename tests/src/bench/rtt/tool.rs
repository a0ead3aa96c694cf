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
    reading::{Reading, read_fping, read_ping, read_probe},
};

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

/// A tool that pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `probe ping`.
    Probe {
        /// The program.
        program: PathBuf,
        /// Where it stamps replies.
        rx: RxHook,
    },
    /// ping(8) of iputils.
    Ping,
    /// fping(8).
    Fping,
}

impl Tool {
    /// The name of its program.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Probe { .. } => "probe",
            Self::Ping => "ping",
            Self::Fping => "fping",
        }
    }

    /// Where it stamps replies, if it can be told.
    pub fn rx(&self) -> Option<RxHook> {
        match self {
            Self::Probe { rx, .. } => Some(*rx),
            Self::Ping | Self::Fping => None,
        }
    }

    /// The program to start.
    pub fn program(&self) -> &Path {
        match self {
            Self::Probe { program, .. } => program,
            Self::Ping | Self::Fping => Path::new(self.name()),
        }
    }

    /// Whether it can be told to send so often: ping(8) counts its interval in
    /// whole milliseconds.
    pub fn can_send_at(&self, rate: Rate) -> bool {
        match self {
            Self::Probe { .. } | Self::Fping => true,
            Self::Ping => 1_000 % rate.per_second() == 0,
        }
    }

    /// Arguments for `count` echoes to `address`, each with a second to come back.
    pub fn arguments(&self, address: &str, rate: Rate, count: u32) -> Vec<String> {
        let interval = rate.interval();
        let seconds = interval.as_secs_f64().to_string();
        let millis = (interval.as_secs_f64() * 1e3).to_string();
        let nanos = format!("{}ns", interval.as_nanos());
        let deadline = (interval * count).as_secs() + 1;
        let (count, deadline) = (count.to_string(), deadline.to_string());
        let arguments: Vec<&str> = match self {
            Self::Probe { rx, .. } => vec![
                "ping",
                "--count",
                &count,
                "--interval",
                &nanos,
                "--timeout",
                "1s",
                "--rx",
                rx.name(),
                "--replies",
                "--json",
                "--no-dns",
                "--quiet",
                address,
            ],
            // Its waits end with a tick of the kernel: it may need far longer than told.
            Self::Ping => vec![
                "-n", "-c", &count, "-i", &seconds, "-W", "1", "-w", &deadline, address,
            ],
            // The timeout's default is the period; `-i` is a pause between any two.
            Self::Fping => vec![
                "-c", &count, "-p", &millis, "-i", &millis, "-t", "1000", address,
            ],
        };
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// Whether an exit code says that it measured: ping(8) gives 1 also if its time
    /// was up before its count.
    pub fn has_measured(&self, code: i32) -> bool {
        code == 0 || (*self == Self::Ping && code == 1)
    }

    /// The replies in what the tool printed.
    ///
    /// # Errors
    ///
    /// If `probe` wrote something that is no record.
    pub fn read(&self, output: &str) -> Result<Vec<Reading>> {
        match self {
            Self::Probe { .. } => read_probe(output),
            Self::Ping => Ok(read_ping(output)),
            Self::Fping => Ok(read_fping(output)),
        }
    }

    /// What the tool says of its version: one line.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn version(&self) -> Result<String> {
        let option = match self {
            Self::Probe { .. } => "--version",
            Self::Ping => "-V",
            Self::Fping => "-v",
        };
        let output = Command::new(self.program())
            .arg(option)
            .output()
            .with_context(|| format!("cannot start {}", self.program().display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

/// `probe xdp-native`, `ping`
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rx() {
            Some(rx) => write!(f, "{} {}", self.name(), rx.name()),
            None => f.write_str(self.name()),
        }
    }
}
