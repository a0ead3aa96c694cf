//! What a run costs: processor time and memory.

use std::{fs, time::Duration};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;

use crate::bench::{Watch, machine::TICKS_PER_SECOND};

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
    /// Processor time of the process so far.
    spent: Duration,
}

impl Meter {
    /// Begins before the child does much; no other child must end meanwhile.
    pub(super) fn start(process: u32) -> Result<Self> {
        Ok(Self {
            process,
            watch: Watch::start()?,
            children_before: of_children()?,
            peak_memory_bytes: 0,
            spent: Duration::ZERO,
        })
    }

    /// Looks at the memory that the process has, and at its processor time, which it gives.
    pub(super) fn look(&mut self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process));
        if let Some(spent) = stat.ok().and_then(|stat| processor_time(&stat)) {
            self.spent = self.spent.max(spent);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.process));
        if let Some(peak) = status.ok().and_then(|status| peak_bytes(&status)) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(peak);
        }
        self.spent
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

/// `utime` and `stime` of proc_pid_stat(5), behind the name, which may hold anything.
fn processor_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_secs_f64(
        (user + system) as f64 / TICKS_PER_SECOND,
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
    fn processor_time_is_of_user_and_system() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 125 50 9 9 20 0 1 0 1 2 3";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(processor_time("7 (a) S 1"), None);
    }

    #[test]
    fn the_peak_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t  12 kB\n";
        assert_eq!(peak_bytes(status), Some(1234 * 1024));
        assert_eq!(peak_bytes("VmRSS:\t 1 kB\n"), None);
    }
}
