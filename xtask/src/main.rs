//! Development tasks: `cargo xtask <verb>`, a file for each verb.

mod apt;
mod bench;
mod cargo;
mod command;
mod compiler;
mod ebpf;
mod fuzz;
mod layers;
mod linker;
mod lint;
mod lockfile;
mod manifest;
mod miri;
mod run;
mod setup;
mod sources;
mod suites;
mod tally;
mod test;
mod tokens;
mod tool_chain;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of probe.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Setup(setup::Arguments),
    Ebpf(ebpf::Arguments),
    Fuzz(fuzz::Arguments),
    Miri(miri::Arguments),
    Lint(lint::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().verb {
        Verb::Run(arguments) => run::main(&arguments),
        Verb::Test(arguments) => test::main(&arguments),
        Verb::Bench(arguments) => bench::main(&arguments),
        Verb::Setup(arguments) => setup::main(&arguments),
        Verb::Ebpf(arguments) => ebpf::main(&arguments),
        Verb::Fuzz(arguments) => fuzz::main(&arguments),
        Verb::Miri(arguments) => miri::main(&arguments),
        Verb::Lint(arguments) => lint::main(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
