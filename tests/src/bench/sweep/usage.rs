//! What a run costs: processor time and memory.

use std::{fs, time::Duration};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;

use crate::bench::Watch;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Processor time of the process and its children, seconds.
    pub process_cpu_seconds: f64,
    /// Time that all processors were busy, whoever with, seconds: the network stack
    /// works on whichever processor it finds.
    pub system_cpu_seconds: f64,
    /// Most memory that the process had at one time, bytes.
    pub peak_memory_bytes: u64,
}

/// Watches one child process.
pub(super) struct Meter {
    process: u32,
    watch: Watch,
    children_before: Duration,
    peak_memory_bytes: u64,
}

impl Meter {
    /// Begins before the child does much; no other child must end meanwhile.
    pub(super) fn start(process: u32) -> Result<Self> {
        Ok(Self {
            process,
            watch: Watch::start()?,
            children_before: of_children()?,
            peak_memory_bytes: 0,
        })
    }

    /// Looks at the memory that the process has.
    pub(super) fn look(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process));
        if let Some(peak) = status.ok().and_then(|status| peak_bytes(&status)) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(peak);
        }
    }

    /// Ends when the child has been waited for.
    pub(super) fn finish(self) -> Result<Usage> {
        let children = of_children()?.saturating_sub(self.children_before);
        Ok(Usage {
            process_cpu_seconds: children.as_secs_f64(),
            system_cpu_seconds: self.watch.busy_seconds()?,
            peak_memory_bytes: self.peak_memory_bytes,
        })
    }
}

/// Processor time of all children that were waited for.
fn of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let times = [usage.user_time(), usage.system_time()];
    let micros = times.map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Ok(Duration::from_micros(
        micros.iter().sum::<i64>().try_into()?,
    ))
}

/// `VmHWM: 1234 kB` of proc_pid_status(5).
fn peak_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t  12 kB\n";
        assert_eq!(peak_bytes(status), Some(1234 * 1024));
        assert_eq!(peak_bytes("VmRSS:\t 1 kB\n"), None);
    }
}
