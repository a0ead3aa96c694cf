//! The Internet checksum (RFC 1071), as arithmetic on sums: bytes are summed
//! where they are known, never read back.

/// A ones' complement sum of 16-bit words, not yet folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum(u32);

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Self = Self(0);

    /// Adds a word.
    #[inline(always)]
    #[must_use]
    pub const fn add(self, word: u16) -> Self {
        Self(self.0.wrapping_add(word as u32))
    }

    /// Adds two words, given as the four bytes in network order.
    #[inline(always)]
    #[must_use]
    pub const fn add4(self, [a, b, c, d]: [u8; 4]) -> Self {
        self.add(u16::from_be_bytes([a, b]))
            .add(u16::from_be_bytes([c, d]))
    }

    /// Adds four words, given as one number.
    #[inline(always)]
    #[must_use]
    pub const fn add_u64(self, value: u64) -> Self {
        self.add((value >> 48) as u16)
            .add((value >> 32) as u16)
            .add((value >> 16) as u16)
            .add(value as u16)
    }

    /// Adds a sum.
    #[inline(always)]
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        self.add(self_fold(other.0)).carry()
    }

    /// Adds bytes as words in network order; an odd last byte is padded by zero.
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        let sum = words
            .iter()
            .fold(self, |sum, word| sum.add(u16::from_be_bytes(*word)).carry());
        match rest {
            [last] => sum.add(u16::from_be_bytes([*last, 0])),
            _ => sum,
        }
    }

    /// The sum in 16 bits.
    #[inline(always)]
    pub const fn fold(self) -> u16 {
        self_fold(self.0)
    }

    /// The checksum field that makes a packet with this sum verify.
    #[inline(always)]
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }

    /// The word that, added to the packet, makes `checksum` its checksum field.
    #[inline(always)]
    pub const fn tweak_for(self, checksum: u16) -> u16 {
        // Wanted: fold(sum + tweak) == !checksum, so tweak = !checksum - sum.
        self_fold((!checksum) as u32 + (!self.fold()) as u32)
    }

    #[inline(always)]
    const fn carry(self) -> Self {
        Self((self.0 & 0xffff) + (self.0 >> 16))
    }
}

#[inline(always)]
const fn self_fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// Whether a checksum that changed from `before` to `after` is explained by the
/// summed words changing from `old` to `new` (RFC 1624, equation 3).
#[inline(always)]
pub const fn explains(before: u16, after: u16, old: u16, new: u16) -> bool {
    let expected = !self_fold((!before) as u32 + (!old) as u32 + new as u32);
    // Zero has two spellings.
    expected == after || (expected == 0 && after == 0xffff) || (expected == 0xffff && after == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let sum = Sum::ZERO.add_bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.fold(), 0xddf2);
    }

    proptest! {
        #[test]
        fn a_tweak_makes_the_checksum_asked_for(words in prop::collection::vec(any::<u16>(), 1..40), wanted in 1u16..0xffff) {
            let sum = words.iter().fold(Sum::ZERO, |sum, w| sum.add(*w));
            let tweaked = sum.add(sum.tweak_for(wanted));
            prop_assert_eq!(tweaked.checksum(), wanted);
        }

        #[test]
        fn a_nat_that_updates_incrementally_is_explained(rest in any::<u16>(), old in any::<u32>(), new in any::<u32>()) {
            let (old, new) = (Sum::ZERO.add4(old.to_be_bytes()), Sum::ZERO.add4(new.to_be_bytes()));
            let before = old.add(rest).checksum();
            let after = new.add(rest).checksum();
            prop_assert!(explains(before, after, old.fold(), new.fold()));
        }
    }
}
