//! `cargo xtask run`: a demonstration in a lab, or `probe` itself.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use crate::{cargo, command, ebpf, setup};

/// Sweep a simulated internet; `lab`: trace across real Linux routers; with other
/// arguments: run `probe ARGUMENTS…`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// `lab`, or arguments of `probe`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the demo or `probe`, in place of this process.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    ebpf::ensure_fresh()?;
    let demonstration = match arguments.arguments.as_slice() {
        [] => "sweep-demo",
        [lab] if lab == "lab" => "lab-demo",
        arguments => {
            let probe = cargo::build_probe()?;
            return command::exec(command::as_root(&probe, &[]).args(arguments));
        }
    };
    setup::lab()?;
    with_lab(demonstration, &[])
}

/// Runs a binary of the tests' package, which finds `probe` by `PROBE_BIN`, in
/// place of this process.
pub(crate) fn with_lab(binary: &str, arguments: &[OsString]) -> Result<()> {
    let probe = cargo::build_probe()?;
    let binary = cargo::build_binary("probe-tests", binary)?;
    command::exec(command::as_root(&binary, &[("PROBE_BIN", &probe)]).args(arguments))
}
