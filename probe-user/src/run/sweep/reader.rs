//! A thread that empties one ring: sums the replies up, and hands them on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
    mpsc::Sender,
};
use std::time::Duration;

use probe_common::abi::{Event, Excerpt, Kind, Outcome};

use super::control::{Orders, ReaderCounts};
use crate::{
    engine::{
        answer::extensions,
        report::{ExtensionCounts, Extensions},
        sweep::{aggregate::Aggregate, patience::Patience, plan::SweepPlan, syn::SynGuard},
        time::Moment,
    },
    io::{clock, processors, ring::RingReader},
    run::{clocks::Clocks, sizing},
};

/// Events in a batch.
const BATCH: usize = 1_024;

/// How long a reader rests that nothing wakes, at high rates and at low ones.
const SHORT_REST: Duration = Duration::from_millis(1);
const LONG_REST: Duration = Duration::from_millis(10);
/// Longest rest of one that each event wakes: a lost wake-up costs no reply.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// What makes a reader look at its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Any event that finds it at rest.
    Woken,
    /// The time, or many events at once.
    Every(Duration),
}

impl Look {
    /// So that no sender waits for long. But for that, none is woken for an event: the
    /// interrupt is taken on the processor that sends, and makes the stamps of the next
    /// probe inexact (0.4 µs at 10,000 a second).
    pub(super) fn of(plan: &SweepPlan, rate: u64) -> Self {
        if sizing::is_batched(rate) {
            Self::Every(SHORT_REST)
        } else if plan.probes.opens_connections() {
            Self::Woken
        } else {
            Self::Every(LONG_REST)
        }
    }

    fn longest_rest(self) -> Duration {
        match self {
            Self::Woken => LONGEST_REST,
            Self::Every(rest) => rest,
        }
    }
}

/// Events on their way to the writer.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    /// What came with some of them, by their places, in order.
    pub(super) extensions: Vec<(usize, Extensions)>,
}

impl Batch {
    fn new() -> Self {
        Self {
            events: Vec::with_capacity(BATCH),
            extensions: Vec::new(),
        }
    }

    fn push(&mut self, event: &Event, excerpt: Option<&Excerpt>, counts: &mut ExtensionCounts) {
        if let Some(extensions) = excerpt.and_then(|excerpt| extensions(excerpt, counts)) {
            self.extensions.push((self.events.len(), extensions));
        }
        self.events.push(*event);
    }

    fn clear(&mut self) {
        self.events.clear();
        self.extensions.clear();
    }
}

/// Where batches go, and how many events are on the way.
#[derive(Clone, Debug)]
pub(super) struct Conveyor {
    pub(super) batches: Sender<Batch>,
    pub(super) waiting: Arc<AtomicUsize>,
    /// Events that may wait before more are dropped; `None`: none are.
    pub(super) drop_above: Option<usize>,
}

/// What a reader found.
#[derive(Debug, Default)]
pub(super) struct ReaderResult {
    pub(super) aggregate: Aggregate,
    /// Replies that name no slot, and so no probe.
    pub(super) unindexed: u64,
    /// Records of another version.
    pub(super) unknown: u64,
    /// What routers said behind quotes.
    pub(super) extensions: ExtensionCounts,
    /// Replies that no record was made of: there is none to make.
    pub(super) aggregated: u64,
    /// Replies dropped because the writer could not keep up.
    pub(super) dropped: u64,
}

/// A reading thread's own.
pub(super) struct Reading {
    pub(super) ring: RingReader,
    pub(super) orders: Arc<Orders>,
    pub(super) counts: Arc<ReaderCounts>,
    pub(super) syn_guard: Option<Arc<SynGuard>>,
    /// `None`: aggregates only.
    pub(super) conveyor: Option<Conveyor>,
    /// When to look for events.
    pub(super) look: Look,
    /// Processors that lanes leave to others.
    pub(super) processors: Option<Vec<usize>>,
}

impl Reading {
    /// Reads until it is told that nothing more will come, and the ring is empty.
    pub(super) fn run(mut self) -> ReaderResult {
        processors::stay_on(self.processors.as_deref());
        let mut result = ReaderResult::default();
        let mut batch = Batch::new();
        let mut answered = 0;
        let mut patience = Patience::default();
        let mut clocks = Clocks::new(clock::Reading::take());
        let mut sleep = None;
        loop {
            let last = self.orders.is_draining();
            sleep = clocks.look(clock::Reading::take()).or(sleep);
            let read = self.ring.drain(BATCH, |event, excerpt| {
                let slept = sleep.filter(|sleep| sleep.is_between(event));
                let slept = slept.map(|_| event.with_sleep());
                let event = slept.as_ref().unwrap_or(event);
                if note(event, &mut result, self.syn_guard.as_deref()) {
                    batch.push(event, excerpt, &mut result.extensions);
                }
                if event.outcome == Outcome::Valid as u8 {
                    answered += 1;
                    if let Some(rtt_ns) = event.rtt_ns() {
                        patience.note(rtt_ns);
                    }
                }
            });
            self.counts.answered.set(answered);
            self.counts.patience.set(patience.bound_ns());
            hand_on(&mut batch, self.conveyor.as_ref(), &mut result);
            if read < BATCH {
                if last {
                    break;
                }
                self.ring.wait(self.look.longest_rest());
            }
        }
        result.unknown += self.ring.misread();
        result
    }
}

/// Sums an event up; returns whether a record is to be made of it.
fn note(event: &Event, result: &mut ReaderResult, syn_guard: Option<&SynGuard>) -> bool {
    if event.outcome == Outcome::Unindexed as u8 {
        result.unindexed += 1;
        return false;
    }
    result.aggregate.record(event);
    if let Some(guard) = syn_guard
        && event.outcome != Outcome::Duplicate as u8
        && let Some(kind) = Kind::from_code(event.kind)
    {
        guard.answered(event.target, event.ttl, kind, Moment(event.rx_ns));
    }
    true
}

fn hand_on(batch: &mut Batch, conveyor: Option<&Conveyor>, result: &mut ReaderResult) {
    let count = batch.events.len();
    if count == 0 {
        return;
    }
    let Some(conveyor) = conveyor else {
        result.aggregated += count as u64;
        batch.clear();
        return;
    };
    let waiting = conveyor.waiting.load(Relaxed);
    if conveyor.drop_above.is_some_and(|most| waiting > most) {
        result.dropped += count as u64;
        batch.clear();
        return;
    }
    conveyor.waiting.fetch_add(count, Relaxed);
    let full = std::mem::replace(batch, Batch::new());
    // The writer takes until all readers are gone: it is there.
    if let Err(lost) = conveyor.batches.send(full) {
        result.dropped += lost.0.events.len() as u64;
    }
}
