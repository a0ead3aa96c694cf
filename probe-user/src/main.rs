//! The command `probe`.

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use probe::{cli, error::Outcome};

fn main() -> ExitCode {
    let result = cli::parse(std::env::args_os()).map(|_| Outcome::Done);
    result.map_or_else(
        |error| {
            // Where nobody reads errors, the exit code has to do.
            let _ = writeln!(stderr(), "probe: {error}");
            error.exit_code()
        },
        Outcome::exit_code,
    )
}
