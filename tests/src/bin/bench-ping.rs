//! Measures what a ping of very many targets costs, on the simulated internet.
//! `PROBE_BIN` names the program `probe`; needs root.
//!
//! Exits with 0 whatever the figures, with 1 if nothing could be measured.

use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use probe_tests::bench::{
    ping::{Campaign, draw, render},
    save,
};

/// What a ping of very many targets costs, on the simulated internet
#[derive(Parser)]
struct Arguments {
    /// Numbers of targets
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1000,10000,100000",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000)
    )]
    targets: Vec<u32>,
    /// Time between two probes for one target
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// How long each target is pinged
    #[arg(long, default_value = "20s", value_parser = humantime::parse_duration)]
    seconds: Duration,
    /// Directory for ping.json and ping.svg [default: target/bench of the workspace]
    #[arg(long)]
    output: Option<PathBuf>,
    /// Further arguments of `probe ping`
    #[arg(last = true)]
    further: Vec<String>,
}

fn main() -> ExitCode {
    match measure(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-ping: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: Arguments) -> Result<()> {
    let probe = env::var_os("PROBE_BIN").map(PathBuf::from);
    let campaign = Campaign {
        probe: probe.context("PROBE_BIN is not set: give it the path of the program probe")?,
        targets: arguments.targets,
        interval: arguments.interval.max(Duration::from_micros(1)),
        sending: arguments.seconds,
        further: arguments.further,
    };
    let report = campaign.run(|line| eprintln!("{line}"))?;
    write!(io::stdout(), "{}", render(&report))?;
    save(arguments.output.as_deref(), "ping", &report, &draw(&report))
}
