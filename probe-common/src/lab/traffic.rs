//! What the kernel program of the simulated internet counts.

use bytemuck::{Pod, Zeroable};

use crate::abi::Kind;

/// Values that a TTL can have.
pub const MAX_TTLS: usize = 256;

/// A counter; the value is its place in [`Traffic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Count {
    /// Packets to a target's network, but for resets.
    Probes,
    /// Echo replies.
    EchoReply,
    /// Time-exceeded errors.
    TimeExceeded,
    /// Port-unreachable errors.
    PortUnreachable,
    /// SYN-ACKs.
    SynAck,
    /// Resets sent back.
    Rst,
    /// Probes whose TTL ended at a silent router.
    SilentRouter,
    /// Probes that reached a dead target.
    DeadTarget,
    /// Probes that a router would drop: a wrong checksum of the IP header, IP options,
    /// fragments, a TTL of 0, nothing that this internet knows.
    Refused,
    /// Replies, counted above, that were sent a second time.
    Doubled,
    /// Replies, counted above, that show a wrong nonce.
    Forged,
    /// Resets that the prober's host sent to end a connection: no probes.
    Resets,
    /// Packets to elsewhere, which went on to the host's stack: no probes.
    Passed,
}

impl Count {
    /// How many there are.
    pub const COUNT: usize = Self::Passed as usize + 1;

    /// The counter of replies of a kind.
    #[inline(always)]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::EchoReply => Self::EchoReply,
            Kind::PortUnreachable => Self::PortUnreachable,
            Kind::SynAck => Self::SynAck,
            Kind::Rst => Self::Rst,
            _ => Self::TimeExceeded,
        }
    }
}

/// The counters of one CPU, or of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Traffic {
    counts: [u64; Count::COUNT],
    by_ttl: [u64; MAX_TTLS],
}

impl Traffic {
    /// All zero.
    pub const ZERO: Self = Self {
        counts: [0; Count::COUNT],
        by_ttl: [0; MAX_TTLS],
    };

    /// Adds one to a counter.
    #[inline(always)]
    pub fn add(&mut self, count: Count) {
        if let Some(value) = self.counts.get_mut(count as usize) {
            *value = value.wrapping_add(1);
        }
    }

    /// Adds a probe that arrived with this TTL.
    #[inline(always)]
    pub fn add_probe(&mut self, ttl: u8) {
        self.add(Count::Probes);
        if let Some(value) = self.by_ttl.get_mut(ttl as usize) {
            *value = value.wrapping_add(1);
        }
    }

    /// The value of a counter.
    pub fn get(&self, count: Count) -> u64 {
        self.counts.get(count as usize).copied().unwrap_or(0)
    }

    /// Probes that arrived with this TTL.
    pub fn at_ttl(&self, ttl: u8) -> u64 {
        self.by_ttl.get(usize::from(ttl)).copied().unwrap_or(0)
    }

    /// Replies put on the wire, the second of each double too.
    pub fn sent_back(&self) -> u64 {
        [
            Count::EchoReply,
            Count::TimeExceeded,
            Count::PortUnreachable,
            Count::SynAck,
            Count::Rst,
            Count::Doubled,
        ]
        .into_iter()
        .map(|count| self.get(count))
        .sum()
    }

    /// Whether each probe has met with one fate.
    pub fn adds_up(&self) -> bool {
        let unanswered = [Count::SilentRouter, Count::DeadTarget, Count::Refused];
        let unanswered: u64 = unanswered.into_iter().map(|count| self.get(count)).sum();
        let replies = self.sent_back() - self.get(Count::Doubled);
        let by_ttl: u64 = self.by_ttl.iter().sum();
        self.get(Count::Probes) == replies + unanswered && by_ttl == self.get(Count::Probes)
    }

    /// Adds another CPU's counters to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.wrapping_add(*theirs);
        }
        for (mine, theirs) in self.by_ttl.iter_mut().zip(&other.by_ttl) {
            *mine = mine.wrapping_add(*theirs);
        }
    }

    /// What has been counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = *self;
        for (mine, theirs) in difference.counts.iter_mut().zip(&earlier.counts) {
            *mine = mine.wrapping_sub(*theirs);
        }
        for (mine, theirs) in difference.by_ttl.iter_mut().zip(&earlier.by_ttl) {
            *mine = mine.wrapping_sub(*theirs);
        }
        difference
    }
}
