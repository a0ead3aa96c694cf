//! Running cargo on the workspace.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// One of cargo's messages, as far as it says what was built.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The cargo that runs this task.
pub(crate) fn program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Cargo in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(program());
    command.current_dir(workspace::root());
    command
}

/// The release build of the binary `probe`.
pub(crate) fn build_probe() -> Result<PathBuf> {
    build_binary("probe-user", "probe")
}

/// Builds a binary in release, without the package's default features, and gives its
/// path.
pub(crate) fn build_binary(package: &str, binary: &str) -> Result<PathBuf> {
    build_binary_with(&["--release", "--no-default-features"], package, binary)
}

/// Builds a binary with these flags and gives its path.
pub(crate) fn build_binary_with(flags: &[&str], package: &str, binary: &str) -> Result<PathBuf> {
    let shown = flags.join(" ");
    eprintln!("+ cargo build --package {package} --bin {binary} {shown}");
    let mut child = cargo()
        .args(["build", "--package", package, "--bin", binary])
        .args(flags)
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = child.stdout.take().context("cargo has no output")?;
    let mut executable = None;
    for line in BufReader::new(messages).lines() {
        executable = executable_of(&line?, binary).or(executable);
    }
    if !child.wait()?.success() {
        bail!("{binary} of {package} does not build");
    }
    executable.with_context(|| format!("cargo built no binary {binary} in {package}"))
}

/// The path that a message of cargo gives for `binary`.
fn executable_of(line: &str, binary: &str) -> Option<PathBuf> {
    let message: Message = serde_json::from_str(line).ok()?;
    message
        .target
        .filter(|target| target.name == binary)
        .and(message.executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_told_from_the_library_of_the_same_name() {
        let library = r#"{"target":{"name":"probe"},"executable":null}"#;
        let binary = r#"{"target":{"name":"probe"},"executable":"/t/release/probe"}"#;
        assert_eq!(executable_of(library, "probe"), None);
        assert_eq!(
            executable_of(binary, "probe"),
            Some("/t/release/probe".into())
        );
        assert_eq!(executable_of(binary, "lab-demo"), None);
    }
}
