//! Packets under way in virtual time, and the nodes that they come to.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, hash_map::Entry},
    time::Duration,
};

use probe_common::{Address, abi::Kind};

use super::path::{Path, Target};
use crate::engine::{answer::ProbeId, time::Moment};

/// When a listener first repeats a SYN-ACK that nothing followed.
const SYN_ACK_AGAIN: Duration = Duration::from_secs(1);

/// A probe on the wire: its slot, and the path that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packet {
    pub(super) slot: u32,
    pub(super) path: usize,
    pub(super) probe: ProbeId,
}

/// A reply at the prober's door.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) packet: Packet,
    pub(super) kind: Kind,
    pub(super) responder: Address,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    AtNode(Packet, u8),
    AtProber(Packet, Kind, u8),
    RstAtTarget(Packet),
    SynAckAgain(Packet),
}

/// All paths and what is under way on them.
pub(super) struct Network {
    paths: Vec<Path>,
    queue: BinaryHeap<Reverse<(Moment, u64, Event)>>,
    events: u64,
    rng: fastrand::Rng,
    /// Half-open connections by path and flow, with the SYN that opened them.
    half_open: HashMap<(usize, u16), u32>,
    /// Paths on which a burst of loss is under way.
    bursts: HashSet<usize>,
    /// ICMP sent in a second, by path and node.
    sent_icmp: HashMap<(usize, u8, u64), u32>,
}

impl Network {
    pub(super) fn new(paths: Vec<Path>, seed: u64) -> Self {
        Self {
            paths,
            queue: BinaryHeap::new(),
            events: 0,
            rng: fastrand::Rng::with_seed(seed),
            half_open: HashMap::new(),
            bursts: HashSet::new(),
            sent_icmp: HashMap::new(),
        }
    }

    pub(super) fn path(&self, path: usize) -> &Path {
        &self.paths[path]
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Moment> {
        self.queue.peek().map(|Reverse((moment, ..))| *moment)
    }

    /// A probe leaves the prober.
    pub(super) fn send(&mut self, packet: Packet, now: Moment) {
        if self.in_burst(packet.path) {
            return;
        }
        let node = self.paths[packet.path].end_of(packet.probe.ttl);
        if let Some(delay) = self.travel(packet.path, node) {
            self.push(now + delay, Event::AtNode(packet, node));
        }
    }

    /// The next reply until `now` that reaches the prober, and when it does.
    pub(super) fn next_reply(&mut self, now: Moment) -> Option<(Moment, Reply)> {
        while let Some(&Reverse((moment, _, event))) = self.queue.peek() {
            if moment > now {
                return None;
            }
            self.queue.pop();
            match event {
                Event::AtNode(packet, node) => self.arrive(packet, node, moment),
                Event::AtProber(packet, kind, node) => {
                    let responder = self.paths[packet.path].address_at(node);
                    let reply = Reply {
                        packet,
                        kind,
                        responder,
                    };
                    self.reset(&reply, moment);
                    return Some((moment, reply));
                }
                Event::RstAtTarget(packet) => {
                    self.half_open.remove(&(packet.path, packet.probe.flow));
                }
                Event::SynAckAgain(packet) => {
                    let tuple = (packet.path, packet.probe.flow);
                    if self.half_open.get(&tuple) == Some(&packet.slot) {
                        self.reply(packet, Kind::SynAck, moment);
                        self.push(moment + SYN_ACK_AGAIN, Event::SynAckAgain(packet));
                    }
                }
            }
        }
        None
    }

    fn arrive(&mut self, packet: Packet, node: u8, now: Moment) {
        let path = &self.paths[packet.path];
        if node == path.distance() {
            if let Some(kind) = self.target(packet, now) {
                self.reply(packet, kind, now);
            }
            return;
        }
        let router = path.nodes[usize::from(node) - 1];
        let kind = if router.cut {
            Kind::Unreachable
        } else {
            Kind::TimeExceeded
        };
        if router.silent || !self.within_limit(packet.path, node, router.limit, now) {
            return;
        }
        self.reply(packet, kind, now);
    }

    fn target(&mut self, packet: Packet, now: Moment) -> Option<Kind> {
        match self.paths[packet.path].target {
            Target::Echo => Some(Kind::EchoReply),
            Target::ClosedUdp => Some(Kind::PortUnreachable),
            Target::UdpService => Some(Kind::UdpReply),
            Target::ClosedTcp => Some(Kind::Rst),
            Target::OpenTcp => Some(self.listen(packet, now)),
            Target::FilteredTcp | Target::Silent => None,
        }
    }

    /// A listener gets a SYN: `tcp_check_req` of Linux. In the window of the
    /// half-open connection the second resets it, else it gets a challenge ACK.
    fn listen(&mut self, packet: Packet, now: Moment) -> Kind {
        let tuple = (packet.path, packet.probe.flow);
        if let Entry::Vacant(tuple) = self.half_open.entry(tuple) {
            tuple.insert(packet.slot);
            self.push(now + SYN_ACK_AGAIN, Event::SynAckAgain(packet));
            return Kind::SynAck;
        }
        if self.rng.bool() {
            return Kind::Ack;
        }
        self.half_open.remove(&tuple);
        Kind::Rst
    }

    /// The prober's kernel knows of no connection: it resets what is half-open.
    fn reset(&mut self, reply: &Reply, now: Moment) {
        let packet = reply.packet;
        let distance = self.paths[packet.path].distance();
        if !matches!(reply.kind, Kind::SynAck | Kind::Ack) {
            return;
        }
        if let Some(delay) = self.travel(packet.path, distance) {
            self.push(now + delay, Event::RstAtTarget(packet));
        }
    }

    fn reply(&mut self, packet: Packet, kind: Kind, now: Moment) {
        let node = self.paths[packet.path].end_of(packet.probe.ttl);
        let times = 1 + u32::from(self.rng.f64() < self.paths[packet.path].doubled);
        for _ in 0..times {
            if let Some(delay) = self.travel(packet.path, node) {
                self.push(now + delay, Event::AtProber(packet, kind, node));
            }
        }
    }

    /// Whether a burst takes the next probe.
    fn in_burst(&mut self, path: usize) -> bool {
        let Some([begin, end]) = self.paths[path].bursts else {
            return false;
        };
        let goes_on = if self.bursts.contains(&path) {
            self.rng.f64() >= end
        } else {
            self.rng.f64() < begin
        };
        match goes_on {
            true => self.bursts.insert(path),
            false => self.bursts.remove(&path),
        };
        goes_on
    }

    fn within_limit(&mut self, path: usize, node: u8, limit: Option<u32>, now: Moment) -> bool {
        let Some(limit) = limit else {
            return true;
        };
        let second = now.0 / 1_000_000_000;
        let sent = self.sent_icmp.entry((path, node, second)).or_default();
        *sent += 1;
        *sent <= limit
    }

    /// How long a packet is on its way to or from a node, unless it is lost.
    fn travel(&mut self, path: usize, node: u8) -> Option<Duration> {
        let path = &self.paths[path];
        let mut delay = path.jitter.mul_f64(self.rng.f64());
        for node in path.nodes.iter().take(usize::from(node)) {
            if node.loss > 0.0 && self.rng.f64() < node.loss {
                return None;
            }
            delay += node.delay;
        }
        Some(delay)
    }

    fn push(&mut self, moment: Moment, event: Event) {
        self.events += 1;
        self.queue.push(Reverse((moment, self.events, event)));
    }
}
