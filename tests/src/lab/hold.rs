//! True hold times, stamped by the kernel at the responder's own device.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{PerCpuArray, RingBuf},
    programs::TcAttachType,
};
use probe_common::abi::lab::{HOLD_COUNTERS, HOLDS, Hold, HoldCounter, STAMP_REPLY, STAMP_REQUEST};

use super::{
    namespace::Namespace,
    programs,
    worker::{Stop, Worker},
};

/// How often the ring is emptied: it holds seconds of the highest rate.
const INTERVAL: Duration = Duration::from_millis(10);

/// What a responder held, and how often, after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldTimes {
    /// A pair of stamps for each reply, in the order of arrival of the requests.
    pub holds: Vec<Hold>,
    /// Echo requests that arrived.
    pub requests: u64,
    /// Echo replies that left without a stamped request.
    pub unpaired: u64,
    /// Pairs of stamps lost because nobody emptied the ring in time.
    pub ring_full: u64,
}

impl HoldTimes {
    /// The hold of the probe that was sent at `tx_ns` and answered at `rx_ns`
    /// (CLOCK_MONOTONIC, nanoseconds): the first request to arrive after it was
    /// sent, if its reply left before the probe's arrived.
    ///
    /// Right as long as probes leave further apart than their way to the responder
    /// takes; a benchmark at a higher rate compares `target_low` and `sequence`.
    pub fn of_probe(&self, tx_ns: u64, rx_ns: u64) -> Option<&Hold> {
        let place = self.holds.partition_point(|hold| hold.in_ns < tx_ns);
        self.holds.get(place).filter(|hold| hold.out_ns <= rx_ns)
    }
}

/// Collects hold times while a responder runs.
pub(crate) struct Collector {
    /// Owns the links: they go with it.
    programs: Ebpf,
    reader: Worker<Vec<Hold>>,
}

impl Collector {
    /// Attaches the stamp programs to a device.
    pub(crate) fn attach(namespace: &Namespace, device: &str) -> Result<Self> {
        let mut programs = programs::load()?;
        let stamps = [
            (STAMP_REQUEST, TcAttachType::Ingress),
            (STAMP_REPLY, TcAttachType::Egress),
        ];
        for (name, hook) in stamps {
            programs::attach(&mut programs, name, hook, namespace, &[device])?;
        }
        let ring = programs
            .take_map(HOLDS)
            .with_context(|| format!("the lab's object has no map {HOLDS}"))?;
        let ring = RingBuf::try_from(ring)?;
        let reader = Worker::spawn("lab-hold-times", move |stop| read(ring, &stop))?;
        Ok(Self { programs, reader })
    }

    /// Stops and returns everything collected.
    pub(crate) fn finish(self) -> Result<HoldTimes> {
        let mut holds = self.reader.finish()?;
        holds.sort_by_key(|hold| hold.in_ns);
        let counters = self
            .programs
            .map(HOLD_COUNTERS)
            .with_context(|| format!("the lab's object has no map {HOLD_COUNTERS}"))?;
        let counters = PerCpuArray::<_, u64>::try_from(counters)?;
        let count = |counter: HoldCounter| -> Result<u64> {
            Ok(counters.get(&(counter as u32), 0)?.iter().sum())
        };
        Ok(HoldTimes {
            holds,
            requests: count(HoldCounter::Requests)?,
            unpaired: count(HoldCounter::Unpaired)?,
            ring_full: count(HoldCounter::RingFull)?,
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

fn read(mut ring: RingBuf<aya::maps::MapData>, stop: &Stop) -> Result<Vec<Hold>> {
    let mut holds = Vec::new();
    loop {
        let is_last = stop.wait(&[], Some(INTERVAL))?;
        while let Some(record) = ring.next() {
            let hold = bytemuck::try_pod_read_unaligned(&record)
                .map_err(|error| anyhow::anyhow!("a hold record of the wrong size: {error}"))?;
            holds.push(hold);
        }
        if is_last {
            return Ok(holds);
        }
    }
}
