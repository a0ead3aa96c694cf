//! What the threads of a sweep share: orders that go to them, counts that come back.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{engine::time::nanoseconds, io::network::WayMap};

/// Orders to the threads.
#[derive(Debug)]
pub(super) struct Orders {
    /// No more probes.
    stop: AtomicBool,
    /// Nothing more will come: read what is there, and end.
    drain: AtomicBool,
    /// Records wait in line: no probes until they are written.
    hold: AtomicBool,
    /// Probes a second of each lane; 0: no bound.
    rate: AtomicU64,
    /// No lane may pass this cursor: a checkpoint says so.
    reserved: AtomicU64,
    /// Least time from one probe of a path to the next, nanoseconds; of an adaptive
    /// sweep.
    patience: AtomicU64,
    ways: RwLock<Arc<WayMap>>,
    /// Counts changes of the ways.
    ways_version: AtomicU64,
}

impl Orders {
    pub(super) fn new(ways: WayMap, reserved: u64) -> Self {
        Self {
            stop: AtomicBool::new(false),
            drain: AtomicBool::new(false),
            hold: AtomicBool::new(false),
            rate: AtomicU64::new(0),
            reserved: AtomicU64::new(reserved),
            patience: AtomicU64::new(0),
            ways: RwLock::new(Arc::new(ways)),
            ways_version: AtomicU64::new(0),
        }
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub(super) fn drain(&self) {
        self.drain.store(true, Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drain.load(Relaxed)
    }

    pub(super) fn hold(&self, hold: bool) {
        self.hold.store(hold, Relaxed);
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold.load(Relaxed)
    }

    /// Probes a second of each lane; `None`: no bound.
    pub(super) fn set_rate(&self, rate: Option<u64>) {
        self.rate.store(rate.unwrap_or(0), Relaxed);
    }

    pub(super) fn rate(&self) -> Option<u64> {
        Some(self.rate.load(Relaxed)).filter(|rate| *rate != 0)
    }

    pub(super) fn reserve(&self, cursor: u64) {
        self.reserved.store(cursor, Relaxed);
    }

    pub(super) fn reserved(&self) -> u64 {
        self.reserved.load(Relaxed)
    }

    pub(super) fn set_patience(&self, patience: Duration) {
        self.patience.store(nanoseconds(patience), Relaxed);
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_nanos(self.patience.load(Relaxed))
    }

    /// Lanes go other ways from now on.
    pub(super) fn set_ways(&self, ways: WayMap) {
        *self.ways.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ways);
        self.ways_version.fetch_add(1, Relaxed);
    }

    pub(super) fn ways(&self) -> Arc<WayMap> {
        self.ways
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn ways_version(&self) -> u64 {
        self.ways_version.load(Relaxed)
    }
}

/// Counts that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Only by the thread that owns the count.
    pub(super) fn add(&self, more: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How far a lane is.
#[derive(Debug, Default)]
pub(super) struct LaneCounts {
    /// All steps of the lane before this one are done.
    pub(super) cursor: Count,
    /// Taken by the kernel.
    pub(super) taken: Count,
    /// Refused by the kernel, before or behind their stamp.
    pub(super) refused: Count,
    /// Made unnecessary by replies, in an adaptive sweep.
    pub(super) spared: Count,
    /// Waits for a slot.
    pub(super) slot_waits: Count,
    /// Waits for records to be written.
    pub(super) held: Count,
    /// Probes that the rate allowed and a stall kept from leaving.
    pub(super) shortfall: Count,
}

/// How far a reader is.
#[derive(Debug, Default)]
pub(super) struct ReaderCounts {
    /// First replies within the timeout.
    pub(super) answered: Count,
    /// Nanoseconds in which nearly all of them come; 0: there was none yet.
    pub(super) patience: Count,
}

/// How far the writer is.
#[derive(Debug, Default)]
pub(super) struct WriterCounts {
    /// Written, or taken over for being written.
    pub(super) recorded: Count,
    /// Left out by the selection.
    pub(super) filtered: Count,
    /// Lost to a failing output.
    pub(super) unwritten: Count,
    /// Of all that was taken over, so many are written for good (or left out).
    pub(super) durable: Count,
    /// So much of the output is written for good: octets, or parts.
    pub(super) kept: Count,
}

impl WriterCounts {
    /// Replies taken over, whatever became of them.
    pub(super) fn taken(&self) -> u64 {
        self.recorded.get() + self.filtered.get() + self.unwritten.get()
    }
}

/// Starts a thread with a name that `top` shows.
pub(super) fn spawn<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(name).spawn(work)
}

/// How long a thread rests that has nothing to do right now.
pub(super) const REST: Duration = Duration::from_micros(100);
