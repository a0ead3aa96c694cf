//! From the kernel's events to answers.

use probe_common::abi::{Event, Outcome, TxSource};

use super::stamps::stamp_of;
use crate::{
    engine::{
        accounting::Settled,
        answer::{Answer, extensions},
        core::Engine,
        report::{ExtensionCounts, Extensions},
        session::Session,
        stamp::{RxHook, Stamp},
        sweep::histogram::LogLinear,
        time::Moment,
    },
    io::{bpf::Attachment, clock, ring::Rings, slots::SlotTable},
};

/// Reads the rings.
pub(super) struct Receiver {
    pub(super) rings: Rings,
    /// Where events can come from.
    pub(super) attachments: Vec<Attachment>,
    /// What became of replies that name no slot.
    pub(super) settled: Settled,
    /// Events of codes that this version does not know.
    pub(super) unknown: u64,
    /// What routers said behind quotes.
    pub(super) extensions: ExtensionCounts,
    /// How much later than the kernel's stamp userspace saw replies, nanoseconds.
    pub(super) readings: LogLinear,
    timeout_ns: u64,
    /// Room for the events of one turn.
    events: Vec<(Event, Option<Extensions>)>,
}

/// A reply to a probe of ours.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) event: Event,
    pub(super) answer: Answer,
}

impl Receiver {
    pub(super) fn new(rings: Rings, attachments: Vec<Attachment>, timeout_ns: u64) -> Self {
        Self {
            rings,
            attachments,
            settled: Settled::default(),
            unknown: 0,
            extensions: ExtensionCounts::default(),
            readings: LogLinear::default(),
            timeout_ns,
            events: Vec::new(),
        }
    }

    /// Takes all events out of the rings, tells the engine, and puts them into `heard`.
    pub(super) fn read<S: Session>(
        &mut self,
        engine: &mut Engine<S>,
        slots: &SlotTable,
        now: Moment,
        heard: &mut Vec<Heard>,
    ) {
        let mut events = std::mem::take(&mut self.events);
        let counts = &mut self.extensions;
        self.rings.drain(|event, excerpt| {
            let said = excerpt.and_then(|excerpt| extensions(excerpt, counts));
            events.push((*event, said));
        });
        // Each ring is in order; reordering and jitter ask for the order of all.
        events.sort_by_key(|(event, _)| event.rx_ns);
        if !events.is_empty() {
            let read_at = clock::now();
            for (event, _) in &events {
                self.readings.record(read_at.0.saturating_sub(event.rx_ns));
            }
        }
        for (event, extensions) in events.drain(..) {
            let Some(event) = self.settle(event, engine, slots, now) else {
                continue;
            };
            let stamp = stamp_of(&event, |ifindex| self.attachment(ifindex).map(|a| a.rx));
            match Answer::read(&event, extensions, stamp) {
                Some(answer) => {
                    let is_timed = engine.handle_answer(event.target, &answer, now);
                    let event = if is_timed { event } else { event.with_sleep() };
                    heard.push(Heard { event, answer });
                }
                None => self.unknown += 1,
            }
        }
        self.events = events;
    }

    /// The sources of stamps on a path, before a reply says so.
    pub(super) fn stamp_of_path(&self, ifindex: u32) -> Stamp {
        let attachment = self.attachment(ifindex).or(self.attachments.first());
        Stamp {
            tx: TxSource::Tcx,
            rx: attachment.map_or(RxHook::Tcx, |a| a.rx),
        }
    }

    /// Finds the probe of a reply that names no slot; `None`: it is foreign.
    fn settle<S: Session>(
        &mut self,
        event: Event,
        engine: &mut Engine<S>,
        slots: &SlotTable,
        now: Moment,
    ) -> Option<Event> {
        if event.outcome != Outcome::Unindexed as u8 {
            return Some(event);
        }
        let settled = match_probe(event, engine, slots, now, self.timeout_ns);
        match settled.map(|event| (event, Outcome::from_code(event.outcome))) {
            Some((event, Some(Outcome::Late))) => {
                self.settled.late += 1;
                Some(event)
            }
            Some((event, _)) => {
                self.settled.valid += 1;
                Some(event)
            }
            None => {
                self.settled.foreign += 1;
                None
            }
        }
    }

    fn attachment(&self, ifindex: u32) -> Option<&Attachment> {
        self.attachments.iter().find(|a| a.ifindex == ifindex)
    }
}

/// Completes an event by the one probe that it can answer, and marks its slot.
fn match_probe<S: Session>(
    event: Event,
    engine: &mut Engine<S>,
    slots: &SlotTable,
    now: Moment,
    timeout_ns: u64,
) -> Option<Event> {
    let (key, lease) = engine.match_unindexed(event.responder, event.flow, now)?;
    let tx = slots.stamp(lease)?;
    let late = event.rx_ns.saturating_sub(tx.0) > timeout_ns;
    if !slots.mark_answered(lease, late) {
        return None;
    }
    let outcome = if late { Outcome::Late } else { Outcome::Valid };
    Some(Event {
        tx_ns: tx.0,
        target: key.session,
        round: key.probe.round,
        ttl: key.probe.ttl,
        outcome: outcome as u8,
        ..event
    })
}
