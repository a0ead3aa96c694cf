//! Lanes that the kernel's generator sends: a thread for each lends it a processor,
//! and what they may do is passed on to them.

use std::{sync::Arc, thread::JoinHandle};

use probe_common::abi::generator::Lane;

use super::{
    control::{LaneCounts, Orders},
    result::LaneResult,
};
use crate::{
    engine::{pace, time::Moment},
    io::{
        generator::{self, Generator, LaneWords, LiveFrames, Permit},
        processors,
        slots::SlotTable,
        transmit::UNBUILDABLE,
    },
};

/// A sending thread's own.
pub(super) struct Generating {
    pub(super) orders: Arc<Orders>,
    pub(super) words: LaneWords,
    pub(super) frames: LiveFrames,
    pub(super) processor: usize,
    pub(super) slots: SlotTable,
}

impl Generating {
    /// Lends the processor until all is sent or the lane is told to stop.
    pub(super) fn run(mut self) -> (LaneResult, SlotTable) {
        processors::stay_on(Some(&[self.processor]));
        let mut failure = None;
        while self.words.read().done == 0 && !self.orders.is_stopped() {
            if let Err(error) = self.frames.run() {
                failure = Some(format!("the kernel does not run the generator: {error}"));
                break;
            }
        }
        let lane = self.words.read();
        self.slots.count(LaneWords::tally(&lane));
        let mut result = LaneResult {
            planned: lane.stamped + lane.no_route + lane.no_target + lane.unbuildable,
            spared: [lane.target_reached, lane.gap_limit, lane.known_path],
            slot_waits: lane.slot_waits,
            held: lane.held,
            shortfall: shortfall(&lane, self.orders.rate()),
            last_sent: (lane.last_ns != 0).then_some(Moment(lane.last_ns)),
            batches: lane.batches,
            span_ns: lane.span_ns,
            longest_span_ns: lane.longest_span_ns,
            cursor: Some(lane.cursor),
            failure,
            ..LaneResult::default()
        };
        for (reason, count) in [("no_route", lane.no_route), ("no_target", lane.no_target)] {
            if count > 0 {
                result.skip(reason, count);
            }
        }
        if lane.unbuildable > 0 {
            result.failed.insert(UNBUILDABLE, lane.unbuildable);
        }
        (result, self.slots)
    }
}

/// Passes orders on to the generator's lanes, and their counts back.
pub(super) struct Steering {
    generator: Generator,
    lanes: Vec<LaneWords>,
    ways_version: u64,
}

impl Steering {
    pub(super) fn new(generator: Generator, lanes: Vec<LaneWords>) -> Self {
        Self {
            generator,
            lanes,
            ways_version: 0,
        }
    }

    /// Passes on what has changed; ends the calls of lanes that have nothing more to do.
    pub(super) fn steer<'a, T: 'a>(
        &mut self,
        orders: &Orders,
        lanes: impl Iterator<Item = (&'a LaneCounts, &'a JoinHandle<T>)>,
    ) {
        let version = orders.ways_version();
        if version != self.ways_version {
            self.ways_version = version;
            self.generator.set_ways(&orders.ways());
        }
        for (words, (counts, thread)) in self.lanes.iter().zip(lanes) {
            self.permit(words, orders);
            let lane = words.read();
            counts.cursor.set(lane.cursor);
            counts.taken.set(lane.stamped);
            counts.refused.set(lane.unbuildable);
            counts
                .spared
                .set(lane.target_reached + lane.gap_limit + lane.known_path);
            counts.slot_waits.set(lane.slot_waits);
            counts.held.set(lane.held);
            counts.shortfall.set(shortfall(&lane, orders.rate()));
            if lane.done != 0 || orders.is_stopped() {
                generator::interrupt(thread);
            }
        }
    }

    /// Lets all lanes begin, once they are there.
    pub(super) fn begin(&self, orders: &Orders) {
        for words in &self.lanes {
            self.permit(words, orders);
        }
    }

    fn permit(&self, words: &LaneWords, orders: &Orders) {
        self.generator.permit(
            words,
            Permit {
                stop: orders.is_stopped(),
                hold: orders.is_held(),
                rate: orders.rate(),
                reserved: orders.reserved(),
                patience: orders.patience(),
            },
        );
    }
}

/// Probes that stalls have cost, and that are not made up for.
fn shortfall(lane: &Lane, rate: Option<u64>) -> u64 {
    pace::within(lane.stalled_ns.saturating_add(lane.owed_ns), rate)
}
