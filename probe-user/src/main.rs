//! The command `probe`.

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use probe::{cli, error::Outcome, run};

fn main() -> ExitCode {
    let result = cli::parse(std::env::args_os()).and_then(run::carry_out);
    result.map_or_else(
        |error| {
            // Where nobody reads errors, the exit code has to do.
            let _ = writeln!(stderr(), "probe: {error}");
            error.exit_code()
        },
        Outcome::exit_code,
    )
}
