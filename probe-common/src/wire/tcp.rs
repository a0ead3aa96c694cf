//! TCP (RFC 9293): what a probe and its answers need of the header.

use super::Cursor;
use crate::abi::Kind;

/// Octets of a header without options.
pub const LENGTH: usize = 20;
/// Octets of a probe's header: one maximum-segment-size option follows, since
/// some firewalls drop a SYN without any.
pub const PROBE_LENGTH: usize = 24;
/// The maximum-segment-size option of a probe: 1460.
pub const MSS_OPTION: [u8; 4] = [2, 4, 0x05, 0xb4];

/// SYN flag.
pub const SYN: u8 = 0x02;
/// RST flag.
pub const RST: u8 = 0x04;
/// ACK flag.
pub const ACK: u8 = 0x10;
const FIN: u8 = 0x01;

/// A segment's header as far as the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags.
    pub flags: u8,
}

/// Reads a header as far as the flags.
#[inline(always)]
pub fn read<C: Cursor>(cursor: &mut C) -> Option<Header> {
    let (source, destination, sequence) = read_quoted(cursor)?;
    let acknowledgement = u32::from_be_bytes(cursor.take()?);
    let [_, flags] = cursor.take()?;
    Some(Header {
        source,
        destination,
        sequence,
        acknowledgement,
        flags,
    })
}

/// The ports and the sequence number: all that an eight-octet quote shows.
#[inline(always)]
pub fn read_quoted<C: Cursor>(cursor: &mut C) -> Option<(u16, u16, u32)> {
    let start = u64::from_be_bytes(cursor.take()?);
    Some(((start >> 48) as u16, (start >> 32) as u16, start as u32))
}

impl Header {
    /// What this segment answers with, if it is a SYN-ACK, a RST or a bare ACK.
    #[inline(always)]
    pub const fn kind(&self) -> Option<Kind> {
        if self.flags & RST != 0 {
            Some(Kind::Rst)
        } else if self.flags & (SYN | ACK) == SYN | ACK {
            Some(Kind::SynAck)
        } else if self.flags & (SYN | ACK | FIN) == ACK {
            Some(Kind::Ack)
        } else {
            None
        }
    }

    /// The sequence number of the probe that this segment answers: what it
    /// acknowledges less one for the SYN, or, for a RST without ACK, its own
    /// number, which it took from the probe's acknowledgement (RFC 9293 section 3.10.7.1).
    #[inline(always)]
    pub const fn probe_sequence(&self) -> u32 {
        if self.flags & ACK != 0 {
            self.acknowledgement.wrapping_sub(1)
        } else {
            self.sequence.wrapping_sub(1)
        }
    }
}
