//! `cargo xtask test`: all tests.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    cargo::{self, cargo},
    command, ebpf, setup,
    suites::{PACKAGE, ROOT_FEATURE, Suites},
    tally::Tally,
    workspace,
};

/// Run all tests: those of the crates, and the suites that need root.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Run one suite.
    #[arg(long, value_name = "SUITE")]
    only: Option<String>,
    /// Leave the suites that need root out.
    #[arg(long)]
    unprivileged: bool,
}

/// Runs tests; fails if one fails, or if a suite could not be run unless told so.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    let mut suites = Suites::find()?;
    if let Some(only) = &arguments.only {
        suites.require(only)?;
        suites.privileged.retain(|name| name == only);
        suites.unprivileged.retain(|name| name == only);
    }
    prepare_objects()?;
    let mut tally = Tally::default();
    run_unprivileged(&suites, arguments.only.is_some(), &mut tally)?;
    let left_out = run_privileged(&suites, arguments.unprivileged, &mut tally)?;
    if tally.ignored > 0 {
        eprintln!("warning: {} tests are marked as ignored", tally.ignored);
    }
    println!("{tally}");
    if tally.failed > 0 {
        bail!("tests failed");
    }
    if left_out && !arguments.unprivileged {
        bail!("run as root, or with --unprivileged to leave those suites out");
    }
    Ok(())
}

/// A machine that only checks does not mend what was forgotten to be committed.
fn prepare_objects() -> Result<()> {
    if workspace::in_ci() {
        ebpf::check()
    } else {
        ebpf::ensure_fresh()
    }
}

/// Runs what needs no rights: all of it, or one suite if there was a choice.
fn run_unprivileged(suites: &Suites, chosen: bool, tally: &mut Tally) -> Result<()> {
    if !chosen {
        return cargo_test(cargo().args(["test", "--no-fail-fast"]), tally);
    }
    for suite in &suites.unprivileged {
        let mut command = cargo();
        command.args(["test", "--package", PACKAGE, "--test", suite]);
        cargo_test(&mut command, tally)?;
    }
    Ok(())
}

/// Runs the suites that need root; whether they had to be left out.
fn run_privileged(suites: &Suites, unprivileged: bool, tally: &mut Tally) -> Result<bool> {
    if suites.privileged.is_empty() {
        return Ok(false);
    }
    if unprivileged || !command::is_root() {
        println!(
            "not run, for they need root: {}",
            suites.privileged.join(", ")
        );
        return Ok(true);
    }
    setup::lab()?;
    let probe = cargo::build_probe()?;
    let mut command = cargo();
    command.env("PROBE_BIN", probe);
    command.args(["test", "--release", "--no-fail-fast", "--package", PACKAGE]);
    // Binaries that link all of `probe` take long to build in release.
    command.args(["--no-default-features", "--features", ROOT_FEATURE]);
    for suite in &suites.privileged {
        command.args(["--test", suite]);
    }
    // Suites measure time and change networks: one at a time.
    command.args(["--", "--test-threads=1"]);
    cargo_test(&mut command, tally)?;
    Ok(false)
}

/// Runs `cargo test`, passing its output on, and adds its results up.
fn cargo_test(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut run = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        run.read_line(&line);
    }
    tally.add_run(run, child.wait()?.success());
    Ok(())
}
