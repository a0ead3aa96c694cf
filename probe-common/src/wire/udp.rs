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
    let header = u64::from_be_bytes(cursor.take()?);
    Some(Header {
        source: (header >> 48) as u16,
        destination: (header >> 32) as u16,
        length: (header >> 16) as u16,
        checksum: header as u16,
    })
}
