//! Figures about probes one after another: bursts, order, limits, what was left out.

use serde::Serialize;

use super::{Loss, Rtt};

/// Runs of losses, in the order of sending.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bursts {
    /// Runs.
    pub count: u64,
    /// Probes of the longest.
    pub longest: u64,
    /// Probes of a run on average.
    pub mean: f64,
    /// Chance of loss behind a reply: p of Gilbert and Elliott.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// Chance of a reply behind a loss: r of Gilbert and Elliott.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r: Option<f64>,
}

/// Replies overtaken by the reply to a later probe (RFC 4737).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reordered {
    /// Replies.
    pub count: u64,
    /// Of those received.
    pub ratio: f64,
}

/// Probes that were due and never asked for: the sender was held up, and they were not
/// made up for in a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Omitted {
    /// Probes.
    pub probes: u64,
    /// How late the latest of all probes was.
    pub longest_ns: u64,
}

/// A limit on what a responder sends: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateLimit {
    /// Replies a second.
    pub per_second: f64,
    /// Replies at once: tokens that were left at the first probe; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
    /// How far apart probes were since it was found, where limits are respected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ns: Option<u64>,
}

/// What became known of a target between two reports. Moments are CLOCK_MONOTONIC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its begin.
    pub begin_ns: u64,
    /// Its end.
    pub end_ns: u64,
    /// Probes.
    pub sent: u64,
    /// Valid replies.
    pub received: u64,
    /// Replies after the timeout.
    pub late: u64,
    /// Replies to probes already answered.
    pub duplicates: u64,
    /// Loss by cause; its ratio is of the probes whose fate became known.
    pub loss: Loss,
    /// Round-trip times, if there was a valid reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<Rtt>,
}

/// Counts since the beginning, of one target or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Probes.
    pub sent: u64,
    /// Valid replies.
    pub received: u64,
    /// Replies after the timeout.
    pub late: u64,
    /// Replies to probes already answered.
    pub duplicates: u64,
    /// Probes without an answer.
    pub unanswered: u64,
    /// Never left.
    pub never_sent: u64,
    /// Answers lost here.
    pub by_us: u64,
}

impl Totals {
    /// The sum of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        self.by_count(other, u64::saturating_add)
    }

    /// What is more than in `before`; what was taken back leaves nothing, not less.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        self.by_count(before, u64::saturating_sub)
    }

    fn by_count(self, other: Self, of: fn(u64, u64) -> u64) -> Self {
        Self {
            sent: of(self.sent, other.sent),
            received: of(self.received, other.received),
            late: of(self.late, other.late),
            duplicates: of(self.duplicates, other.duplicates),
            unanswered: of(self.unanswered, other.unanswered),
            never_sent: of(self.never_sent, other.never_sent),
            by_us: of(self.by_us, other.by_us),
        }
    }
}
