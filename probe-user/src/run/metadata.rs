//! The metadata of a run: one JSON object that says what was done and counted.

use std::time::SystemTime;

use serde::Serialize;

use super::{
    clocks::{Clocks, Step, Suspension},
    quality::{StampSource, Stamping},
    sender::Attempts,
    sweep::SweepSection,
};
use crate::{
    engine::{
        accounting::{Accounting, Settled},
        report::ExtensionCounts,
        time::Moment,
    },
    io::{
        bpf::Attachment,
        clock::{self, Reading},
        slots::Tally,
        transmit::errno_name,
    },
};

/// Version of the records' and the metadata's schema.
const SCHEMA: u32 = 1;

/// Seconds between two clock pairs.
const PAIR_INTERVAL_NS: u64 = 1_000_000_000;

/// Clock pairs kept: a run of days keeps constant memory.
const MOST_PAIRS: usize = 3_600;

/// What `--metadata` writes.
#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    schema: u32,
    version: &'static str,
    command: Vec<String>,
    seed: u64,
    start: String,
    end: String,
    sent: u64,
    send_seconds: f64,
    sent_rate: f64,
    counters: Accounting,
    stamps: Vec<StampSource>,
    /// What the kernel reads time from; its name in `/sys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    clocksource: Option<String>,
    clock: Vec<ClockPair>,
    /// When real time was set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clock_steps: Vec<Step>,
    /// When the host slept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suspensions: Vec<Suspension>,
    kernel: String,
    interfaces: Vec<String>,
    /// Those that no probe left by, and replies might have come in by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reply_interfaces: Vec<String>,
    /// What routers said behind quotes.
    pub(super) extensions: ExtensionCounts,
    /// What only a sweep has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<SweepSection>,
}

/// Two clocks read at once, nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct ClockPair {
    monotonic_ns: u64,
    realtime_ns: u64,
}

/// Notes what only the running knows.
#[derive(Debug)]
pub(super) struct Journal {
    start: SystemTime,
    start_ns: u64,
    last_sent_ns: u64,
    pairs: Vec<ClockPair>,
    clocks: Clocks,
}

impl Journal {
    pub(super) fn begin() -> Self {
        let mut journal = Self {
            start: SystemTime::now(),
            start_ns: clock::now().0,
            last_sent_ns: 0,
            pairs: Vec::new(),
            clocks: Clocks::new(Reading::take()),
        };
        journal.tick();
        journal
    }

    /// For how long the host has slept meanwhile, nanoseconds.
    pub(super) fn slept_ns(&self) -> u64 {
        self.clocks.slept_ns
    }

    /// Reads the clocks; says if the host slept since it last did. A pair is kept each
    /// second, at most an hour of them, thinned out.
    pub(super) fn tick(&mut self) -> Option<Suspension> {
        let reading = Reading::take();
        self.keep_pair(reading);
        self.clocks.look(reading)
    }

    fn keep_pair(&mut self, reading: Reading) {
        let now = reading.monotonic_ns;
        let due = self
            .pairs
            .last()
            .is_none_or(|pair| now.saturating_sub(pair.monotonic_ns) >= PAIR_INTERVAL_NS);
        if !due {
            return;
        }
        if self.pairs.len() >= MOST_PAIRS {
            let mut place = 0usize;
            self.pairs.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        self.pairs.push(ClockPair {
            monotonic_ns: now,
            realtime_ns: reading.realtime_ns,
        });
    }

    /// Probes have just been sent.
    pub(super) fn sent(&mut self) {
        self.sent_at(clock::now());
    }

    /// The last probes so far were sent at this moment.
    pub(super) fn sent_at(&mut self, moment: Moment) {
        self.last_sent_ns = moment.0;
    }

    /// The metadata of the run that ends now.
    pub(super) fn close(
        &mut self,
        counters: Accounting,
        seed: u64,
        attachments: &[Attachment],
        stamps: &Stamping,
    ) -> Metadata {
        self.tick();
        let left_by = |sends| attachments.iter().filter(move |a| a.sends == sends);
        let names = |sends| left_by(sends).map(|a| a.name.clone()).collect();
        let send_seconds = self.last_sent_ns.saturating_sub(self.start_ns) as f64 / 1e9;
        Metadata {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command: std::env::args().collect(),
            seed,
            start: humantime::format_rfc3339_micros(self.start).to_string(),
            end: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            sent: counters.sent,
            send_seconds,
            sent_rate: if send_seconds > 0.0 {
                counters.sent as f64 / send_seconds
            } else {
                0.0
            },
            counters,
            stamps: left_by(true).map(|a| stamps.source(a)).collect(),
            clocksource: clock::source(),
            clock: std::mem::take(&mut self.pairs),
            clock_steps: std::mem::take(&mut self.clocks.steps),
            suspensions: std::mem::take(&mut self.clocks.suspensions),
            kernel: kernel_release(),
            interfaces: names(true),
            reply_interfaces: names(false),
            extensions: ExtensionCounts::default(),
            sweep: None,
        }
    }
}

/// What userspace knows, joined with what the slots say. The kernel's counters
/// come on top (`Accounting::read_kernel`).
pub(super) fn account(
    attempts: &Attempts,
    slots: Tally,
    kernel: &probe_common::abi::Counters,
    settled: Settled,
) -> Accounting {
    let mut accounting = Accounting::default();
    accounting.read_kernel(kernel, settled);
    accounting.planned = attempts.planned;
    accounting.skipped = attempts
        .skipped
        .iter()
        .map(|(reason, count)| ((*reason).into(), *count))
        .collect();
    accounting.failed = attempts
        .failed
        .iter()
        .map(|(errno, count)| (errno_name(*errno), *count))
        .collect();
    let known: u64 =
        accounting.failed.values().sum::<u64>() + accounting.skipped.values().sum::<u64>();
    let vanished = attempts
        .planned
        .saturating_sub(known)
        .saturating_sub(accounting.stamped);
    accounting.failed.insert("vanished".into(), vanished);
    accounting.dropped_after_stamp = slots.dropped;
    accounting.sent = accounting.stamped.saturating_sub(slots.dropped);
    accounting.answered = slots.answered;
    accounting.late_only = slots.late_only;
    accounting.unanswered = slots.unanswered;
    accounting
}

fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|release| release.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use probe_common::abi::{Counter, Counters};

    use super::*;
    use crate::io::transmit::UNBUILDABLE;

    /// A run of ten probes: one found no slot, two were refused, one was taken and
    /// never seen again, one was dropped behind its stamp; of the five that left,
    /// three were answered in time and one late.
    fn run() -> (Attempts, Tally, Counters) {
        let attempts = Attempts {
            planned: 10,
            skipped: BTreeMap::from([("slots_busy", 1)]),
            failed: BTreeMap::from([(UNBUILDABLE, 2)]),
        };
        let slots = Tally {
            dropped: 1,
            answered: 3,
            late_only: 1,
            unanswered: 1,
        };
        let mut kernel = Counters::ZERO;
        for (counter, count) in [
            (Counter::Stamped, 6),
            (Counter::Candidates, 5),
            (Counter::Foreign, 1),
            (Counter::Valid, 3),
            (Counter::Late, 1),
            (Counter::Delivered, 4),
        ] {
            kernel.0[counter as usize] = count;
        }
        (attempts, slots, kernel)
    }

    #[test]
    fn every_probe_is_accounted_for() {
        let (attempts, slots, kernel) = run();
        let mut account = account(&attempts, slots, &kernel, Settled::default());
        account.recorded = 4;
        assert_eq!(account.violations(), [""; 0]);
        let failed = [(errno_name(UNBUILDABLE), 2), ("vanished".to_owned(), 1)];
        assert_eq!(account.failed, BTreeMap::from(failed));
        assert_eq!((account.stamped, account.sent), (6, 5));
    }

    #[test]
    fn a_probe_stamped_twice_cannot_hide() {
        let (attempts, slots, mut kernel) = run();
        kernel.0[Counter::Stamped as usize] = 8;
        let mut account = account(&attempts, slots, &kernel, Settled::default());
        account.recorded = 4;
        assert!(!account.violations().is_empty());
    }
}
