//! ICMP (RFC 792) and ICMPv6 (RFC 4443): the eight octets that all messages
//! that matter here begin with.

use super::Cursor;
use crate::abi::Kind;

/// Octets of an echo or error header.
pub const LENGTH: usize = 8;
/// ICMP echo request.
pub const ECHO_REQUEST: u8 = 8;
/// ICMPv6 echo request.
pub const ECHO_REQUEST_V6: u8 = 128;

const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

const UNREACHABLE_V6: u8 = 1;
const PACKET_TOO_BIG_V6: u8 = 2;
const TIME_EXCEEDED_V6: u8 = 3;
const PARAMETER_PROBLEM_V6: u8 = 4;
const ECHO_REPLY_V6: u8 = 129;

/// The first eight octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Checksum.
    pub checksum: u16,
    /// Octets 4 and 5: identifier of an echo; RFC 4884 length of an error.
    pub first: u16,
    /// Octets 6 and 7: sequence number of an echo; next-hop MTU (RFC 1191).
    pub second: u16,
}

/// Reads a header.
#[inline(always)]
pub fn read<C: Cursor>(cursor: &mut C) -> Option<Header> {
    let header = u64::from_be_bytes(cursor.take()?);
    Some(Header {
        kind: (header >> 56) as u8,
        code: (header >> 48) as u8,
        checksum: (header >> 32) as u16,
        first: (header >> 16) as u16,
        second: header as u16,
    })
}

/// What a message answers with, if it is an echo reply or an error; redirects
/// and source quenches are advice, not answers.
#[inline(always)]
pub const fn kind(v6: bool, icmp_type: u8, code: u8) -> Option<Kind> {
    let kind = if v6 {
        match icmp_type {
            ECHO_REPLY_V6 => Kind::EchoReply,
            UNREACHABLE_V6 if code == 4 => Kind::PortUnreachable,
            UNREACHABLE_V6 => Kind::Unreachable,
            PACKET_TOO_BIG_V6 => Kind::PacketTooBig,
            TIME_EXCEEDED_V6 => Kind::TimeExceeded,
            PARAMETER_PROBLEM_V6 => Kind::ParameterProblem,
            _ => return None,
        }
    } else {
        match icmp_type {
            ECHO_REPLY => Kind::EchoReply,
            UNREACHABLE if code == 3 => Kind::PortUnreachable,
            UNREACHABLE => Kind::Unreachable,
            TIME_EXCEEDED => Kind::TimeExceeded,
            PARAMETER_PROBLEM => Kind::ParameterProblem,
            _ => return None,
        }
    };
    Some(kind)
}

/// Octets of the original datagram that an error states it quotes (RFC 4884
/// section 5.1 and 5.2); 0: not stated.
#[inline(always)]
pub const fn quoted_octets(v6: bool, header: Header) -> u16 {
    if v6 {
        (header.first >> 8) * 8
    } else {
        (header.first & 0xff) * 4
    }
}

/// The name of a destination-unreachable code (IANA ICMP and ICMPv6 parameters).
pub const fn unreachable_name(v6: bool, code: u8) -> &'static str {
    if v6 {
        match code {
            0 => "no-route",
            1 => "admin-prohibited",
            2 => "beyond-scope",
            3 => "address-unreachable",
            4 => "port-unreachable",
            5 => "source-policy",
            6 => "reject-route",
            7 => "source-routing-error",
            8 => "headers-too-long",
            _ => "unassigned",
        }
    } else {
        match code {
            0 => "net-unreachable",
            1 => "host-unreachable",
            2 => "protocol-unreachable",
            3 => "port-unreachable",
            4 => "fragmentation-needed",
            5 => "source-route-failed",
            6 => "net-unknown",
            7 => "host-unknown",
            8 => "source-isolated",
            9 => "net-prohibited",
            10 => "host-prohibited",
            11 => "net-unreachable-for-tos",
            12 => "host-unreachable-for-tos",
            13 => "admin-prohibited",
            14 => "host-precedence-violation",
            15 => "precedence-cutoff",
            _ => "unassigned",
        }
    }
}
