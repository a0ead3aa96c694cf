//! UDP (RFC 768).

use super::Cursor;

/// Octets of the header.
pub const LENGTH: usize = 8;

/// A datagram's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Length of header and payload, bytes.
    pub length: u16,
    /// Checksum.
    pub checksum: u16,
}

/// Reads a header.
#[inline(always)]
pub fn read<C: Cursor>(cursor: &mut C) -> Option<Header> {
    let [a, b, c, d, e, f, g, h] = cursor.take()?;
    Some(Header {
        source: u16::from_be_bytes([a, b]),
        destination: u16::from_be_bytes([c, d]),
        length: u16::from_be_bytes([e, f]),
        checksum: u16::from_be_bytes([g, h]),
    })
}
