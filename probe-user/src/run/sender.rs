//! From a probe that the engine wants sent to a packet, and what came of that.

use std::collections::BTreeMap;

use probe_common::{
    abi::Protocol,
    probe::Shape,
    slot::{Fate, Lease},
};

use super::{
    packet::{self, Ends},
    ways::Way,
};
use crate::{
    engine::{
        answer::address,
        cause::Unsent,
        core::{Engine, Key},
        plan::ProbeOptions,
        session::Session,
        time::Moment,
    },
    io::{
        slots::{SlotTable, Tenant},
        transmit::{Contact, Frame, Sent, Transmitter, UNBUILDABLE, errno},
    },
};

/// What became of probes before their stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// Probes that the engine asked for.
    pub(super) planned: u64,
    /// Not tried, by reason.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    /// Refused before the stamp, by errno.
    pub(super) failed: BTreeMap<i32, u64>,
}

/// Builds and sends probes.
pub(super) struct Sender {
    pub(super) attempts: Attempts,
    pub(super) slots: SlotTable,
    transmitter: Transmitter,
    options: ProbeOptions,
    contact: Contact,
    frames: Vec<Frame>,
    queued: Vec<(Key, Lease)>,
}

impl Sender {
    pub(super) fn new(transmitter: Transmitter, slots: SlotTable, options: ProbeOptions) -> Self {
        Self {
            attempts: Attempts::default(),
            slots,
            transmitter,
            contact: Contact::new(&options.contact),
            options,
            frames: Vec::new(),
            queued: Vec::new(),
        }
    }

    /// Frames that wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.frames.len()
    }

    /// Announces a probe in a slot and builds its frame, of this `protocol` if not of
    /// the plan's.
    ///
    /// # Errors
    ///
    /// Why it cannot be sent: there is no way or no slot for it, or no such frame.
    pub(super) fn queue(
        &mut self,
        key: Key,
        protocol: Option<Protocol>,
        way: &Way,
        now: Moment,
    ) -> Result<(), Unsent> {
        self.attempts.planned += 1;
        if let Some(number) = way.blocked {
            *self.attempts.failed.entry(number).or_default() += 1;
            return Err(Unsent::Failed(errno(number)));
        }
        let ends = Ends {
            source: address(way.path.source),
            destination: way.address(),
        };
        let ports = self.slots.ports();
        let shape = packet::shape(&self.options);
        let shape = Shape {
            protocol: protocol.unwrap_or(shape.protocol),
            ..shape
        };
        let mut probe = packet::probe(shape, ports, ends, key.probe.ttl, key.probe.flow);
        let tenant = Tenant {
            destination_hash: probe.destination.hash(),
            target: key.session,
            round: key.probe.round,
            flow: key.probe.flow,
            ttl: key.probe.ttl,
            protocol: probe.protocol as u8,
            source_sum: probe.source.sum().fold(),
            tuple_sum: probe.tuple_sum(),
            seat: 0,
        };
        let Some(lease) = self.slots.lease(&tenant, now) else {
            // Every slot that was looked at waits for an answer.
            *self.attempts.skipped.entry("slots_busy").or_default() += 1;
            return Err(Unsent::SlotsBusy);
        };
        probe.seq16 = lease.seq16;
        probe.nonce = lease.nonce;
        let built = Frame::build(&probe, &self.contact, way.path.ifindex, &way.path.link);
        let Some(frame) = built else {
            *self.attempts.failed.entry(UNBUILDABLE).or_default() += 1;
            return Err(Unsent::Failed(errno(UNBUILDABLE)));
        };
        self.frames.push(frame);
        self.queued.push((key, lease));
        Ok(())
    }

    /// Sends what is queued and tells the engine of each.
    pub(super) fn flush<S: Session>(&mut self, engine: &mut Engine<S>, now: Moment) {
        let frames = std::mem::take(&mut self.frames);
        let queued = std::mem::take(&mut self.queued);
        let mut refused = Vec::new();
        self.transmitter.send(&frames, |place, sent| {
            let Some(&(key, lease)) = queued.get(place) else {
                return true;
            };
            match sent {
                Sent::Taken => engine.handle_sent(key, lease, now),
                Sent::Refused(errno) => refused.push((key, lease, errno)),
            }
            true
        });
        for (key, lease, errno) in refused {
            let why = self.settle_refusal(lease, errno);
            engine.handle_refused(key, why, now);
        }
        self.frames = frames;
        self.frames.clear();
        self.queued = queued;
        self.queued.clear();
    }

    /// A refused probe that has its stamp was refused by the qdisc or driver.
    fn settle_refusal(&mut self, lease: Lease, number: i32) -> Unsent {
        match self.slots.fate(lease) {
            Some(Fate::NeverStamped) | None => {
                *self.attempts.failed.entry(number).or_default() += 1;
                Unsent::Failed(errno(number))
            }
            Some(_) => {
                self.slots.mark_dropped(lease);
                Unsent::DroppedAfterStamp
            }
        }
    }
}
