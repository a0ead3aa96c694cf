//! What a sweep saw of one router.

use std::net::IpAddr;

use serde::Serialize;

/// A router that answered. Counts are of first replies within the timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResponderReport {
    /// Source of the replies.
    pub responder: IpAddr,
    /// Replies.
    pub replies: u64,
    /// TTLs that it answered at.
    pub ttls: TtlSpan,
    /// Round-trip times, if any is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<RttSummary>,
    /// Kinds of its replies.
    pub kinds: Vec<&'static str>,
}

/// TTLs or hop limits from the least to the greatest, not all of them perhaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TtlSpan {
    /// Least.
    pub min: u8,
    /// Greatest.
    pub max: u8,
}

/// Round-trip times in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RttSummary {
    /// Least.
    pub min: u64,
    /// Arithmetic mean.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// Greatest.
    pub max: u64,
}
