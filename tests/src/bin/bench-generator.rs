//! Measures the transmitter in the kernel on the simulated internet, beside sockets
//! and zmap: by batch, rate and format, and by the number of targets. `PROBE_BIN`
//! names the program `probe`; needs root. Without zmap, it is left out.
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
    Watch,
    generator::{Campaign, Case, Part, Report, cases, chart, table},
    save,
};

/// What the kernel's generator does, and what it costs, on the simulated internet
#[derive(Parser)]
struct Arguments {
    /// What is measured
    #[arg(long, value_delimiter = ',', default_value = "speed,targets")]
    part: Vec<Part>,
    /// How often each case has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each case of the part 'speed' sends
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// The targets of the part 'speed': a network in 10.0.0.0/8, large enough not to
    /// be done before its time
    #[arg(long, default_value = "10.0.0.0/8")]
    targets: String,
    /// Probes of each case of the part 'targets'
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    probes: u64,
    /// Only cases whose name contains one of these, such as batch,zmap
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Directory for generator.json and generator.svg [default: target/bench of the
    /// workspace]
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-generator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let probe = env::var_os("PROBE_BIN").map(PathBuf::from);
    let campaign = Campaign {
        cases: wanted(arguments),
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
    save(arguments.output.as_deref(), "generator", &report, &chart)
}

/// Those that can be run here and are asked for.
fn wanted(arguments: &Arguments) -> Vec<Case> {
    let time = Duration::from_secs(arguments.seconds);
    let parts = [Part::Speed, Part::Targets].into_iter();
    let parts = parts.filter(|part| arguments.part.contains(part));
    let (here, missing): (Vec<_>, Vec<_>) = parts
        .flat_map(|part| cases(part, &arguments.targets, time, arguments.probes))
        .filter(|case| {
            let only = &arguments.only;
            only.is_empty() || only.iter().any(|part| case.name.contains(part))
        })
        .partition(|case| case.tool.is_installed());
    for case in missing {
        eprintln!("left out: {} is not installed", case.name);
    }
    here
}
