//! The machine that is measured on, and how busy it was meanwhile.

use std::fs;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// A machine, as far as it matters.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Release of the kernel.
    pub kernel: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// Share of all processors' time that was not idle while measuring. Whatever
    /// else runs takes the caches that the tools and the network stack would use.
    pub busy: f64,
}

/// `USER_HZ`, of every architecture that eBPF runs on here.
pub(super) const TICKS_PER_SECOND: f64 = 100.0;

/// Watches the processors from its start on.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Ticks);

/// Time of all processors since they started, in ticks of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    idle: u64,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    ///
    /// If `/proc/stat` cannot be read.
    pub fn start() -> Result<Self> {
        Ok(Self(now()?))
    }

    /// This machine, and how busy it was since the start.
    ///
    /// # Errors
    ///
    /// If `/proc` cannot be read.
    pub fn finish(self) -> Result<Machine> {
        Ok(Machine {
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            processors: std::thread::available_parallelism()?.get(),
            busy: busy(self.0, now()?),
        })
    }

    /// Seconds that all processors together were busy since the start.
    ///
    /// # Errors
    ///
    /// If `/proc/stat` cannot be read.
    pub fn busy_seconds(&self) -> Result<f64> {
        let after = now()?;
        let all = after.all.saturating_sub(self.0.all);
        let busy = all.saturating_sub(after.idle.saturating_sub(self.0.idle));
        Ok(busy as f64 / TICKS_PER_SECOND)
    }
}

fn now() -> Result<Ticks> {
    ticks(&read("/proc/stat")?).context("no line of all processors in /proc/stat")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// Reads `cpu user nice system idle iowait irq softirq steal …` (proc_stat(5)); the
/// guests' times that follow are part of the users'.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let values = line.split_whitespace().take(8).map(str::parse);
    let values: Vec<u64> = values.collect::<Result<_, _>>().ok()?;
    let (idle, waiting) = (values.get(3)?, values.get(4)?);
    Some(Ticks {
        all: values.iter().sum(),
        idle: idle + waiting,
    })
}

fn busy(before: Ticks, after: Ticks) -> f64 {
    let all = after.all.saturating_sub(before.all).max(1) as f64;
    1.0 - after.idle.saturating_sub(before.idle) as f64 / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_processors_are_not_busy() {
        let before = ticks("cpu  10 0 10 60 20 0 0 0 5 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!(before, Ticks { all: 100, idle: 80 });
        let after = ticks("cpu  40 10 20 120 20 0 0 0 5 0\n").unwrap();
        assert!((busy(before, after) - 5.0 / 11.0).abs() < 1e-9);
        assert_eq!(ticks("intr 1 2\n"), None);
    }
}
