//! What probes ask, and the segments that answer TCP.

use probe_common::{
    abi::Kind,
    lab::{Count, Reply, Request},
    wire::{checksum::Sum, icmp, tcp},
};

use super::FORGERY;

/// Data offset of a header without options.
const FIVE_WORDS: u8 = 5 << 4;

/// What a TCP probe shows.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) ports: [u16; 2],
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
}

impl Segment {
    /// From a header.
    #[inline(always)]
    pub(super) fn read(header: [u8; tcp::LENGTH]) -> Self {
        let [s0, s1, d0, d1, a, b, c, d, e, f, g, h, _, flags, ..] = header;
        Self {
            ports: [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])],
            sequence: u32::from_be_bytes([a, b, c, d]),
            acknowledgement: u32::from_be_bytes([e, f, g, h]),
            flags,
        }
    }

    /// What it asks; else, what it counts as.
    #[inline(always)]
    pub(super) fn request(&self) -> Result<Request, Count> {
        let [_, port] = self.ports;
        if self.flags & tcp::RST != 0 {
            Err(Count::Resets)
        } else if self.flags & (tcp::SYN | tcp::ACK) == tcp::SYN {
            Ok(Request::Syn(port))
        } else if self.flags & (tcp::SYN | tcp::ACK) == tcp::ACK {
            Ok(Request::Ack)
        } else {
            Err(Count::Refused)
        }
    }

    /// The segment that answers it (RFC 9293, sections 3.10.7.1 and 3.10.7.2); `sum`
    /// is that of the addresses.
    #[inline(always)]
    pub(super) fn answered(&self, reply: &Reply, flow: u32, sum: Sum) -> [u8; tcp::LENGTH] {
        let forgery = if reply.forged { FORGERY as u32 } else { 0 };
        let acknowledgement = (self.sequence ^ forgery).wrapping_add(1);
        let (sequence, acknowledgement, flags) = match reply.kind {
            Kind::SynAck => (flow, acknowledgement, tcp::SYN | tcp::ACK),
            _ if self.flags & tcp::ACK == 0 => (0, acknowledgement, tcp::RST | tcp::ACK),
            // The number that the ACK expects next; the nonce is in it less one.
            _ => {
                let named = self.acknowledgement.wrapping_sub(1) ^ forgery;
                (named.wrapping_add(1), 0, tcp::RST)
            }
        };
        let [to, from] = self.ports;
        let ([s0, s1], [d0, d1]) = (from.to_be_bytes(), to.to_be_bytes());
        let [a, b, c, d] = sequence.to_be_bytes();
        let [e, f, g, h] = acknowledgement.to_be_bytes();
        let window = if reply.kind as u8 == Kind::SynAck as u8 {
            0xff
        } else {
            0
        };
        let [c0, c1] = sum
            .add(from)
            .add(to)
            .add4([a, b, c, d])
            .add4([e, f, g, h])
            .add4([FIVE_WORDS, flags, window, window])
            .checksum()
            .to_be_bytes();
        [
            s0, s1, d0, d1, a, b, c, d, e, f, g, h, FIVE_WORDS, flags, window, window, c0, c1, 0, 0,
        ]
    }
}

/// Source and destination port, from a transport header's begin.
#[inline(always)]
pub(super) fn ports([a, b, c, d, ..]: [u8; 8]) -> [u16; 2] {
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

/// Whether an ICMP message is an echo request.
#[inline(always)]
pub(super) fn is_echo([kind, code, ..]: [u8; 8], v6: bool) -> bool {
    let request = if v6 {
        icmp::ECHO_REQUEST_V6
    } else {
        icmp::ECHO_REQUEST
    };
    kind == request && code == 0
}

/// A checksum after a word that it covers has changed (RFC 1624, equation 3).
#[inline(always)]
pub(super) fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    Sum::ZERO.add(!checksum).add(!old).add(new).checksum()
}
