//! The path of a sweep to one target.

use std::net::IpAddr;

use serde::Serialize;

use super::Stop;
use crate::engine::stamp::Stamp;

/// What answered on the way of one flow to one target. A target that nothing
/// answered for has no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathReport {
    /// The target.
    pub target: IpAddr,
    /// `icmp`, `udp` or `tcp`.
    pub protocol: &'static str,
    /// Flow.
    pub flow: u16,
    /// Why the path ends.
    pub stop: Stop,
    /// Source of the stamps, `tx/rx`.
    pub stamp: Stamp,
    /// First answers to probes, by TTL and round; hops that were silent are not there.
    pub hops: Vec<PathHop>,
}

/// The first answer, within the timeout, to one probe of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PathHop {
    /// TTL or hop limit that the probe left with.
    pub ttl: u8,
    /// Who answered.
    pub responder: IpAddr,
    /// What the reply is.
    pub kind: &'static str,
    /// Name of the unreachable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Round-trip time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<u64>,
    /// TTL or hop limit that the reply arrived with.
    pub reply_ttl: u8,
    /// TTL or hop limit of the probe as quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_ttl: Option<u8>,
}
