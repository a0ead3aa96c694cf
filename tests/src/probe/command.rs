//! Starting `probe` in a namespace.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Write as _,
    net::IpAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::run::{Files, Run, Running};
use crate::lab::Namespace;

/// A command line of `probe`, to be run in a namespace.
#[derive(Debug)]
pub struct Probe<'a> {
    namespace: &'a Namespace,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    input: Option<String>,
    program: Option<PathBuf>,
    stdout: Option<Stdio>,
    is_for_anybody: bool,
}

impl<'a> Probe<'a> {
    /// `probe trace`, results as JSON, no names looked up.
    pub fn trace(namespace: &'a Namespace) -> Self {
        Self::people(namespace, "trace").args(["--json", "--no-dns"])
    }

    /// `probe ping`, results as JSON.
    pub fn ping(namespace: &'a Namespace) -> Self {
        Self::people(namespace, "ping").args(["--json", "--no-dns"])
    }

    /// `probe sweep` of private addresses, all probes of the plan, one JSON object for
    /// each reply.
    pub fn sweep(namespace: &'a Namespace) -> Self {
        Self::adaptive_sweep(namespace).args(["--probing", "full"])
    }

    /// The same, of the probes that replies do not make unnecessary.
    pub fn adaptive_sweep(namespace: &'a Namespace) -> Self {
        Self::people(namespace, "sweep").args(["--quiet", "--allow-private"])
    }

    /// A job with results for people, and names.
    pub fn people(namespace: &'a Namespace, job: &str) -> Self {
        Self {
            namespace,
            wrapper: Vec::new(),
            arguments: vec![job.into()],
            input: None,
            program: None,
            stdout: None,
            is_for_anybody: false,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds a target.
    #[must_use]
    pub fn to(self, target: IpAddr) -> Self {
        self.args([target.to_string()])
    }

    /// Gives it this text to read from stdin.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Has another program start it: `setpriv --reuid=65534`.
    #[must_use]
    pub fn through(mut self, wrapper: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.wrapper.extend(wrapper.into_iter().map(Into::into));
        self
    }

    /// Runs another file than `PROBE_BIN`.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// Lets a user without rights write the metadata.
    #[must_use]
    pub fn for_anybody(mut self) -> Self {
        self.is_for_anybody = true;
        self
    }

    /// Writes to a pipe that the caller reads, [`Running::take_stdout`].
    #[must_use]
    pub fn piped(mut self) -> Self {
        self.stdout = Some(Stdio::piped());
        self
    }

    /// Runs it to its end and checks the accounting.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not end; no exit code is an error.
    #[track_caller]
    pub fn run(self) -> Result<Run> {
        self.start()?.wait()
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(self) -> Result<Running> {
        let files = Files::new()?;
        if self.is_for_anybody {
            files.open_to_anybody()?;
        }
        let measures = !self
            .arguments
            .iter()
            .any(|argument| argument == "--dry-run");
        let program = match self.program {
            Some(program) => program,
            None => binary()?,
        };
        let mut command = command(self.namespace, &self.wrapper, program.as_os_str());
        command.args(&self.arguments);
        if measures {
            command.arg("--metadata").arg(files.path("metadata"));
        }
        let stdout = File::create(files.path("stdout"))?;
        command
            .stdin(
                self.input
                    .as_ref()
                    .map_or_else(Stdio::null, |_| Stdio::piped()),
            )
            .stdout(self.stdout.unwrap_or_else(|| stdout.into()))
            .stderr(File::create(files.path("stderr"))?);
        let mut child = command.spawn().context("cannot start probe")?;
        if let (Some(text), Some(mut input)) = (self.input, child.stdin.take()) {
            input.write_all(text.as_bytes())?;
        }
        Ok(Running::new(child, files, measures))
    }
}

/// The program under test.
///
/// # Errors
///
/// If `PROBE_BIN` is not set.
fn binary() -> Result<PathBuf> {
    let binary = std::env::var_os("PROBE_BIN");
    binary
        .map(PathBuf::from)
        .context("PROBE_BIN is not set: give it the path of the probe program")
}

/// `WRAPPER… PROGRAM`, in the namespace.
fn command(namespace: &Namespace, wrapper: &[OsString], program: &OsStr) -> Command {
    let Some((first, rest)) = wrapper.split_first() else {
        return namespace.command(program);
    };
    let mut command = namespace.command(first);
    command.args(rest).arg(program);
    command
}
