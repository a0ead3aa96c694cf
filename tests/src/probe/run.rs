//! A run, while it lasts and afterwards.

use std::{
    fs::{self, File, Permissions},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    accounting::assert_accounting,
    metadata::{Counters, Metadata},
    record::{Ping, Reply, Trace},
};

/// A run that lasts longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two signals that are to end it: of two that come before the first is seen, one
/// is.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(500);
/// Exit codes after which metadata is there: done, cut short, stopped by a signal.
const MEASURED: [i32; 6] = [0, 1, 4, 129, 130, 143];

/// Where a run writes.
#[derive(Debug)]
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir().context("no place for files")?))
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Lets every user write here.
    pub(super) fn open_to_anybody(&self) -> Result<()> {
        Ok(fs::set_permissions(
            self.0.path(),
            Permissions::from_mode(0o777),
        )?)
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// A run that goes on; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    files: Files,
    /// Whether the run is one that measures, and so writes metadata.
    measures: bool,
    written: Growth,
}

/// How far a file of lines has grown.
#[derive(Debug, Default)]
struct Growth {
    octets: u64,
    lines: usize,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code; `None`: killed by a signal.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    metadata: Option<Metadata>,
}

impl Running {
    pub(super) fn new(child: Child, files: Files, measures: bool) -> Self {
        Self {
            child,
            files,
            measures,
            written: Growth::default(),
        }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process's own end of a pipe, if stdout is one.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Whole lines written to stdout until now.
    ///
    /// # Errors
    ///
    /// If they are not UTF-8.
    pub fn lines(&self) -> Result<Vec<String>> {
        let text = self.files.read("stdout")?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Ok(whole.lines().map(str::to_owned).collect())
    }

    /// Waits until so many lines have been written to stdout.
    ///
    /// # Errors
    ///
    /// If the run ends or hangs before.
    pub fn wait_for_lines(&mut self, count: usize) -> Result<()> {
        self.wait_until(&format!("{count} lines"), |run| {
            Ok(run.written.look(&run.files.path("stdout"))? >= count)
        })
    }

    /// Waits until so many lines of stderr contain a text.
    ///
    /// # Errors
    ///
    /// If the run ends or hangs before.
    pub fn wait_until_told(&mut self, text: &str, count: usize) -> Result<()> {
        self.wait_until(&format!("{count} times {text:?}"), |run| {
            let told = run.files.read("stderr")?;
            Ok(told.lines().filter(|line| line.contains(text)).count() >= count)
        })
    }

    /// Waits until something has come about.
    ///
    /// # Errors
    ///
    /// If it cannot be seen whether it has, or the run ends or hangs before.
    pub fn wait_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let started = Instant::now();
        while !is_so(self)? {
            if let Some(status) = self.child.try_wait()? {
                bail!("{status}, not {what}; {}", self.files.read("stderr")?);
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "no {what}: {:?}",
                self.lines()
            );
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// If the run has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.id().try_into()?), signal)?)
    }

    /// Whether it has ended.
    ///
    /// # Errors
    ///
    /// If the kernel does not say.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Sends a signal again and again until it ends, so far apart that each is seen. Then
    /// as [`Self::wait`].
    ///
    /// # Errors
    ///
    /// As of [`Self::wait`].
    #[track_caller]
    pub fn insist(mut self, signal: Signal) -> Result<Run> {
        let started = Instant::now();
        let mut sent = 0;
        while !self.has_ended()? && started.elapsed() < PATIENCE {
            if started.elapsed() >= BETWEEN_SIGNALS * sent {
                self.signal(signal)?;
                sent += 1;
            }
            thread::sleep(PAUSE);
        }
        self.wait()
    }

    /// Waits for the end and checks the accounting.
    ///
    /// # Errors
    ///
    /// If it does not end, or its metadata is missing or cannot be read.
    #[track_caller]
    pub fn wait(mut self) -> Result<Run> {
        let status = self.wait_status()?;
        let stderr = self.files.read("stderr")?;
        let stdout = self.files.read("stdout")?;
        let metadata = match status.code() {
            Some(code) if self.measures && MEASURED.contains(&code) => {
                let metadata = read_metadata(&self.files.path("metadata"));
                Some(metadata.with_context(|| format!("{status}: {stderr}{stdout}"))?)
            }
            _ => None,
        };
        metadata.iter().for_each(assert_accounting);
        Ok(Run {
            code: status.code(),
            stdout,
            stderr,
            metadata,
        })
    }

    fn wait_status(&mut self) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(started.elapsed() < PATIENCE, "probe does not end");
            thread::sleep(PAUSE);
        }
    }
}

impl Growth {
    /// How many whole lines there are by now.
    fn look(&mut self, path: &Path) -> Result<usize> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.octets))?;
        let mut new = Vec::new();
        file.read_to_end(&mut new)?;
        self.octets += new.len() as u64;
        self.lines += new.iter().filter(|octet| **octet == b'\n').count();
        Ok(self.lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// The metadata.
    ///
    /// # Errors
    ///
    /// If the run measured nothing.
    pub fn metadata(&self) -> Result<&Metadata> {
        let metadata = self.metadata.as_ref();
        metadata.with_context(|| format!("nothing was measured: {:?} {}", self.code, self.stderr))
    }

    /// The counters.
    ///
    /// # Errors
    ///
    /// If the run measured nothing.
    pub fn counters(&self) -> Result<&Counters> {
        Ok(&self.metadata()?.counters)
    }

    /// Every record of every type.
    ///
    /// # Errors
    ///
    /// If a line of stdout is not one whole JSON object.
    pub fn records(&self) -> Result<Vec<Value>> {
        read_lines(&self.stdout)
    }

    /// The traces, in the order written.
    ///
    /// # Errors
    ///
    /// If a line of stdout is not JSON.
    pub fn traces(&self) -> Result<Vec<Trace>> {
        self.of_type(|record| record.get("hops").is_some())
    }

    /// The one trace.
    ///
    /// # Errors
    ///
    /// If there are more or none.
    pub fn trace(&self) -> Result<Trace> {
        self.only(self.traces()?)
    }

    /// The summaries of pings, in the order written.
    ///
    /// # Errors
    ///
    /// If a line of stdout is not JSON.
    pub fn pings(&self) -> Result<Vec<Ping>> {
        self.of_type(|record| record.get("hops").or(record.get("kind")).is_none())
    }

    /// The one summary of a ping.
    ///
    /// # Errors
    ///
    /// If there are more or none.
    pub fn ping(&self) -> Result<Ping> {
        self.only(self.pings()?)
    }

    /// The replies, in the order written.
    ///
    /// # Errors
    ///
    /// If a line of stdout is not JSON.
    pub fn replies(&self) -> Result<Vec<Reply>> {
        self.of_type(|record| record.get("kind").is_some())
    }

    fn only<T>(&self, records: Vec<T>) -> Result<T> {
        match <[T; 1]>::try_from(records) {
            Ok([record]) => Ok(record),
            Err(records) => bail!(
                "{} records, exit code {:?}: {}{}",
                records.len(),
                self.code,
                self.stderr,
                self.stdout
            ),
        }
    }

    fn of_type<T: DeserializeOwned>(&self, is_wanted: impl Fn(&Value) -> bool) -> Result<Vec<T>> {
        let records = self.records()?.into_iter();
        let wanted = records.filter(is_wanted);
        let read = wanted.map(|record| {
            T::deserialize(&record).with_context(|| format!("a record of another form: {record}"))
        });
        read.collect()
    }
}

/// Reads JSONL; the last line, too, must be whole.
fn read_lines(text: &str) -> Result<Vec<Value>> {
    ensure!(
        text.is_empty() || text.ends_with('\n'),
        "a part of a line: {text}"
    );
    let read = text.lines().map(|line| {
        serde_json::from_str(line).with_context(|| format!("not a JSON object: {line}"))
    });
    read.collect()
}

fn read_metadata(path: &Path) -> Result<Metadata> {
    let text = fs::read_to_string(path).context("no metadata")?;
    serde_json::from_str(&text).with_context(|| format!("metadata of another form: {text}"))
}
