//! Compares the round-trip times that `probe`, ping and fping report with true hold
//! times. `PROBE_BIN` names the program `probe`; needs root.
//!
//! Exits with 0 whatever the figures, with 1 if something could not be measured.

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
    rtt::{Campaign, ProgrammedHold, Rate, Report, RxHook, Tool, chart, table},
    save,
};

/// Error of the round-trip time against known hold times, beside ping's and fping's
#[derive(Parser)]
struct Arguments {
    /// Probes a second, such as 100,1k,10k; ping can do up to 1k
    #[arg(long, value_delimiter = ',', default_value = "100,1k")]
    rates: Vec<Rate>,
    /// How long replies are held; A..B: evenly spread between the two
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0,50us,1ms,20ms,100us..10ms"
    )]
    holds: Vec<ProgrammedHold>,
    /// Where probe stamps replies
    #[arg(long, value_delimiter = ',', default_value = "xdp-native,tcx")]
    rx: Vec<RxHook>,
    /// Most probes for each tool, rate and hold
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Most seconds to send them in
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Rounds to spread them over: in each, the tools take turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Directory for rtt.json and rtt.svg [default: target/bench of the workspace]
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-rtt: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let campaign = campaign(arguments)?;
    let watch = Watch::start()?;
    let measurements = campaign.run(|round| eprintln!("{round}"))?;
    let machine = watch.finish()?;
    let report = Report::new(&campaign, machine, &measurements)?;
    write!(io::stdout(), "{}", table::render(&report))?;
    let chart = chart::draw(&report);
    save(arguments.output.as_deref(), "rtt", &report, &chart)
}

fn campaign(arguments: &Arguments) -> Result<Campaign> {
    let program = env::var_os("PROBE_BIN").map(PathBuf::from);
    let program = program.context("PROBE_BIN is not set: give it the path of the program probe")?;
    let probe = |rx: &RxHook| Tool::Probe {
        program: program.clone(),
        rx: *rx,
    };
    let mut tools: Vec<Tool> = arguments.rx.iter().map(probe).collect();
    tools.extend([Tool::Ping, Tool::Fping]);
    Ok(Campaign {
        tools,
        rates: arguments.rates.clone(),
        holds: arguments.holds.clone(),
        repetitions: arguments.rounds,
        count: arguments.count,
        sending: Duration::from_secs(arguments.seconds),
    })
}
