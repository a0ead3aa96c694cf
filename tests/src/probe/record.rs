//! The records of JSONL, as a user of them would read them.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use anyhow::{Result, bail};
use serde::Deserialize;

/// The path of a flow.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Trace {
    pub target: IpAddr,
    pub name: Option<String>,
    pub protocol: String,
    pub flow: u16,
    pub stop: String,
    pub rounds: u32,
    pub stamp: String,
    pub tos: u8,
    pub length: u16,
    pub middlebox: Option<Middlebox>,
    pub hops: Vec<Hop>,
    pub host: Option<Host>,
}

/// One hop.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Hop {
    pub ttl: u8,
    pub sent: u64,
    pub received: u64,
    pub late: u64,
    pub duplicates: u64,
    pub loss: Loss,
    #[serde(default)]
    pub causes: BTreeMap<String, u64>,
    pub rate_limit: Option<RateLimit>,
    pub responders: Vec<Responder>,
    pub rtt_ns: Option<Rtt>,
}

/// Loss by cause.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Loss {
    pub ratio: Option<f64>,
    pub ci95: Option<[f64; 2]>,
    pub unanswered: u64,
    pub never_sent: u64,
    pub by_us: u64,
    pub rate_limited: u64,
    #[serde(default)]
    pub pending: u64,
}

/// Who answered at a hop.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Responder {
    pub address: IpAddr,
    pub name: Option<String>,
    pub received: u64,
    pub kind: Option<String>,
    pub reason: Option<String>,
    #[serde(flatten)]
    pub tells: Tells,
    #[serde(default)]
    pub mpls: Vec<Label>,
}

/// What a reply tells of the ways there and back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Tells {
    pub reply_ttl: Option<u8>,
    pub back_hops: Option<u8>,
    pub asymmetry: Option<i16>,
    pub quoted_ttl: Option<u8>,
    pub quoted_tos: Option<u8>,
    pub quoted_length: Option<u16>,
    #[serde(default)]
    pub nat: bool,
    pub rewritten: Option<String>,
}

/// Two ways back from a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Middlebox {
    pub suspected: bool,
    pub reply_ttl: u8,
    pub back_hops: u8,
    pub echo_reply_ttl: u8,
    pub echo_back_hops: u8,
}

/// An entry of an MPLS label stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Label {
    pub label: u32,
    pub tc: u8,
    pub s: bool,
    pub ttl: u8,
}

/// Round-trip times, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Rtt {
    pub count: u64,
    pub min: u64,
    pub mean: u64,
    pub stddev: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
    pub jitter: u64,
    pub jitter_rfc3550: u64,
}

/// Runs of losses.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Bursts {
    pub count: u64,
    pub longest: u64,
    pub mean: f64,
    pub p: Option<f64>,
    pub r: Option<f64>,
}

/// Replies overtaken by others.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Reordered {
    pub count: u64,
    pub ratio: f64,
}

/// The time since the report before.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Interval {
    pub begin_ns: u64,
    pub end_ns: u64,
    pub sent: u64,
    pub received: u64,
    pub late: u64,
    pub duplicates: u64,
    pub loss: Loss,
    pub rtt_ns: Option<Rtt>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct RateLimit {
    pub per_second: f64,
    pub burst: Option<u64>,
    pub interval_ns: Option<u64>,
}

/// Probes left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Omitted {
    pub probes: u64,
    pub longest_ns: u64,
}

/// Latency and loss of a target.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Ping {
    pub target: IpAddr,
    pub name: Option<String>,
    pub protocol: String,
    pub stamp: String,
    pub sent: u64,
    pub received: u64,
    pub late: u64,
    pub duplicates: u64,
    pub reordered: Reordered,
    pub omitted: Option<Omitted>,
    pub errors: u64,
    pub loss: Loss,
    #[serde(default)]
    pub causes: BTreeMap<String, u64>,
    pub rate_limit: Option<RateLimit>,
    pub bursts: Option<Bursts>,
    pub rtt_ns: Option<Rtt>,
    pub interval: Option<Interval>,
    pub host: Option<Host>,
}

/// What happened to the host meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Host {
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub suspended_ns: u64,
}

/// One reply.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the product's contract")]
pub struct Reply {
    pub target: IpAddr,
    pub ttl: u8,
    pub flow: u16,
    pub round: u32,
    pub protocol: String,
    pub kind: String,
    pub reason: Option<String>,
    #[serde(default)]
    pub mpls: Vec<Label>,
    pub responder: IpAddr,
    pub rtt_ns: Option<u64>,
    pub tx_ns: Option<u64>,
    pub rx_ns: u64,
    pub grade: String,
    #[serde(flatten)]
    pub tells: Tells,
    pub duplicate: bool,
    pub late: bool,
    pub stamp: String,
}

impl Trace {
    /// The address of each hop, in order.
    ///
    /// # Errors
    ///
    /// If a hop is silent, or more than one address answered.
    pub fn addresses(&self) -> Result<Vec<IpAddr>> {
        let addresses = self.hops.iter().map(|hop| match hop.responders.as_slice() {
            [responder] => Ok(responder.address),
            _ => bail!("hop {}: {:?}", hop.ttl, hop.responders),
        });
        addresses.collect()
    }

    /// The address of each hop, in order; `None` where all was silent.
    pub fn answering(&self) -> Vec<Option<IpAddr>> {
        let first = |hop: &Hop| hop.responders.first().map(|first| first.address);
        self.hops.iter().map(first).collect()
    }

    /// The hop of this TTL.
    pub fn hop(&self, ttl: u8) -> Option<&Hop> {
        self.hops.iter().find(|hop| hop.ttl == ttl)
    }

    /// Probes that did not come back, by TTL, without the hops that lost none.
    pub fn losses(&self) -> BTreeMap<u8, Loss> {
        let lossy = self.hops.iter().filter(|hop| hop.received < hop.sent);
        lossy.map(|hop| (hop.ttl, hop.loss)).collect()
    }

    /// What the last hop answered with: its reason, or else its kind.
    pub fn last_word(&self) -> Option<&str> {
        let last = self.hops.last()?.responders.first()?;
        last.reason.as_deref().or(last.kind.as_deref())
    }
}

impl Rtt {
    /// Whether the figures are in the order that their names promise.
    pub fn is_ordered(&self) -> bool {
        let figures = [self.min, self.p50, self.p90, self.p99, self.p999, self.max];
        figures.is_sorted() && (self.min..=self.max).contains(&self.mean)
    }

    /// The shortest.
    pub fn shortest(&self) -> Duration {
        Duration::from_nanos(self.min)
    }
}
