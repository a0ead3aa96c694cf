//! The path of a sweep to one target.

use std::net::IpAddr;

use probe_common::abi::Kind;
use serde::Serialize;

use super::{Interfaces, MplsLabel, Stop};
use crate::engine::{
    ending::Ending,
    return_path::{forward_hops, ways},
    stamp::Stamp,
};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// What is not in the quote as it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten: Option<&'static str>,
    /// The label stack that the probe came with, outermost entry first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mpls: Vec<MplsLabel>,
    /// What the router says of interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<Interfaces>,
}

impl PathHop {
    /// The same with the lengths of its ways. `ran_out`: the last TTL that ran out at a
    /// router; a target that answers the next is that far.
    #[must_use]
    pub fn with_ways(self, kind: Kind, ran_out: u8) -> Self {
        let is_next = kind.reaches_target() && self.ttl.checked_sub(1) == Some(ran_out);
        let forward = forward_hops(kind, self.ttl, self.quoted_ttl);
        let forward = forward.or_else(|| is_next.then_some(self.ttl));
        let (back_hops, asymmetry) = ways(self.reply_ttl, forward);
        Self {
            back_hops,
            asymmetry,
            ..self
        }
    }
}

/// How far a path was probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRules {
    /// The last TTL that is probed.
    pub max_ttl: u8,
    /// Silent TTLs in a row that end a path; 0: all are probed, whatever is silent.
    pub gap_limit: u8,
}

impl PathRules {
    /// Why a path ends, of which these TTLs were answered so, and its last TTL: what
    /// answered beyond tells nothing more. If the probing was `cut_short`, silence is
    /// no reason.
    pub fn end(self, answers: impl IntoIterator<Item = (u8, Kind)>, cut_short: bool) -> (Stop, u8) {
        let mut ending = Ending::default();
        let mut last_ttl = 0;
        for (ttl, kind) in answers {
            last_ttl = last_ttl.max(ttl);
            match kind {
                Kind::TimeExceeded => {}
                kind if kind.reaches_target() => ending.reached(ttl),
                _ => ending.unreachable(ttl),
            }
        }
        let silent = self.max_ttl.saturating_sub(last_ttl);
        if !cut_short {
            let gap = self.gap_limit > 0 && silent >= self.gap_limit;
            let stop = if gap { Stop::GapLimit } else { Stop::MaxTtl };
            ending.silent(u8::MAX, stop);
        }
        (ending.stop(), ending.last_ttl(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: Kind = Kind::TimeExceeded;

    fn end(gap_limit: u8, answers: &[(u8, Kind)]) -> (Stop, u8) {
        let rules = PathRules {
            max_ttl: 30,
            gap_limit,
        };
        rules.end(answers.iter().copied(), false)
    }

    #[test]
    fn a_path_ends_where_its_target_or_a_refusal_is_nearest() {
        let echo = Kind::EchoReply;
        assert_eq!(end(8, &[(1, HOP), (9, echo), (7, echo)]), (Stop::Target, 7));
        let refused = Kind::Unreachable;
        assert_eq!(
            end(8, &[(5, refused), (4, refused)]),
            (Stop::Unreachable, 4)
        );
        assert_eq!(end(8, &[(4, refused), (7, echo)]), (Stop::Target, 7));
    }

    #[test]
    fn silence_ends_a_path_by_the_gap_or_the_last_ttl() {
        for (gap_limit, last_ttl, stop) in [
            (8, 22, Stop::GapLimit),
            (8, 23, Stop::MaxTtl),
            (8, 30, Stop::MaxTtl),
            (0, 1, Stop::MaxTtl),
        ] {
            assert_eq!(end(gap_limit, &[(last_ttl, HOP)]), (stop, u8::MAX));
        }
    }

    #[test]
    fn what_was_cut_short_may_have_its_end_already() {
        let rules = PathRules {
            max_ttl: 30,
            gap_limit: 8,
        };
        assert_eq!(rules.end([(3, HOP)], true), (Stop::Interrupted, u8::MAX));
        assert_eq!(rules.end([(3, Kind::Rst)], true), (Stop::Target, 3));
    }
}
