//! The loop: events in, probes out, until the sessions are done.

use std::{collections::VecDeque, io, time::Duration};

use futures_util::StreamExt as _;
use probe_common::abi::{Event, Hook, Outcome as EventOutcome, TxSource};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    NAMES_MAY_TAKE,
    describe::{Describe, Report},
    equip::{self, Equipment, Held},
    metadata::Journal,
    sender::Sender,
    ways::{self, Ways},
};
use crate::{
    engine::{
        accounting::Settled,
        answer::{Answer, ip, reply},
        core::Engine,
        plan::Plan,
        stamp::{RxHook, Stamp},
        time::{Moment, nanoseconds},
    },
    error::{Error, Outcome, Result},
    io::{
        bpf::{Attachment, Kernel},
        clock,
        names::Reverse,
        network::{Change, Changes, Network},
        ring::Rings,
    },
    sink::Sink,
};

/// Probes sent between two looks at the rings.
const BURST: usize = 64;

/// Longest sleep: rings are looked at again even if a wake-up was lost.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// Longest sleep where the reader is woken for many events at once.
const BATCHED_SLEEP: Duration = Duration::from_millis(1);

/// Shorter sleeps than the runtime's timer can do are done by the thread.
const TIMER_RESOLUTION: Duration = Duration::from_millis(1);

/// How the loop ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All sessions are done.
    Done,
    /// By a signal.
    Signal(u8),
    /// Results cannot be written any more.
    Output(io::Error),
    /// An interface is gone.
    Interface(String),
}

/// What wakes the loop.
enum Wake {
    Look,
    Signal(u8),
    Change(Option<Change>),
}

/// Runs the engine to its end and writes what it found.
pub(super) async fn drive<S: Describe>(
    plan: &Plan,
    network: &Network,
    ways: Ways,
    equipment: Equipment,
    engine: Engine<S>,
    sink: Box<dyn Sink>,
) -> Result<Outcome> {
    for notice in ways.lost.iter().chain(
        equipment
            .attachments
            .iter()
            .filter_map(|a| a.notice.as_ref()),
    ) {
        notify(plan, notice);
    }
    let changes = network.watch()?;
    let mut driver = Driver::new(plan, ways, equipment, engine, sink);
    let ending = driver.run(network, changes).await?;
    driver.finish(ending).await
}

/// Everything that moves.
pub(super) struct Driver<'a, S> {
    pub(super) plan: &'a Plan,
    pub(super) ways: Ways,
    pub(super) engine: Engine<S>,
    pub(super) kernel: Kernel,
    pub(super) rings: Rings,
    pub(super) attachments: Vec<Attachment>,
    pub(super) sender: Sender,
    pub(super) sink: Box<dyn Sink>,
    names: Option<Reverse>,
    pub(super) journal: Journal,
    pub(super) settled: Settled,
    /// Reports that wait for names, with when they wait no longer.
    pub(super) reports: VecDeque<(Moment, Report)>,
    told: Vec<bool>,
    pub(super) all_answered: bool,
    pub(super) any_answered: bool,
    /// Events that went into the results, or would have.
    pub(super) recorded: u64,
    pub(super) filtered: u64,
    pub(super) unwritten: u64,
    /// Room for the events of one turn.
    events: Vec<Event>,
    sleep: Duration,
    _held: Held,
}

impl<'a, S: Describe> Driver<'a, S> {
    fn new(
        plan: &'a Plan,
        ways: Ways,
        equipment: Equipment,
        engine: Engine<S>,
        sink: Box<dyn Sink>,
    ) -> Self {
        let sender = Sender::new(equipment.transmitter, equipment.slots, plan.probes.clone());
        Self {
            plan,
            told: vec![false; engine.sessions().len()],
            engine,
            kernel: equipment.kernel,
            rings: equipment.rings,
            attachments: equipment.attachments,
            sender,
            sink,
            names: plan.output.dns.then(Reverse::new),
            journal: Journal::begin(),
            settled: Settled::default(),
            reports: VecDeque::new(),
            all_answered: ways.lost.is_empty(),
            any_answered: false,
            recorded: 0,
            filtered: 0,
            unwritten: 0,
            events: Vec::new(),
            sleep: if equipment.batched {
                BATCHED_SLEEP
            } else {
                LONGEST_SLEEP
            },
            ways,
            _held: equipment.held,
        }
    }

    async fn run(&mut self, network: &Network, mut changes: Changes) -> Result<Ending> {
        let mut interrupt = catch(SignalKind::interrupt())?;
        let mut terminate = catch(SignalKind::terminate())?;
        let mut signalled = None;
        loop {
            if let Err(error) = self.turn() {
                return Ok(Ending::Output(error));
            }
            if self.engine.is_done() && self.reports.is_empty() {
                return Ok(signalled.map_or(Ending::Done, Ending::Signal));
            }
            let wake = self
                .wait(&mut interrupt, &mut terminate, &mut changes)
                .await?;
            match wake {
                Wake::Look => {}
                Wake::Signal(number) if signalled.is_some() => return Ok(Ending::Signal(number)),
                Wake::Signal(number) => {
                    signalled = Some(number);
                    self.engine.stop(clock::now());
                }
                Wake::Change(Some(change)) => {
                    if let Some(line) = self.handle_change(network, &change).await {
                        return Ok(Ending::Interface(line));
                    }
                }
                Wake::Change(None) => changes = network.watch()?,
            }
        }
    }

    /// One turn: events, timeouts, probes, reports.
    fn turn(&mut self) -> io::Result<()> {
        self.journal.tick();
        self.read()?;
        let now = clock::now();
        let slots = &self.sender.slots;
        self.engine.handle_timeout(now, |lease| slots.fate(lease));
        self.send();
        self.collect_done();
        self.write_reports()
    }

    /// Takes all events out of the rings.
    pub(super) fn read(&mut self) -> io::Result<()> {
        let wants_replies = self.sink.wants_replies();
        let mut events = std::mem::take(&mut self.events);
        self.rings.drain(|event| events.push(*event));
        let now = clock::now();
        let mut written = Ok(());
        for event in &events {
            let stamp = self.stamp_of(event);
            let Some(event) = self.settle(event, now) else {
                continue;
            };
            let Some(answer) = Answer::read(&event, stamp) else {
                self.filtered += 1;
                continue;
            };
            self.engine.handle_answer(event.target, &answer, now);
            if !wants_replies {
                self.recorded += 1;
            } else if written.is_ok() {
                written = self.write_reply(&event, stamp);
            } else {
                self.unwritten += 1;
            }
        }
        events.clear();
        self.events = events;
        written
    }

    fn write_reply(&mut self, event: &Event, stamp: Stamp) -> io::Result<()> {
        let place = S::way(event.target as usize, self.plan.probes.flows);
        let way = self.ways.found.get(place);
        let target = way.map_or_else(|| ip(event.responder), |way| way.target.address);
        let Some(reply) = reply(event, target, stamp) else {
            self.filtered += 1;
            return Ok(());
        };
        let written = self.sink.reply(&reply);
        match &written {
            Ok(()) => self.recorded += 1,
            Err(_) => self.unwritten += 1,
        }
        written
    }

    /// Finds the probe of a reply that names no slot; `None`: it is foreign.
    fn settle(&mut self, event: &Event, now: Moment) -> Option<Event> {
        if event.outcome != EventOutcome::Unindexed as u8 {
            return Some(*event);
        }
        let found = self
            .engine
            .match_unindexed(event.responder, event.flow, now)
            .and_then(|(key, lease)| Some((key, lease, self.sender.slots.stamp(lease)?)));
        let Some((key, lease, tx)) = found else {
            self.settled.foreign += 1;
            return None;
        };
        let late = event.rx_ns.saturating_sub(tx.0) > nanoseconds(self.plan.probes.timeout);
        if !self.sender.slots.mark_answered(lease, late) {
            self.settled.foreign += 1;
            return None;
        }
        let outcome = if late {
            self.settled.late += 1;
            EventOutcome::Late
        } else {
            self.settled.valid += 1;
            EventOutcome::Valid
        };
        Some(Event {
            tx_ns: tx.0,
            target: key.session,
            round: key.probe.round,
            ttl: key.probe.ttl,
            outcome: outcome as u8,
            ..*event
        })
    }

    /// The sources of an event's stamps.
    fn stamp_of(&self, event: &Event) -> Stamp {
        let attachment = self.attachments.iter().find(|a| a.ifindex == event.ifindex);
        Stamp {
            tx: TxSource::from_code(event.tx_source).unwrap_or(TxSource::Tcx),
            rx: match Hook::from_code(event.hook) {
                Some(Hook::Xdp) => attachment.map_or(RxHook::XdpGeneric, |a| a.rx),
                Some(Hook::Tcx) | None => RxHook::Tcx,
            },
        }
    }

    /// The sources of stamps on a path, before a reply says so.
    fn stamp_of_path(&self, ifindex: u32) -> Stamp {
        let attachment = self
            .attachments
            .iter()
            .find(|a| a.ifindex == ifindex)
            .or(self.attachments.first());
        Stamp {
            tx: TxSource::Tcx,
            rx: attachment.map_or(RxHook::Tcx, |a| a.rx),
        }
    }

    /// Sends what is due, in bursts, so that the rings are looked at in between.
    fn send(&mut self) {
        let flows = self.plan.probes.flows;
        for _ in 0..BURST {
            let now = clock::now();
            let Some(key) = self.engine.poll_transmit(now) else {
                break;
            };
            let way = self.ways.found.get(S::way(key.session as usize, flows));
            let queued = way.and_then(|way| self.sender.queue(key, way, now));
            if queued.is_none() {
                self.engine.handle_refused(key, now);
            }
        }
        if self.sender.queued() > 0 {
            self.sender.flush(&mut self.engine, clock::now());
            self.journal.sent();
        }
    }

    /// Describes sessions that are done, and asks for names.
    fn collect_done(&mut self) {
        for session in self.engine.take_done() {
            if !S::AT_END {
                self.tell(session as usize);
            }
        }
    }

    /// Describes a session, once.
    pub(super) fn tell(&mut self, session: usize) {
        let Some(told) = self.told.get_mut(session) else {
            return;
        };
        if std::mem::replace(told, true) {
            return;
        }
        let way = self.ways.found.get(S::way(session, self.plan.probes.flows));
        let (Some(way), Some(state)) = (way, self.engine.sessions().get(session)) else {
            return;
        };
        let stamp = self.stamp_of_path(way.path.ifindex);
        let report = state.describe(self.plan, way, session, stamp);
        self.all_answered &= report.target_answered();
        self.any_answered |= report.target_answered();
        if let Some(names) = &self.names {
            report
                .responders()
                .into_iter()
                .for_each(|ip| names.request(ip));
        }
        self.reports
            .push_back((clock::now() + NAMES_MAY_TAKE, report));
    }

    /// Writes reports whose names are known or have taken too long.
    pub(super) fn write_reports(&mut self) -> io::Result<()> {
        let now = clock::now();
        while let Some((deadline, report)) = self.reports.front_mut() {
            let ready = self
                .names
                .as_ref()
                .is_none_or(|names| names.all_known(report.responders()));
            if !ready && *deadline > now {
                break;
            }
            if let Some(names) = &self.names {
                report.name_responders(|ip| names.name(ip));
            }
            if let Some((_, report)) = self.reports.pop_front() {
                report.write(self.sink.as_mut())?;
            }
        }
        self.sink.flush()
    }

    /// Follows a change of the network. Gives a line if the run cannot go on.
    async fn handle_change(&mut self, network: &Network, change: &Change) -> Option<String> {
        if let Change::LinkDown { ifindex } | Change::LinkGone { ifindex } = *change
            && let Some(lost) = self.attachments.iter().find(|a| a.ifindex == ifindex)
        {
            let how = if matches!(change, Change::LinkDown { .. }) {
                "went down"
            } else {
                "is gone"
            };
            return Some(format!(
                "interface {} {how}; what was measured until then is written",
                lost.name
            ));
        }
        if !network.refresh(change).await {
            return None;
        }
        // Nobody is disturbed by a target whose way is lost for now: its probes
        // go the old way until there is a new one.
        ways::renew(self.plan, network, &mut self.ways).await;
        let fresh = equip::attach(
            self.plan,
            network,
            &self.ways,
            &mut self.kernel,
            &self.attachments,
        );
        match fresh.await {
            Ok(more) => self.attachments.extend(more),
            Err(error) => return Some(error.to_string()),
        }
        None
    }

    async fn wait(
        &mut self,
        interrupt: &mut Signal,
        terminate: &mut Signal,
        changes: &mut Changes,
    ) -> Result<Wake> {
        let now = clock::now();
        let due = self
            .engine
            .poll_timeout(now)
            .map_or(self.sleep, |moment| moment.since(now).min(self.sleep));
        let due = if self.reports.is_empty() {
            due
        } else {
            due.min(Duration::from_millis(5))
        };
        if due < TIMER_RESOLUTION {
            if !due.is_zero() {
                std::thread::sleep(due);
            }
            tokio::task::yield_now().await;
        }
        let due = if due < TIMER_RESOLUTION {
            Duration::ZERO
        } else {
            due
        };
        tokio::select! {
            biased;
            _ = interrupt.recv() => Ok(Wake::Signal(number(SignalKind::interrupt()))),
            _ = terminate.recv() => Ok(Wake::Signal(number(SignalKind::terminate()))),
            change = changes.next() => Ok(Wake::Change(change)),
            readable = self.rings.readable() => readable
                .map(|()| Wake::Look)
                .map_err(|error| Error::CutShort(format!("cannot wait for replies: {error}"))),
            () = tokio::time::sleep(due) => Ok(Wake::Look),
        }
    }
}

fn catch(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| Error::Environment(format!("cannot catch signals: {error}")))
}

fn number(kind: SignalKind) -> u8 {
    u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX)
}

/// A line for the user, unless told to be quiet.
fn notify(plan: &Plan, line: &str) {
    if !plan.output.quiet {
        eprintln!("probe: {line}");
    }
}
