//! When may a probe that can reach the target leave?
//!
//! A target answers the second SYN of one 4-tuple by RST or a challenge ACK while
//! the first is half-open, so an open port would read as closed; a UDP answer
//! does not say which probe it answers. Where that matters, at most one probe
//! that can reach the target is under way for each flow.

use std::time::Duration;

use probe_common::abi::Kind;

use super::time::Moment;

/// How long after a SYN-ACK the next SYN waits: our RST must overtake it.
pub(super) const AFTER_ANSWER: Duration = Duration::from_millis(10);

/// How much longer than a round trip the siblings of a reply that names no probe
/// may take.
pub(super) const AFTER_AMBIGUITY: Duration = Duration::from_millis(50);

/// How long all probes wait for the first SYN's answer.
const SCOUT_PATIENCE: Duration = Duration::from_secs(1);

/// The least time that a silent probe holds the gate.
const LEAST_PATIENCE: Duration = Duration::from_millis(250);

/// Round-trip times to the target that a silent probe holds the gate.
const PATIENCE_FACTOR: u32 = 4;

/// The gate of one flow to one target.
#[derive(Clone, Debug)]
pub enum Gate {
    /// No restriction.
    Open,
    /// A first SYN, to the last TTL, finds out whether the port is open.
    Scout {
        /// When it left, if it has.
        since: Option<Moment>,
    },
    /// One at a time.
    Serial(Serial),
}

/// State of a gate that lets one probe pass at a time.
#[derive(Clone, Debug)]
pub struct Serial {
    under_way: Option<(u8, u32, Moment)>,
    not_before: Moment,
    patience: Duration,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Go.
    Yes,
    /// Ask again then.
    At(Moment),
}

impl Gate {
    /// One at a time, because an answer could not be told to a probe: first its
    /// siblings are to come in. A round trip takes at most `rtt`.
    pub fn after_ambiguity(rtt: Duration, timeout: Duration, now: Moment) -> Self {
        Self::serial(rtt, timeout, now + rtt + AFTER_AMBIGUITY)
    }

    /// One at a time, because a SYN that took `rtt` was half-open at the target
    /// until our RST.
    pub fn after_syn_ack(rtt: Duration, timeout: Duration, now: Moment) -> Self {
        Self::serial(rtt, timeout, now + AFTER_ANSWER)
    }

    fn serial(rtt: Duration, timeout: Duration, not_before: Moment) -> Self {
        Self::Serial(Serial {
            under_way: None,
            not_before,
            patience: (rtt * PATIENCE_FACTOR).max(LEAST_PATIENCE).min(timeout),
        })
    }

    /// Whether a probe may leave that can reach the target.
    pub fn permit(&self, now: Moment) -> Permit {
        let free = match self {
            Self::Open => return Permit::Yes,
            Self::Scout { since } => since.unwrap_or(now) + SCOUT_PATIENCE,
            Self::Serial(serial) => serial.free_at(),
        };
        if free <= now {
            Permit::Yes
        } else {
            Permit::At(free)
        }
    }

    /// A probe that can reach the target leaves.
    pub fn pass(&mut self, ttl: u8, round: u32, now: Moment) {
        if let Self::Serial(serial) = self {
            serial.under_way = Some((ttl, round, now));
        }
    }

    /// Whether a reply without an index may answer this probe.
    pub fn awaits(&self, ttl: u8, round: u32) -> bool {
        match self {
            Self::Open | Self::Scout { .. } => true,
            Self::Serial(serial) => serial.is_under_way(ttl, round),
        }
    }

    /// The probe was answered, or is not waited for any more (`kind` is `None`).
    pub fn settle(&mut self, ttl: u8, round: u32, kind: Option<Kind>, now: Moment) {
        let Self::Serial(serial) = self else {
            return;
        };
        if serial.is_under_way(ttl, round) {
            serial.under_way = None;
        }
        if matches!(kind, Some(Kind::SynAck | Kind::Ack | Kind::UdpReply)) {
            serial.not_before = serial.not_before.max(now + AFTER_ANSWER);
        }
    }
}

impl Serial {
    fn free_at(&self) -> Moment {
        match self.under_way {
            Some((_, _, since)) => self.not_before.max(since + self.patience),
            None => self.not_before,
        }
    }

    fn is_under_way(&self, ttl: u8, round: u32) -> bool {
        matches!(self.under_way, Some((t, r, _)) if (t, r) == (ttl, round))
    }
}
