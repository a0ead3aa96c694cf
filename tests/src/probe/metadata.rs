//! What `--metadata` writes, as a user of it would read it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The metadata of a run. Fields that are not here are checked nowhere.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// Version of the schema of records and metadata.
    pub schema: u32,
    /// The command line.
    pub command: Vec<String>,
    /// Probes that left.
    pub sent: u64,
    /// Probes a second, from the first to the last.
    pub sent_rate: f64,
    /// The counters.
    pub counters: Counters,
    /// Where stamps were taken, for each interface.
    pub stamps: Vec<StampSource>,
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// What only a sweep has.
    pub sweep: Option<SweepSection>,
}

/// What only a sweep has. Fields that are not here are checked nowhere.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepSection {
    /// What sent: `sockets` or `generator`.
    pub tx: String,
    /// Frames that left the generator together.
    pub tx_batch: Option<u32>,
    /// Sending threads.
    pub lanes: u32,
    /// Probes a second; absent: as fast as it goes.
    pub rate: Option<u64>,
    /// Probes that the rate allowed and a stall kept from leaving.
    pub shortfall: u64,
    /// How often a lane waited for records to be written.
    pub backlog_waits: u64,
    /// Addresses that were named and are no targets.
    pub left_out: LeftOut,
}

/// Why addresses that were named are no targets.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LeftOut {
    /// They are of the IP version that was not asked for.
    pub other_family: u64,
}

/// The stamps of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StampSource {
    /// The interface's name.
    pub interface: String,
    /// Source of the probes' stamps.
    pub tx: String,
    /// Source of the replies' stamps.
    pub rx: String,
}

/// The counters of a run: these names and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Counters {
    pub planned: u64,
    pub skipped: BTreeMap<String, u64>,
    pub failed: BTreeMap<String, u64>,
    pub stamped: u64,
    pub dropped_after_stamp: u64,
    pub sent: u64,
    pub answered: u64,
    pub late_only: u64,
    pub unanswered: u64,
    pub candidates: u64,
    pub malformed: BTreeMap<String, u64>,
    pub foreign: u64,
    pub stale: u64,
    pub bad_nonce: u64,
    pub bad_destination: u64,
    pub valid: u64,
    pub late: u64,
    pub duplicate: u64,
    pub delivered: u64,
    pub ring_full: u64,
    pub recorded: u64,
    pub filtered: u64,
    pub backlog: u64,
    pub unwritten: u64,
}

impl Counters {
    /// Planned probes that did not come as far as the stamp, all reasons together.
    pub fn never_stamped(&self) -> u64 {
        sum(&self.skipped) + sum(&self.failed)
    }

    /// Candidates that count as no probe's reply, all reasons together.
    pub fn rejected(&self) -> u64 {
        sum(&self.malformed) + self.foreign + self.stale + self.bad_nonce + self.bad_destination
    }
}

pub(super) fn sum(parts: &BTreeMap<String, u64>) -> u64 {
    parts.values().sum()
}
