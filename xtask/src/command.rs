//! Running other programs.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Directories of system programs that are not in every user's `PATH`.
const SYSTEM_DIRS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Runs a command, saying so, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("+ {}", line(command));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a command in silence and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}", line(command), stderr.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Becomes a command: its exit code and its signals are this process's own.
pub(crate) fn exec(command: &mut Command) -> Result<()> {
    let line = line(command);
    Err(command.exec()).with_context(|| format!("cannot start `{line}`"))
}

/// A program with the rights of root; `environment` goes with it.
pub(crate) fn as_root(program: &Path, environment: &[(&str, &Path)]) -> Command {
    if is_root() {
        let mut command = Command::new(program);
        command.envs(environment.iter().copied());
        return command;
    }
    let mut command = Command::new("sudo");
    command.args(["-E", "env"]);
    for (name, value) in environment {
        command.arg(format!("{name}={}", value.display()));
    }
    command.arg(program);
    command
}

/// Whether this process has the rights of root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The path of a program, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_DIRS.iter().map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// The command as a user would type it.
fn line(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    words.join(" ")
}
