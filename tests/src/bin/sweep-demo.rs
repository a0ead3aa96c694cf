//! Shows `probe sweep` at work: a simulated internet, one target in each of 65,536
//! networks of it, every hop. `PROBE_BIN` names the program.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use probe_common::lab::{Count, Internet};
use probe_tests::lab::InternetLab;

/// The network that is swept: 256 × 256 networks of 256 addresses.
const NETWORK: &str = "10.0.0.0/8";
/// Hops to the furthest targets, and one more.
const MAX_TTL: &str = "19";
/// Probes a second: some seconds for all, without a core to itself.
const RATE: &str = "200k";

fn main() -> ExitCode {
    match demonstrate() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "sweep-demo: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn demonstrate() -> Result<ExitCode> {
    let probe = std::env::var_os("PROBE_BIN")
        .context("PROBE_BIN is not set: give it the path of the probe program")?;
    let lab = InternetLab::build(Internet::DEFAULT)?;
    let arguments = [
        "sweep",
        "--allow-private",
        "--per-prefix",
        "1",
        "--max-ttl",
        MAX_TTL,
        "--rate",
        RATE,
        "--format",
        "none",
        NETWORK,
    ];
    let _ = writeln!(
        io::stderr(),
        "# a simulated internet, swept with: probe {}",
        arguments.join(" ")
    );
    let status = lab
        .vantage()
        .command(&probe)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", probe.display()))?;
    let traffic = lab.traffic()?;
    let _ = writeln!(
        io::stderr(),
        "# the simulated internet saw {} probes and sent {} replies",
        traffic.get(Count::Probes),
        traffic.sent_back()
    );
    // Ended by a signal: as a shell would say it.
    let code = status.code().unwrap_or(128);
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}
