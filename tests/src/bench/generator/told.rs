//! What `probe` says of a run in its metadata.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The file with the metadata.
pub(super) const METADATA: &str = "metadata";

/// As much of the metadata as is looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Told {
    /// What became of probes and replies.
    pub counters: Counters,
    /// What only a sweep has.
    pub sweep: Section,
}

/// See [`Told::counters`].
#[derive(Clone, Debug, Deserialize)]
pub struct Counters {
    /// Stamped, then refused by the driver or the queue.
    pub dropped_after_stamp: u64,
    /// Replies that found their ring full.
    pub ring_full: u64,
    /// Replies that went into the results.
    pub recorded: u64,
}

/// See [`Told::sweep`].
#[derive(Clone, Debug, Deserialize)]
pub struct Section {
    /// Targets.
    pub targets: u64,
    /// What sent: `sockets` or `generator`.
    pub tx: String,
    /// Frames that left together.
    pub tx_batch: Option<u32>,
    /// Threads that sent.
    pub lanes: u32,
    /// A row for each TTL.
    pub hops: Vec<Hop>,
}

/// A TTL.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Hop {
    /// Median of the round-trip time.
    pub p50_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
}

impl Told {
    /// Reads what was left in a directory.
    pub(super) fn read(directory: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(directory.join(METADATA)).context("no metadata")?;
        serde_json::from_str(&text).context("metadata of another form")
    }

    /// The first TTL that was probed.
    pub(super) fn first_hop(&self) -> Option<Hop> {
        self.sweep.hops.first().copied()
    }
}
