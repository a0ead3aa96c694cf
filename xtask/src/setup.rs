//! `cargo xtask setup`: installs what is missing.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{
    apt::{self, LAB, PEERS},
    fuzz,
    tool_chain::ToolChain,
};

/// Install what is missing on this machine.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to set up.
    #[arg(value_enum, default_values_t = [Set::Ebpf, Set::Lab])]
    sets: Vec<Set>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// The tool chain that builds the kernel programs.
    Ebpf,
    /// The programs that the lab, the suites and the benchmarks use.
    Lab,
    /// What builds and runs fuzzers.
    Fuzz,
}

/// Sets up what was asked for.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    for set in &arguments.sets {
        match set {
            Set::Ebpf => {
                let (compiler, linker) = ToolChain::ensure()?.versions();
                eprintln!("eBPF tool chain: {compiler}; {linker}");
            }
            Set::Lab => {
                lab()?;
                let names: Vec<_> = LAB.iter().map(|package| package.name).collect();
                eprintln!("lab: {}", names.join(", "));
            }
            Set::Fuzz => eprintln!("fuzzing: {}", fuzz::ensure()?.display()),
        }
    }
    Ok(())
}

/// Sets up what the lab, the suites and the benchmarks use.
pub(crate) fn lab() -> Result<()> {
    apt::ensure("lab", LAB)
}

/// Sets up the tools that a benchmark compares with; those that cannot be installed
/// are left out there.
pub(crate) fn peers() {
    if let Err(error) = apt::ensure("benchmark", PEERS) {
        eprintln!("warning: {error:#}");
    }
}
