//! Compares the round-trip times that `probe`, ping, fping, mtr, scamper and zmap report
//! with true hold times, and with what two bare stamping programs make of a wire that
//! answers at once. `PROBE_BIN` names the program `probe`; needs root. What is not
//! installed is left out.
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
    rtt::{Campaign, Part, ProgrammedHold, Rate, Report, RxHook, chart, table},
    save,
};

/// Error of the round-trip time against known hold times and instant answers
#[derive(Parser)]
struct Arguments {
    /// What the replies wait for
    #[arg(long, value_delimiter = ',', default_value = "instant,held,loaded")]
    part: Vec<Part>,
    /// Probes a second where replies are held, such as 1k,50k; ping can do up to 1k
    #[arg(long, value_delimiter = ',', default_value = "1k,50k")]
    held_rates: Vec<Rate>,
    /// Probes a second where they come at once
    #[arg(long, value_delimiter = ',', default_value = "100,1k,10k,100k,1M")]
    rates: Vec<Rate>,
    /// Probes a second while other work keeps all processors busy
    #[arg(long, value_delimiter = ',', default_value = "1k")]
    loaded_rates: Vec<Rate>,
    /// How long replies are held; A..B: evenly spread between the two
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0,50us,1ms,20ms,100us..10ms"
    )]
    holds: Vec<ProgrammedHold>,
    /// How long they are while other work keeps all processors busy
    #[arg(long, default_value = "1ms")]
    loaded_hold: ProgrammedHold,
    /// Where probe stamps replies; `probe ping`: the first of them
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "xdp-native,xdp-generic,tcx"
    )]
    rx: Vec<RxHook>,
    /// Only tools whose name contains one of these, such as floor,generator,fping
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds that each sends for in each round
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Rounds: in each, every tool has its turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
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
    let rows = campaign.run(|line| eprintln!("{line}"))?;
    let machine = watch.finish()?;
    let report = Report::new(&campaign, machine, rows);
    write!(io::stdout(), "{}", table::render(&report))?;
    let chart = chart::draw(&report);
    save(arguments.output.as_deref(), "rtt", &report, &chart)
}

fn campaign(arguments: &Arguments) -> Result<Campaign> {
    let probe = env::var_os("PROBE_BIN").map(PathBuf::from);
    Ok(Campaign {
        probe: probe.context("PROBE_BIN is not set: give it the path of the program probe")?,
        parts: arguments.part.clone(),
        only: arguments.only.clone(),
        held_rates: arguments.held_rates.clone(),
        instant_rates: arguments.rates.clone(),
        loaded_rates: arguments.loaded_rates.clone(),
        holds: arguments.holds.clone(),
        loaded_hold: arguments.loaded_hold.clone(),
        hooks: arguments.rx.clone(),
        rounds: arguments.rounds,
        sending: Duration::try_from_secs_f64(arguments.seconds)
            .context("--seconds: give a number above 0")?,
    })
}
