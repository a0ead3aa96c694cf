//! One run of a tool, to its end.

use std::{
    io::{Read as _, Seek as _},
    path::Path,
    process::{Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use super::{
    reading::Reading,
    tool::{Job, TARGETS, Tool},
};
use crate::lab::Namespace;

/// What a run may take beyond its sending: start, last reply, end.
const OVERHEAD: Duration = Duration::from_secs(10);
/// Exit code of timeout(1) if the time was up.
const TIMED_OUT: i32 = 124;

/// Runs a tool in a network namespace and a directory, where it finds its targets.
/// Gives what it printed.
///
/// # Errors
///
/// If it fails, or does not end.
pub(super) fn run(
    tool: &Tool,
    job: &Job<'_>,
    place: &Namespace,
    directory: &Path,
    targets: &str,
) -> Result<String> {
    std::fs::write(directory.join(TARGETS), targets)?;
    std::fs::write(directory.join("none-excluded"), "")?;
    let limit = (job.rate.interval() * job.count * 2 + OVERHEAD)
        .as_secs()
        .to_string();
    let arguments = tool.arguments(job);
    let mut command = place.command("timeout");
    command.args(["--kill-after=2", &limit]).arg(tool.program());
    command.args(&arguments).current_dir(directory);
    let ended = Ended::run(&mut command)?;
    let line = || format!("`{} {}`", tool.name(), arguments.join(" "));
    let code = ended.status.code();
    ensure!(
        code != Some(TIMED_OUT),
        "{} had not ended after {limit} s",
        line()
    );
    ensure!(
        code.is_some_and(|code| tool.has_measured(code)),
        "{}: {}: {}",
        line(),
        ended.status,
        ended.stderr.lines().next().unwrap_or("it says no more")
    );
    Ok(ended.stdout)
}

/// Runs it and reads the replies that it reports.
///
/// # Errors
///
/// If it fails, does not end, or reports none.
pub(super) fn readings(
    tool: &Tool,
    job: &Job<'_>,
    place: &Namespace,
    targets: &str,
) -> Result<Vec<Reading>> {
    let directory = tempfile::tempdir()?;
    let output = run(tool, job, place, directory.path(), targets)?;
    let readings = tool.read(&output, directory.path())?;
    ensure!(!readings.is_empty(), "{tool} reports no reply");
    Ok(readings)
}

/// A command that has ended.
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// Runs a command. What it prints goes to files: nobody wakes up to read it
    /// while it measures.
    fn run(command: &mut Command) -> Result<Self> {
        let mut files = [tempfile::tempfile()?, tempfile::tempfile()?];
        let [stdout, stderr] = &files;
        let status = command
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .status()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut texts = [String::new(), String::new()];
        for (file, text) in files.iter_mut().zip(&mut texts) {
            file.rewind()?;
            file.read_to_string(text)?;
        }
        let [stdout, stderr] = texts;
        Ok(Self {
            status,
            stdout,
            stderr,
        })
    }
}
