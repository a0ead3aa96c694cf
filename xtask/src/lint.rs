//! `cargo xtask lint`: format, clippy, documentation and the workspace's own rules.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    cargo::cargo,
    command, layers,
    suites::{PACKAGE, ROOT_FEATURE, Suites},
};

/// Check format, lints, documentation and the workspace's own rules.
#[derive(Args)]
pub(crate) struct Arguments {}

/// Runs all checks and fails if one did.
pub(crate) fn main(_: &Arguments) -> Result<()> {
    let mut failed: Vec<&str> = Vec::new();
    if !passes(cargo().args(["fmt", "--all", "--", "--check"])) {
        failed.push("format");
    }
    if !passes(&mut clippy(Suites::find()?.has_root_feature)) {
        failed.push("clippy");
    }
    if !passes(&mut documentation()) {
        failed.push("documentation");
    }
    let breaches = layers::breaches()?;
    breaches.iter().for_each(|breach| eprintln!("{breach}"));
    if !breaches.is_empty() {
        failed.push("own rules");
    }
    if !failed.is_empty() {
        bail!("these checks failed: {}", failed.join(", "));
    }
    eprintln!("format, clippy, documentation and own rules: nothing to complain about");
    Ok(())
}

/// All crates and all targets; the kernel programs too, as the host sees them.
fn clippy(with_root_suites: bool) -> Command {
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets"]);
    if with_root_suites {
        clippy.arg("--features");
        clippy.arg(format!("{PACKAGE}/{ROOT_FEATURE}"));
    }
    clippy.args(["--", "--deny", "warnings"]);
    clippy
}

fn documentation() -> Command {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    doc
}

fn passes(check: &mut Command) -> bool {
    match command::run(check) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("{error:#}");
            false
        }
    }
}
