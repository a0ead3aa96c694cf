//! A path and its target, as a test describes them.

use std::time::Duration;

use probe_common::Address;

/// What the target does with a probe that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Answers echo requests.
    Echo,
    /// No UDP listener: port unreachable.
    ClosedUdp,
    /// A UDP service: data, which names no probe.
    UdpService,
    /// A listener of Linux: while one SYN of a 4-tuple is half-open, another gets
    /// RST or a challenge ACK.
    OpenTcp,
    /// No TCP listener: RST.
    ClosedTcp,
    /// Drops SYNs.
    FilteredTcp,
    /// Drops everything else.
    Silent,
}

impl Target {
    /// Whether it is probed by SYNs.
    pub(crate) fn takes_syns(self) -> bool {
        matches!(self, Self::OpenTcp | Self::ClosedTcp | Self::FilteredTcp)
    }

    /// Whether it answers at all.
    pub(crate) fn answers(self) -> bool {
        !matches!(self, Self::FilteredTcp | Self::Silent)
    }
}

/// A router, or the target: what it does, and the link to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// One way, over the link to it.
    pub(crate) delay: Duration,
    /// Share of packets that the link loses, in each direction.
    pub(crate) loss: f64,
    /// Forwards, but sends no ICMP.
    pub(crate) silent: bool,
    /// ICMP that it sends in a second.
    pub(crate) limit: Option<u32>,
    /// Has no route to the target.
    pub(crate) cut: bool,
}

/// A path to a target.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) target: Target,
    /// By TTL, from 1 on; the last is the target.
    pub(crate) nodes: Vec<Node>,
    /// Share of replies that come twice.
    pub(crate) doubled: f64,
    /// Most that is added to each way, at random.
    pub(crate) jitter: Duration,
    /// Loss of probes in bursts: chance behind one that is not lost, and chance of an
    /// end behind one that is.
    pub(crate) bursts: Option<[f64; 2]>,
    /// Tells addresses of several paths apart, 24 bits.
    pub(crate) number: u32,
}

impl Path {
    /// A clean path on which `target` answers probes of this TTL, a millisecond a link.
    pub(crate) fn to(target: Target, distance: u8) -> Self {
        let node = Node {
            delay: Duration::from_millis(1),
            loss: 0.0,
            silent: false,
            limit: None,
            cut: false,
        };
        Self {
            target,
            nodes: vec![node; usize::from(distance)],
            doubled: 0.0,
            jitter: Duration::ZERO,
            bursts: None,
            number: 0,
        }
    }

    /// Changes the node of a TTL.
    pub(crate) fn at(mut self, ttl: u8, change: impl FnOnce(&mut Node)) -> Self {
        change(&mut self.nodes[usize::from(ttl) - 1]);
        self
    }

    /// Changes all nodes.
    pub(crate) fn everywhere(mut self, change: impl Fn(&mut Node)) -> Self {
        self.nodes.iter_mut().for_each(change);
        self
    }

    /// The TTL that reaches the target.
    pub(crate) fn distance(&self) -> u8 {
        self.nodes.len() as u8
    }

    /// The address of the target.
    pub(crate) fn address(&self) -> Address {
        self.address_at(self.distance())
    }

    /// The address of the node of a TTL.
    pub(crate) fn address_at(&self, ttl: u8) -> Address {
        let [_, a, b, c] = self.number.to_be_bytes();
        Address::from_v4([a, b, c, ttl])
    }

    /// Who answers a probe of this TTL, if anybody does and nothing is lost.
    pub(crate) fn responder(&self, ttl: u8) -> Option<Address> {
        let node = self.end_of(ttl);
        let silent = self.nodes[usize::from(node) - 1].silent;
        let answers = if node == self.distance() {
            self.target.answers()
        } else {
            !silent
        };
        answers.then(|| self.address_at(node))
    }

    /// The TTL of the node that a probe of this TTL gets to.
    pub(crate) fn end_of(&self, ttl: u8) -> u8 {
        let cut = self.nodes.iter().position(|node| node.cut);
        let cut = cut.map_or(u8::MAX, |place| place as u8 + 1);
        ttl.min(self.distance()).min(cut)
    }

    /// The round trip to the node of a TTL, without jitter.
    pub(crate) fn round_trip(&self, ttl: u8) -> Duration {
        let nodes = self.nodes.iter().take(usize::from(ttl));
        nodes.map(|node| node.delay * 2).sum()
    }
}
