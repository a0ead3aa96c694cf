//! Shows `probe` at work: makes a lab, traces across it in both families, takes it
//! down. `PROBE_BIN` names the program; it is run as `PROBE_BIN trace TARGET`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use probe_tests::lab::{Family, Lab};

/// Four routers in a row, then two arms of equal length.
const TOPOLOGY: &str = "vantage r1 r2 r3 r4 (a5 | b5) r6 target";

fn main() -> ExitCode {
    match demonstrate() {
        Ok(code) => code,
        // The reader of our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab-demo: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Returns the first exit code of the probe that is not 0.
fn demonstrate() -> Result<ExitCode> {
    let probe = std::env::var_os("PROBE_BIN")
        .context("PROBE_BIN is not set: give it the path of the probe program")?;
    let lab = Lab::parse(TOPOLOGY).build()?;
    let mut worst = 0;
    for family in Family::ALL {
        let target = lab.address(family, "target")?.to_string();
        writeln!(
            io::stdout(),
            "# {family}, across real Linux routers: {TOPOLOGY}"
        )?;
        let status = lab
            .vantage()
            .command(&probe)
            .args(["trace", &target])
            .status()
            .with_context(|| format!("cannot start {}", probe.display()))?;
        writeln!(io::stdout())?;
        if worst == 0 {
            // Ended by a signal: as a shell would say it.
            worst = status.code().unwrap_or(128);
        }
    }
    Ok(u8::try_from(worst).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
