//! The transmitter in the kernel, from outside: its targets and ways, and the words
//! by which a lane is told what to do and tells how far it is.

mod banks;
mod live;
mod targets;

use std::{
    os::fd::OwnedFd,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use probe_common::abi::generator::{INTERVAL_BITS, Lane};

use self::banks::Banks;
pub use self::{
    banks::unfit,
    live::{LiveFrames, allow_interrupts, interrupt},
    targets::Layout,
};
use super::{
    mapped::Mapped,
    network::WayMap,
    slots::{SlotTable, Tally},
};
use crate::engine::time::nanoseconds;

/// The place of a word in a lane.
macro_rules! word {
    ($field:ident) => {
        std::mem::offset_of!(Lane, $field) / 8
    };
}

/// What the program shares with this process.
#[derive(Debug)]
pub(super) struct Arrays {
    pub(super) lanes: Mapped,
    pub(super) targets: Mapped,
    pub(super) runs: Mapped,
    pub(super) ways: Mapped,
    pub(super) stretches: Mapped,
}

/// The generator of a run.
#[derive(Debug)]
pub struct Generator {
    program: OwnedFd,
    lanes: Arc<Mapped>,
    banks: Banks,
    second_bank: bool,
    ways: u64,
}

/// What a lane may do.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// No more probes.
    pub stop: bool,
    /// No probes for now.
    pub hold: bool,
    /// Probes a second; `None`: no bound.
    pub rate: Option<u64>,
    /// The cursor that is not to be passed.
    pub reserved: u64,
    /// Least time from one probe of a path to the next.
    pub patience: Duration,
}

/// What a lane begins with.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Number among the lanes.
    pub number: u32,
    /// Round of the first step, and its place there.
    pub round: u64,
    /// See `round`.
    pub offset: u64,
    /// Its cursor.
    pub cursor: u64,
    /// Probes that may be sent.
    pub budget: u64,
    /// Bytes that may wait in a ring.
    pub ring_limit: u64,
    /// First of its trails, how many it has, and with how many it begins; of an
    /// adaptive sweep.
    pub first_seat: u32,
    /// See `first_seat`.
    pub seats: u32,
    /// See `first_seat`.
    pub window: u32,
}

/// The lane of one processor.
#[derive(Clone, Debug)]
pub struct LaneWords {
    lanes: Arc<Mapped>,
    processor: usize,
}

impl Generator {
    /// Takes the loaded program, and fills the arrays that it reads.
    pub(super) fn new(program: OwnedFd, arrays: Arrays, layout: &Layout) -> Self {
        layout.fill(&arrays.targets, &arrays.runs);
        Self {
            program,
            lanes: Arc::new(arrays.lanes),
            banks: Banks {
                ways: arrays.ways,
                stretches: arrays.stretches,
            },
            second_bank: false,
            ways: 0,
        }
    }

    /// Has lanes that are told of it go these ways from now on.
    pub fn set_ways(&mut self, map: &WayMap) {
        self.second_bank = !self.second_bank;
        self.ways = self.banks.fill(map, self.second_bank);
    }

    /// The lane of a processor, with slots of its own, ready to begin.
    pub fn lane(&self, processor: usize, begin: &Beginning, slots: &SlotTable) -> LaneWords {
        let lane = LaneWords {
            lanes: self.lanes.clone(),
            processor,
        };
        let (first, last) = slots.sequence_numbers();
        lane.store(Lane {
            number: begin.number.into(),
            round: begin.round,
            offset: begin.offset,
            cursor: begin.cursor,
            budget: begin.budget,
            ring_limit: begin.ring_limit,
            first_seat: begin.first_seat.into(),
            seats: begin.seats.into(),
            window: begin.window.into(),
            first: first.into(),
            last: last.into(),
            drawn: slots.drawn(),
            ..Lane::default()
        });
        lane
    }

    /// Tells a lane what it may do.
    pub fn permit(&self, lane: &LaneWords, permit: Permit) {
        let stop = if permit.stop { Lane::STOP } else { 0 };
        let hold = if permit.hold { Lane::HOLD } else { 0 };
        let interval = permit.rate.map_or(0, |rate| {
            ((1_000_000_000u64 << INTERVAL_BITS) / rate.max(1)).max(1)
        });
        lane.set(word!(interval), interval);
        lane.set(word!(reserved), permit.reserved);
        lane.set(word!(patience_ns), nanoseconds(permit.patience));
        lane.set(word!(ways), self.ways);
        lane.set(word!(flags), Lane::ON | stop | hold);
    }

    /// Frames for a lane: so many octets each, so many at once, seemingly from this
    /// interface.
    ///
    /// # Errors
    ///
    /// If there are too many open files.
    pub fn frames(&self, ifindex: u32, octets: usize, batch: u32) -> std::io::Result<LiveFrames> {
        Ok(LiveFrames {
            program: self.program.try_clone()?,
            ifindex,
            octets,
            batch,
        })
    }
}

impl LaneWords {
    /// All that the lane says of itself.
    pub fn read(&self) -> Lane {
        let words = self.lanes.record::<{ Lane::WORDS }>(self.processor);
        let mut copy = [0u64; Lane::WORDS];
        for (copy, word) in copy.iter_mut().zip(words.into_iter().flatten()) {
            *copy = word.load(Relaxed);
        }
        bytemuck::cast(copy)
    }

    /// What became of probes whose slots the lane has given away.
    pub fn tally(lane: &Lane) -> Tally {
        Tally {
            dropped: 0,
            answered: lane.answered,
            late_only: lane.late_only,
            unanswered: lane.unanswered,
        }
    }

    fn store(&self, lane: Lane) {
        let words: [u64; Lane::WORDS] = bytemuck::cast(lane);
        for (place, word) in words.into_iter().enumerate() {
            self.set(place, word);
        }
    }

    fn set(&self, place: usize, value: u64) {
        let words = self.lanes.record::<{ Lane::WORDS }>(self.processor);
        if let Some(word) = words.and_then(|words| words.get(place)) {
            word.store(value, Relaxed);
        }
    }
}
