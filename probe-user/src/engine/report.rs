//! What a run found out: the only types that sinks see.
//!
//! Field names are those of every output. What is not known is absent. All times
//! are nanoseconds; stamps are CLOCK_MONOTONIC.

mod causes;
mod extension;
mod path;
mod responder;
mod statistics;
mod tells;

use std::net::IpAddr;

use serde::Serialize;

pub use self::{
    causes::{Causes, Host},
    extension::{ExtensionCounts, Extensions, Interface, Interfaces, MplsLabel, Unread},
    path::{PathHop, PathReport, PathRules},
    responder::{ResponderReport, RttSummary, TtlSpan},
    statistics::{Bursts, Interval, Omitted, RateLimit, Reordered, Totals},
    tells::{Middlebox, Tells},
};
use super::stamp::Stamp;

/// Why a trace ended where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The target answered.
    Target,
    /// A router said that the target cannot be reached.
    Unreachable,
    /// As many hops as the gap limit in a row were silent.
    GapLimit,
    /// The last TTL was probed.
    MaxTtl,
    /// The run was ended before the trace was.
    Interrupted,
}

impl Stop {
    /// Every value.
    pub const ALL: &'static [Self] = &[
        Self::Target,
        Self::Unreachable,
        Self::GapLimit,
        Self::MaxTtl,
        Self::Interrupted,
    ];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Unreachable => "unreachable",
            Self::GapLimit => "gap-limit",
            Self::MaxTtl => "max-ttl",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Loss, split by cause. The causes add up to `sent - received`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Loss {
    /// Lost on the path or unanswered, of what left and is known: `unanswered ÷ (sent −
    /// never_sent − by_us − pending)`; absent where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Bounds of the chance of it, 95 %, wider where losses come in bursts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95: Option<[f64; 2]>,
    /// Nothing came back, and nothing explains it.
    pub unanswered: u64,
    /// Never left this host.
    pub never_sent: u64,
    /// Came back, and was lost here (ring full), or was not awaited (the host slept).
    pub by_us: u64,
    /// Nothing came back, but hops behind answered: the hop limits its ICMP.
    pub rate_limited: u64,
    /// Still waited for, at a report before the end, or where the run was cut short.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Round-trip times of valid replies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rtt {
    /// Replies.
    pub count: u64,
    /// Least.
    pub min: u64,
    /// Arithmetic mean.
    pub mean: u64,
    /// Standard deviation.
    pub stddev: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Greatest.
    pub max: u64,
    /// Mean absolute difference of consecutive round-trip times.
    pub jitter: u64,
    /// Interarrival jitter (RFC 3550, section 6.4.1) at the last reply.
    pub jitter_rfc3550: u64,
}

/// Who answered at a hop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Responder {
    /// Source of the replies.
    pub address: IpAddr,
    /// Its name, from reverse DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Valid replies from it.
    pub received: u64,
    /// What it answered with last, where that is not time-exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Name of the unreachable code, if that is what it answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What its last reply tells of the ways there and back.
    #[serde(flatten)]
    pub tells: Tells,
    /// The label stack that it said last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mpls: Vec<MplsLabel>,
    /// What it said last of its interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<Interfaces>,
}

/// One hop of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hop {
    /// TTL or hop limit.
    pub ttl: u8,
    /// Probes.
    pub sent: u64,
    /// Valid replies.
    pub received: u64,
    /// Replies after the timeout.
    pub late: u64,
    /// Replies to probes already answered.
    pub duplicates: u64,
    /// Loss by cause.
    pub loss: Loss,
    /// Lost probes, each by one cause.
    #[serde(skip_serializing_if = "Causes::is_empty")]
    pub causes: Causes,
    /// The limit that explains it, where replies came as from behind one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Who answered, most replies first.
    pub responders: Vec<Responder>,
    /// Round-trip times, if there was a valid reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<Rtt>,
}

/// The path of one flow to one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceReport {
    /// The target.
    pub target: IpAddr,
    /// Its name as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `icmp`, `udp` or `tcp`.
    pub protocol: &'static str,
    /// Flow.
    pub flow: u16,
    /// Why the trace ended.
    pub stop: Stop,
    /// Rounds done.
    pub rounds: u32,
    /// Source of the stamps, `tx/rx`.
    pub stamp: String,
    /// TOS or traffic class that probes left with.
    pub tos: u8,
    /// Length of a probe, IP header included, octets.
    pub length: u16,
    /// What an echo request to the same target tells of its answers to segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middlebox: Option<Middlebox>,
    /// The hops, from the first TTL on.
    pub hops: Vec<Hop>,
    /// What may have been lost by this host, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

/// Latency and loss of one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PingReport {
    /// The target.
    pub target: IpAddr,
    /// Its name as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `icmp`, `udp` or `tcp`.
    pub protocol: &'static str,
    /// Flow of the first probe.
    pub flow: u16,
    /// Source of the stamps, `tx/rx`.
    pub stamp: String,
    /// Probes.
    pub sent: u64,
    /// Valid replies.
    pub received: u64,
    /// Replies after the timeout.
    pub late: u64,
    /// Replies to probes already answered.
    pub duplicates: u64,
    /// Replies overtaken by others.
    pub reordered: Reordered,
    /// Probes left out, if any were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Omitted>,
    /// ICMP errors among the replies: the target did not answer these itself.
    pub errors: u64,
    /// Who sent them, and which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_responders: Vec<Responder>,
    /// Loss by cause.
    pub loss: Loss,
    /// Lost probes, each by one cause.
    #[serde(skip_serializing_if = "Causes::is_empty")]
    pub causes: Causes,
    /// The limit that replies came as from behind: on the target's ICMP errors, or a policer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Bursts of loss, if there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bursts: Option<Bursts>,
    /// Round-trip times of the target's own replies, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<Rtt>,
    /// The time since the report before, in one that is not the last; all else is of the
    /// whole run so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// What may have been lost by this host, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

/// One reply. Made and copied without allocating: a sweep has a million a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reply<'a> {
    /// The probe's target.
    pub target: IpAddr,
    /// TTL or hop limit that the probe left with.
    pub ttl: u8,
    /// Flow.
    pub flow: u16,
    /// Round (of a ping: number of the probe).
    pub round: u32,
    /// `icmp`, `udp` or `tcp`.
    pub protocol: &'static str,
    /// What the reply is.
    pub kind: &'static str,
    /// Name of the unreachable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who answered.
    pub responder: IpAddr,
    /// Round-trip time (absent where the probe is not known).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<u64>,
    /// Stamp of the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_ns: Option<u64>,
    /// Stamp of the reply.
    pub rx_ns: u64,
    /// TTL or hop limit that the reply arrived with.
    pub reply_ttl: u8,
    /// Hops that the reply came over, by a guess at its initial TTL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_hops: Option<u8>,
    /// By how many hops that is more than the probe took, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asymmetry: Option<i16>,
    /// TTL or hop limit of the probe as quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_ttl: Option<u8>,
    /// TOS or traffic class of the probe as quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_tos: Option<u8>,
    /// Length of the probe as its quoted IP header states it, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_length: Option<u16>,
    /// ICMP type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// ICMP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_code: Option<u8>,
    /// Next-hop MTU, where the reply states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// `A` or `B`.
    pub grade: &'static str,
    /// Whether a NAT was seen.
    pub nat: bool,
    /// What is not in the quote as it left: `source`, `destination`, `checksum`, joined
    /// by `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<&'static str>,
    /// Whether the probe was answered already.
    pub duplicate: bool,
    /// Whether the reply came after the timeout.
    pub late: bool,
    /// Source of the stamps, `tx/rx`.
    pub stamp: Stamp,
    /// Whether the probe may have been sent and answered before: by the run that this
    /// one goes on with, after its last checkpoint. In JSON only where it is so.
    #[serde(skip_serializing_if = "is_false")]
    pub again: bool,
    /// The label stack that the probe came to the responder with, if it says so.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub mpls: &'a [MplsLabel],
    /// What the responder says of its interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<&'a Interfaces>,
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_has_one_name() {
        for stop in Stop::ALL {
            let json = serde_json::to_value(stop).expect("JSON");
            assert_eq!(json, stop.name());
        }
    }
}
