//! The MPLS labels that routers say a probe came with.

use super::{Internet, Router, internet::Purpose};
use crate::wire::checksum::Sum;

/// Octets that such a router quotes, padded with zeros (RFC 4884, section 5.3).
pub const PADDED_QUOTE: usize = 128;
/// Octets of the extension structure behind the quote.
pub const EXTENSION: usize = 16;

/// A stack of two labels, as a router adds it to its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Label stack entries (RFC 3032, section 2.1), the outermost first.
    pub entries: [u32; 2],
    /// Whether the router states the length of its quote (RFC 4884); else it puts
    /// the extension where those before the RFC did.
    pub stated: bool,
}

impl Internet {
    /// What a router says of labels.
    #[inline(always)]
    pub(super) const fn labels(&self, router: Router) -> Option<Labels> {
        if !self.befalls(self.labelled, Purpose::Labelled, router.code()) {
            return None;
        }
        let drawn = self.draw(Purpose::Label, router.code());
        let [outer, inner] = [16 + (drawn & 0x7fff), 16 + (drawn >> 16 & 0x7fff)];
        let class = drawn & 7;
        Some(Labels {
            entries: [
                outer << 12 | class << 9 | 1,
                inner << 12 | class << 9 | 1 << 8 | 255,
            ],
            stated: drawn >> 31 == 0,
        })
    }
}

impl Labels {
    /// The extension structure (RFC 4884, RFC 4950). It sums up to nothing.
    #[inline(always)]
    pub const fn extension(&self) -> [u8; EXTENSION] {
        let [outer, inner] = self.entries;
        let ([a, b, c, d], [e, f, g, h]) = (outer.to_be_bytes(), inner.to_be_bytes());
        let header = [0x20, 0, 0, 0];
        let object = [0, 12, 1, 1];
        let [c0, c1] = Sum::ZERO
            .add4(header)
            .add4(object)
            .add4([a, b, c, d])
            .add4([e, f, g, h])
            .checksum()
            .to_be_bytes();
        [0x20, 0, c0, c1, 0, 12, 1, 1, a, b, c, d, e, f, g, h]
    }

    /// What the message states of its quote's length, in words of so many octets.
    #[inline(always)]
    pub const fn stated_words(&self, octets: usize) -> u8 {
        if self.stated {
            (PADDED_QUOTE / octets) as u8
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::wire::extension;

    #[test]
    fn a_stack_is_read_as_it_is_said() {
        let labels = Labels {
            entries: [299_776 << 12 | 5 << 9 | 1, 16 << 12 | 1 << 8 | 255],
            stated: false,
        };
        let read = extension::read(&labels.extension(), false).unwrap();
        let entries: Vec<u32> = read.labels().iter().map(|label| label.0).collect();
        assert_eq!(entries, labels.entries);
    }
}
