//! Frames that leave in one call, and what became of each.

use std::thread;

use probe_common::slot::{Fate, Lease};

use super::{
    control::{Orders, REST},
    result::LaneResult,
};
use crate::io::{
    slots::SlotTable,
    transmit::{Frame, Sent, Transmitter, is_backpressure},
};

/// Frames in one call.
const MOST: usize = 128;

/// A probe in a burst.
#[derive(Clone, Copy)]
pub(super) struct Queued {
    /// Its step.
    pub(super) cursor: u64,
    pub(super) ttl: u8,
    pub(super) lease: Lease,
}

/// Probes with their frames, in order.
pub(super) struct Burst {
    transmitter: Transmitter,
    /// Room for all; the first are those of the probes.
    frames: Vec<Frame>,
    queued: Vec<Queued>,
}

impl Burst {
    pub(super) fn new(transmitter: Transmitter) -> Self {
        Self {
            transmitter: transmitter.in_bulk(),
            frames: vec![Frame::EMPTY; MOST],
            queued: Vec::with_capacity(MOST),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.queued.len() >= self.frames.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// Adds a probe whose frame `build` makes, if it can.
    #[inline]
    pub(super) fn add(
        &mut self,
        queued: Queued,
        build: impl FnOnce(&mut Frame) -> Option<()>,
    ) -> Option<()> {
        build(self.frames.get_mut(self.queued.len())?)?;
        self.queued.push(queued);
        Some(())
    }

    /// Sends all. What a full queue refuses is tried again until it is taken, or the
    /// run ends: then the step of the first that did not leave is given. Where probes
    /// were refused behind their stamp, the device has time until it has room.
    pub(super) fn send(
        &mut self,
        slots: &SlotTable,
        result: &mut LaneResult,
        orders: &Orders,
    ) -> Option<u64> {
        let mut begin = 0;
        let mut given_up = None;
        let dropped = result.dropped;
        while let Some(queued) = self.queued.get(begin..).filter(|rest| !rest.is_empty()) {
            let frames = self
                .frames
                .get(begin..self.queued.len())
                .unwrap_or_default();
            begin += self.transmitter.send(frames, |place, sent| {
                let queued = queued.get(place);
                queued.is_none_or(|queued| result.settle(slots, *queued, sent))
            });
            let Some(left) = self.queued.get(begin..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            if orders.is_stopped() {
                result.skip("stopped", left.len() as u64);
                given_up = left.iter().map(|queued| queued.cursor).min();
                break;
            }
            thread::sleep(REST);
        }
        if result.dropped != dropped {
            thread::sleep(REST);
        }
        self.queued.clear();
        given_up
    }
}

impl LaneResult {
    /// Counts what the kernel said to a probe; false: it is to be tried again.
    fn settle(&mut self, slots: &SlotTable, queued: Queued, sent: Sent) -> bool {
        let errno = match sent {
            Sent::Taken => {
                if let Some(count) = self.taken_by_ttl.get_mut(usize::from(queued.ttl)) {
                    *count += 1;
                }
                return true;
            }
            Sent::Refused(errno) => errno,
        };
        match slots.fate(queued.lease) {
            Some(Fate::NeverStamped) | None => {
                if is_backpressure(errno) {
                    return false;
                }
                *self.failed.entry(errno).or_default() += 1;
            }
            // It has its stamp: the qdisc or the driver refused it.
            Some(_) => {
                self.dropped += 1;
                slots.mark_dropped(queued.lease);
            }
        }
        true
    }
}
