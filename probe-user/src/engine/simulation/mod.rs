//! A network in virtual time, to see the engine at work: paths of routers and
//! targets, a model of the kernel's slots, and a clock that jumps to whatever
//! comes next.

mod coverage_tests;
mod network;
mod path;
mod ping_statistics_tests;
mod ping_tests;
mod property_tests;
mod scale_tests;
mod sleep_tests;
mod tcp_tests;
mod trace_tests;
mod trace_time_tests;
mod udp_tests;

use std::time::Duration;

use probe_common::{
    abi::{Kind, Outcome, TxSource},
    identity::Nonce,
    slot::{Fate, Lease},
};

use self::{
    network::{Network, Packet, Reply},
    path::{Path, Target},
};
use super::{
    answer::{Answer, ProbeId},
    cause::{Errno, Unsent},
    core::{Engine, Key},
    pace::Pace,
    report::Tells,
    session::Session,
    stamp::{RxHook, Stamp},
    time::{Moment, nanoseconds},
};

/// When simulations begin.
const BEGIN: Moment = Moment(1_000_000_000_000);

/// Turns at one moment after which the engine is taken to go round in circles.
const MOST_TURNS: u32 = 1_000;

/// What goes wrong on the prober's host, as shares.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    /// Probes that the kernel refuses.
    refused: f64,
    /// Probes taken and never stamped.
    vanished: f64,
    /// Replies that find their ring full.
    ring_full: f64,
}

/// A probe as the kernel knows it.
struct Slot {
    key: Key,
    tx: Moment,
    fate: Fate,
}

/// The prober, its kernel and the network.
struct World<S> {
    engine: Engine<S>,
    network: Network,
    timeout: Duration,
    now: Moment,
    slots: Vec<Slot>,
    /// Replies that wait to be read, with their stamps.
    ring: Vec<(Moment, Outcome, Reply)>,
    trouble: Trouble,
    /// While this lasts, the prober does not run.
    stall: Option<(Moment, Moment)>,
    rng: fastrand::Rng,
    /// All probes that left, in order.
    sent: Vec<(Moment, Key)>,
    /// All valid answers, in order.
    valid: Vec<Answer>,
    /// Replies without an index that were told to a wrong probe.
    misled: usize,
    /// Turns since the clock last moved.
    turns: u32,
}

impl<S: Session> World<S> {
    /// Session n of the engine goes to path n.
    fn new(paths: Vec<Path>, timeout: Duration, rate: Option<u64>, seed: u64) -> Self {
        Self {
            engine: Engine::new(timeout, Pace::at_most(rate)),
            network: Network::new(paths, seed),
            timeout,
            now: BEGIN,
            slots: Vec::new(),
            ring: Vec::new(),
            trouble: Trouble::default(),
            stall: None,
            rng: fastrand::Rng::with_seed(!seed),
            sent: Vec::new(),
            valid: Vec::new(),
            misled: 0,
            turns: 0,
        }
    }

    fn add(&mut self, session: S, flows: std::ops::Range<u16>) {
        let path = self.engine.sessions().len();
        let address = self.network.path(path).address();
        self.engine.add(session, address, flows, BEGIN);
    }

    /// Runs until all sessions are done, or for so long. Returns whether they are.
    fn run(&mut self, limit: Duration) -> bool {
        let end = self.now + limit;
        loop {
            self.turn();
            if self.engine.is_done() {
                return true;
            }
            let due = self.engine.poll_timeout(self.now);
            let next = [due, self.network.next_at()].into_iter().flatten().min();
            let next = next.expect("a session waits for nothing that will come");
            self.advance(next.min(end));
            if next > end {
                return false;
            }
        }
    }

    /// Time since the beginning.
    fn elapsed(&self) -> Duration {
        self.now.since(BEGIN)
    }

    /// What the prober's loop does: replies, timeouts, probes.
    fn turn(&mut self) {
        for (rx, outcome, reply) in std::mem::take(&mut self.ring) {
            self.read(rx, outcome, &reply);
        }
        let slots = &self.slots;
        let fate = |lease: Lease| Some(slots[lease.index as usize].fate);
        self.engine.handle_timeout(self.now, fate);
        while let Some(key) = self.engine.poll_transmit(self.now) {
            self.send(key);
        }
    }

    fn advance(&mut self, next: Moment) {
        self.turns = if next > self.now { 0 } else { self.turns + 1 };
        assert!(self.turns < MOST_TURNS, "busy, and nothing happens");
        self.now = self.now.max(next);
        if let Some((from, until)) = self.stall
            && self.now >= from
        {
            self.now = self.now.max(until);
            self.stall = None;
        }
        while let Some((rx, reply)) = self.network.next_reply(self.now) {
            self.receive(rx, reply);
        }
    }

    fn send(&mut self, key: Key) {
        self.sent.push((self.now, key));
        if self.rng.f64() < self.trouble.refused {
            let why = Unsent::Failed(Errno::Enobufs);
            return self.engine.handle_refused(key, why, self.now);
        }
        let vanishes = self.rng.f64() < self.trouble.vanished;
        let index = self.slots.len() as u32;
        let fate = if vanishes {
            Fate::NeverStamped
        } else {
            Fate::Unanswered
        };
        let tx = self.now;
        self.slots.push(Slot { key, tx, fate });
        let lease = Lease {
            index,
            seq16: 0,
            nonce: Nonce(u64::from(index) + 1),
        };
        self.engine.handle_sent(key, lease, self.now);
        let packet = Packet {
            slot: index,
            path: key.session as usize,
            probe: key.probe,
        };
        if !vanishes {
            self.network.send(packet, self.now);
        }
    }

    /// The kernel gets a reply.
    fn receive(&mut self, rx: Moment, reply: Reply) {
        let slot = &mut self.slots[reply.packet.slot as usize];
        let outcome = if reply.kind == Kind::UdpReply {
            Outcome::Unindexed
        } else {
            settle(slot, rx, self.timeout)
        };
        if self.rng.f64() >= self.trouble.ring_full {
            self.ring.push((rx, outcome, reply));
        }
    }

    /// The prober reads a reply.
    fn read(&mut self, rx: Moment, outcome: Outcome, reply: &Reply) {
        let mut place = reply.packet.slot;
        let mut outcome = outcome;
        if outcome == Outcome::Unindexed {
            let flow = reply.packet.probe.flow;
            let Some((_, lease)) = self.engine.match_unindexed(reply.responder, flow, self.now)
            else {
                return;
            };
            self.misled += usize::from(lease.index != place);
            place = lease.index;
            if self.slots[place as usize].fate != Fate::Unanswered {
                return;
            }
            outcome = settle(&mut self.slots[place as usize], rx, self.timeout);
        }
        let slot = &self.slots[place as usize];
        let answer = Answer {
            probe: slot.key.probe,
            kind: reply.kind,
            outcome,
            responder: reply.responder,
            reason: (reply.kind == Kind::Unreachable).then_some("host"),
            rtt_ns: nanoseconds(rx.since(slot.tx)),
            arrived: rx,
            stamp: Stamp {
                tx: TxSource::Tcx,
                rx: RxHook::Tcx,
            },
            tells: Tells::default(),
            extensions: None,
        };
        let known = self
            .engine
            .handle_answer(slot.key.session, &answer, self.now);
        if known && outcome == Outcome::Valid {
            self.valid.push(answer);
        }
    }
}

/// Moves a slot on, as the receiving program does.
fn settle(slot: &mut Slot, rx: Moment, timeout: Duration) -> Outcome {
    match slot.fate {
        Fate::Unanswered if rx.since(slot.tx) > timeout => {
            slot.fate = Fate::LateOnly;
            Outcome::Late
        }
        Fate::Unanswered => {
            slot.fate = Fate::Answered;
            Outcome::Valid
        }
        _ => Outcome::Duplicate,
    }
}

/// When probes of a hop left, by TTL, scouts left out.
fn departures(sent: &[(Moment, Key)], ttl: u8) -> Vec<Moment> {
    let of_hop = |probe: &ProbeId| probe.ttl == ttl && probe.round != u32::MAX;
    let sent = sent.iter().filter(|(_, key)| of_hop(&key.probe));
    sent.map(|(moment, _)| *moment).collect()
}

/// The shortest time between two of these, in order.
fn least_gap(moments: &[Moment]) -> Option<Duration> {
    moments.windows(2).map(|pair| pair[1].since(pair[0])).min()
}
