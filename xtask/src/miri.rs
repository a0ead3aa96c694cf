//! `cargo xtask miri`: the unit tests of `probe-common` in Miri, which sees undefined
//! behaviour, arithmetic that overflows and memory read out of bounds.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};
use clap::Args;

use crate::{command, tool_chain, workspace};

/// What Miri runs: what both sides of the kernel boundary share.
const PACKAGE: &str = "probe-common";

/// Cases of each property test, unless told otherwise: Miri is some hundred times slower.
const CASES: &str = "8";

/// Property tests look for a file of earlier findings.
const FLAGS: &str = "-Zmiri-disable-isolation";

/// Run the tests of probe-common in Miri, with a toolchain that has it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// Runs the tests; fails, and says what is missing where, if no toolchain has Miri.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    let toolchains = toolchains()?;
    let mut missing = Vec::new();
    for toolchain in &toolchains {
        match lacks(toolchain) {
            None => return test(toolchain, arguments),
            Some(what) => missing.push(format!("{toolchain} has no {what}")),
        }
    }
    bail!(
        "Miri was not run: {}; `rustup toolchain install nightly --component miri,rust-src` \
         installs both",
        missing.join(", ")
    );
}

/// The toolchains that rustup has.
fn toolchains() -> Result<Vec<String>> {
    let Some(rustup) = command::find("rustup") else {
        bail!("Miri was not run: it comes by rustup, which is not installed");
    };
    let list = command::output(Command::new(rustup).args(["toolchain", "list"]))?;
    Ok(names(&list))
}

/// The first word of each line; a nightly first, for others have no Miri.
fn names(list: &str) -> Vec<String> {
    let words = list.lines().filter_map(|line| line.split(' ').next());
    let mut names: Vec<String> = words.map(str::to_owned).collect();
    names.sort_by_key(|name| !name.starts_with("nightly"));
    names
}

/// What Miri needs and this toolchain has not.
fn lacks(toolchain: &str) -> Option<&'static str> {
    let mut miri = rustup(toolchain, "miri");
    if command::output(miri.arg("--version")).is_err() {
        return Some("miri");
    }
    let mut rustc = rustup(toolchain, "rustc");
    let sysroot = command::output(rustc.args(["--print", "sysroot"]));
    let sources = sysroot.is_ok_and(|sysroot| {
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
        library.join("core/src/lib.rs").is_file()
    });
    (!sources).then_some("rust-src")
}

fn test(toolchain: &str, arguments: &Arguments) -> Result<()> {
    let mut cargo = rustup(toolchain, "cargo");
    cargo
        .current_dir(workspace::root())
        .env("MIRIFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", workspace::target_dir().join("miri"))
        .args(["miri", "test", "--package", PACKAGE, "--lib"]);
    if std::env::var_os("PROPTEST_CASES").is_none() {
        cargo.env("PROPTEST_CASES", CASES);
    }
    command::run(cargo.arg("--").args(&arguments.filter))
}

/// A program of a toolchain, whatever toolchain this task was built by.
fn rustup(toolchain: &str, program: &str) -> Command {
    let mut command = Command::new("rustup");
    tool_chain::own_environment(&mut command);
    command.args(["run", toolchain, program]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nightly_is_asked_first() {
        let list = "stable-x86_64 (active, default)\nnightly-x86_64\n1.95.0-x86_64\n";
        let expected = ["nightly-x86_64", "stable-x86_64", "1.95.0-x86_64"];
        assert_eq!(names(list), expected);
    }
}
