//! What became of the probes of a lane.

use std::collections::BTreeMap;

use crate::engine::time::Moment;

/// Reasons for which replies make probes unnecessary, in the order of
/// [`probe_common::adaptive::Spared`].
pub(super) const SPARED: [&str; 3] = ["target_reached", "gap_limit", "known_path"];

/// What became of the probes of a lane.
#[derive(Debug, Default)]
pub(super) struct LaneResult {
    pub(super) planned: u64,
    /// Probes that an adaptive sweep spared, by reason as in [`SPARED`]: planned and
    /// skipped besides those below.
    pub(super) spared: [u64; 3],
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) failed: BTreeMap<i32, u64>,
    /// Refused behind their stamp; the tally of their slots has them as well.
    pub(super) dropped: u64,
    /// Taken by the kernel, by TTL.
    pub(super) taken_by_ttl: Vec<u64>,
    pub(super) slot_waits: u64,
    pub(super) held: u64,
    pub(super) shortfall: u64,
    pub(super) last_sent: Option<Moment>,
    /// Batches of the generator; from the first stamp of each to its end: nanoseconds
    /// in sum, and at most.
    pub(super) batches: u64,
    pub(super) span_ns: u64,
    pub(super) longest_span_ns: u64,
    /// Where it ended, if its counts may not say so yet.
    pub(super) cursor: Option<u64>,
    /// Why it ended before its time.
    pub(super) failure: Option<String>,
}

impl LaneResult {
    /// Counts probes that are not sent, by reason.
    pub(super) fn skip(&mut self, reason: &'static str, count: u64) {
        *self.skipped.entry(reason).or_default() += count;
    }
}
