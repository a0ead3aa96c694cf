//! Compares how fast `probe sweep`, other tools and a bare `sendmmsg` loop probe the
//! simulated internet, and what of the replies they record. `PROBE_BIN` names the
//! program `probe`; needs root. Tools that are not installed are left out.
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
use clap::{Parser, Subcommand};
use probe_tests::bench::{
    Watch, save,
    sweep::{Campaign, Contender, Report, blast, chart, table},
};

/// Probes a second and replies recorded on the simulated internet
#[derive(Parser)]
struct Arguments {
    /// How long each contender sends
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often each contender has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The targets: a network in 10.0.0.0/8, large enough not to be done before its time
    #[arg(long, default_value = "10.0.0.0/10")]
    targets: String,
    /// Only contenders whose name contains one of these, such as probe,zmap
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Directory for sweep.json and sweep.svg [default: target/bench of the workspace]
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the benchmark starts itself for.
#[derive(Subcommand)]
enum Part {
    /// The bare loop, at a vantage point
    #[command(hide = true)]
    Blast { seconds: u64 },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.part {
        Some(Part::Blast { seconds }) => blast::run(Duration::from_secs(seconds)).map(|_| ()),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-sweep: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let probe = env::var_os("PROBE_BIN").map(PathBuf::from);
    let campaign = Campaign {
        contenders: contenders(&arguments.only),
        rounds: arguments.rounds,
        probe: probe.context("PROBE_BIN is not set: give it the path of the program probe")?,
        sending: Duration::from_secs(arguments.seconds),
        network: arguments.targets.clone(),
    };
    let watch = Watch::start()?;
    let runs = campaign.run(|line| eprintln!("{line}"))?;
    let machine = watch.finish()?;
    let report = Report::new(&campaign, machine, &runs);
    write!(io::stdout(), "{}", table::render(&report))?;
    let chart = chart::draw(&report);
    save(arguments.output.as_deref(), "sweep", &report, &chart)
}

/// Those that are installed and wanted.
fn contenders(only: &[String]) -> Vec<Contender> {
    let (here, missing): (Vec<_>, Vec<_>) = Contender::ALL
        .into_iter()
        .filter(|contender| {
            let label = contender.to_string();
            only.is_empty() || only.iter().any(|part| label.contains(part))
        })
        .partition(Contender::is_installed);
    for contender in missing {
        eprintln!("left out: {contender} is not installed");
    }
    here
}
