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
    /// What the kernel reads time from.
    pub clocksource: Option<String>,
    /// The interfaces that probes left by.
    pub interfaces: Vec<String>,
    /// Those that only replies might have come in by.
    #[serde(default)]
    pub reply_interfaces: Vec<String>,
    /// What routers said behind quotes.
    pub extensions: Extensions,
    /// When real time was set.
    #[serde(default)]
    pub clock_steps: Vec<Step>,
    /// When the host slept.
    #[serde(default)]
    pub suspensions: Vec<Suspension>,
    /// What only a sweep has.
    pub sweep: Option<SweepSection>,
}

/// Extension structures that replies came with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Extensions {
    /// Read.
    pub read: u64,
    /// Not read, by reason.
    pub unread: BTreeMap<String, u64>,
}

/// Real time was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// Not after this moment of CLOCK_MONOTONIC.
    pub monotonic_ns: u64,
    /// By how much.
    pub by_ns: i64,
}

/// The host slept between two moments of CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Suspension {
    /// Not before this.
    pub from_ns: u64,
    /// Not after this.
    pub until_ns: u64,
    /// For so long.
    pub slept_ns: u64,
}

/// What only a sweep has. Fields that are not here are checked nowhere.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepSection {
    /// How probes left.
    pub probe: SentProbe,
    /// What sent: `sockets` or `generator`.
    pub tx: String,
    /// Frames that left the generator together.
    pub tx_batch: Option<u32>,
    /// How long the first of them waited for the last.
    pub tx_span: Option<Span>,
    /// Sending threads.
    pub lanes: u32,
    /// Probes a second; absent: as fast as it goes.
    pub rate: Option<u64>,
    /// Probes that the rate allowed and a stall kept from leaving.
    pub shortfall: u64,
    /// Each TTL that probes were sent with.
    pub hops: Vec<SweepHop>,
    /// How often a lane waited for records to be written.
    pub backlog_waits: u64,
    /// Addresses that were named and are no targets.
    pub left_out: LeftOut,
}

/// What a sweep sent with a TTL.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct SweepHop {
    /// Probes.
    pub sent: u64,
}

/// Why addresses that were named are no targets.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LeftOut {
    /// They are of the IP version that was not asked for.
    pub other_family: u64,
}

/// How the probes of a sweep left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SentProbe {
    /// TOS or traffic class.
    pub tos: u8,
    /// Octets of a probe of IPv4, header included.
    pub ipv4_length: u16,
    /// Octets of a probe of IPv6, header included.
    pub ipv6_length: u16,
}

/// From the first stamp of a batch to its end, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Span {
    pub mean_ns: u64,
    pub max_ns: u64,
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
    /// What makes the stamp of a probe earlier than its departure.
    pub tx_uncertainty: String,
    /// For how long, where that is known.
    pub tx_uncertainty_ns: Option<Wait>,
    /// The queueing discipline behind the stamp.
    pub qdisc: Option<String>,
    /// How wrong stamps of userspace would have been.
    #[serde(default)]
    pub user_minus_kernel_ns: Difference,
}

/// How long a frame waits for others, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Wait {
    pub mean: u64,
    pub max: u64,
}

/// Of both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// Of probes.
    pub tx: Option<Percentiles>,
    /// Of replies.
    pub rx: Option<Percentiles>,
}

/// Of nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub count: u64,
    pub p1: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

impl Percentiles {
    /// Whether they can be those of one distribution.
    pub fn are_in_order(&self) -> bool {
        [self.p1, self.p50, self.p90, self.p99, self.p999, self.max].is_sorted()
    }
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

    /// Probes that were answered, in time or not.
    pub fn answered(&self) -> u64 {
        self.valid + self.late
    }

    /// Candidates that count as no probe's reply, all reasons together.
    pub fn rejected(&self) -> u64 {
        sum(&self.malformed) + self.foreign + self.stale + self.bad_nonce + self.bad_destination
    }
}

pub(super) fn sum(parts: &BTreeMap<String, u64>) -> u64 {
    parts.values().sum()
}
