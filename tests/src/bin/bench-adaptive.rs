//! Measures what an adaptive sweep spares and what it misses, against full sweeps of
//! the simulated internet. `PROBE_BIN` names the program `probe`; needs root.
//!
//! Exits with 0 whatever the figures, with 1 if nothing could be measured.

use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use probe_common::lab::Internet;
use probe_tests::bench::{
    adaptive::{Campaign, draw, render},
    save,
};

/// What an adaptive sweep spares and what it misses, on the simulated internet
#[derive(Parser)]
struct Arguments {
    /// Rounds, each with other targets
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Probes a second, as `probe sweep --rate` takes them
    #[arg(long, default_value = "1M")]
    rate: String,
    /// Share of targets that never answer, thousandths
    #[arg(long, default_value_t = Internet::DEFAULT.dead)]
    dead: u32,
    /// Share of routers that never answer, thousandths
    #[arg(long, default_value_t = Internet::DEFAULT.silent)]
    silent: u32,
    /// Share of routers that balance load, thousandths
    #[arg(long, default_value_t = Internet::DEFAULT.balanced)]
    balanced: u32,
    /// Directory for adaptive.json and adaptive.svg [default: target/bench of the
    /// workspace]
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-adaptive: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let probe = env::var_os("PROBE_BIN").map(PathBuf::from);
    let campaign = Campaign {
        probe: probe.context("PROBE_BIN is not set: give it the path of the program probe")?,
        rounds: arguments.rounds,
        rate: arguments.rate.clone(),
        internet: Internet {
            dead: arguments.dead,
            silent: arguments.silent,
            balanced: arguments.balanced,
            ..Internet::DEFAULT
        },
    };
    let rows = campaign.run(|line| eprintln!("{line}"))?;
    write!(io::stdout(), "{}", render(&rows))?;
    save(arguments.output.as_deref(), "adaptive", &rows, &draw(&rows))
}
