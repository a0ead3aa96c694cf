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
const AFTER_ANSWER: Duration = Duration::from_millis(10);

/// How long after a reply of an unknown probe the next waits, for its siblings
/// to come in.
const AFTER_AMBIGUITY: Duration = Duration::from_millis(50);

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
        /// Whether it has left.
        sent: bool,
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
    /// One at a time, because an answer could not be told to a probe.
    pub fn after_ambiguity(now: Moment, patience: Duration) -> Self {
        Self::Serial(Serial {
            under_way: None,
            not_before: now + AFTER_AMBIGUITY,
            patience,
        })
    }

    /// What the scout's answer means: only a half-open connection is in the way.
    pub fn after_scout(kind: Option<Kind>, rtt: Duration, timeout: Duration, now: Moment) -> Self {
        if kind != Some(Kind::SynAck) {
            return Self::Open;
        }
        let patience = (rtt * PATIENCE_FACTOR).max(LEAST_PATIENCE).min(timeout);
        Self::Serial(Serial {
            under_way: None,
            not_before: now + AFTER_ANSWER,
            patience,
        })
    }

    /// Whether a probe may leave that can reach the target.
    pub fn permit(&self, now: Moment) -> Permit {
        let Self::Serial(serial) = self else {
            return Permit::Yes;
        };
        let free = match serial.under_way {
            Some((_, _, since)) => since + serial.patience,
            None => serial.not_before,
        };
        let free = free.max(serial.not_before);
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

    /// The probe was answered, or is not waited for any more (`kind` is `None`).
    pub fn settle(&mut self, ttl: u8, round: u32, kind: Option<Kind>, now: Moment) {
        let Self::Serial(serial) = self else {
            return;
        };
        if matches!(serial.under_way, Some((t, r, _)) if (t, r) == (ttl, round)) {
            serial.under_way = None;
        }
        if matches!(kind, Some(Kind::SynAck | Kind::Ack | Kind::UdpReply)) {
            serial.not_before = now + AFTER_ANSWER;
        }
    }
}
