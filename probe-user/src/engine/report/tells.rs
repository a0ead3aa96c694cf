//! What a reply tells of the ways there and back.

use serde::Serialize;

/// What is left of a reply's TTL, and how the probe looked when it was quoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tells {
    /// TTL or hop limit that the reply arrived with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_ttl: Option<u8>,
    /// Hops that the reply came over, its sender counted, by a guess at its initial TTL.
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
    /// Whether a NAT was seen. In JSON only where it is so.
    #[serde(skip_serializing_if = "super::is_false")]
    pub nat: bool,
    /// What is not in the quote as it left: `source`, `destination`, `checksum`, joined
    /// by `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<&'static str>,
}

/// What the TTLs of a target's answers to segments and to an echo request tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Middlebox {
    /// Whether they came over ways of different length: somebody else answered one of
    /// them, probably the segments.
    pub suspected: bool,
    /// TTL or hop limit that the segment (SYN-ACK, RST) arrived with.
    pub reply_ttl: u8,
    /// Hops that it came over.
    pub back_hops: u8,
    /// TTL or hop limit that the echo reply arrived with.
    pub echo_reply_ttl: u8,
    /// Hops that it came over.
    pub echo_back_hops: u8,
}
