//! One address type for both families.

use bytemuck::{Pod, Zeroable};

use crate::wire::checksum::Sum;

/// An IPv6 address, or an IPv4 address in its mapped form `::ffff:a.b.c.d`
/// (RFC 4291 section 2.5.5.2).
///
/// In memory: sixteen octets in network order. Two words, because the kernel's
/// programs hold it in two registers and not on their small stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct Address([u64; 2]);

/// What precedes an IPv4 address in the low half of its mapped form.
const MAPPED: u64 = 0xffff << 32;

impl Address {
    /// The mapped form of an IPv4 address.
    #[inline(always)]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        Self([0, (MAPPED | u32::from_be_bytes(octets) as u64).to_be()])
    }

    /// An IPv6 address.
    #[inline(always)]
    pub const fn from_v6([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [u8; 16]) -> Self {
        Self::from_halves([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p])
    }

    /// An IPv6 address, from its octets in two halves.
    #[inline(always)]
    pub const fn from_halves(high: [u8; 8], low: [u8; 8]) -> Self {
        Self([u64::from_ne_bytes(high), u64::from_ne_bytes(low)])
    }

    /// The sixteen octets.
    #[inline(always)]
    pub const fn octets(self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h] = self.0[0].to_ne_bytes();
        let [i, j, k, l, m, n, o, p] = self.0[1].to_ne_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The octets in two halves.
    #[inline(always)]
    pub const fn halves(self) -> ([u8; 8], [u8; 8]) {
        (self.0[0].to_ne_bytes(), self.0[1].to_ne_bytes())
    }

    /// The four octets if this is a mapped IPv4 address.
    #[inline(always)]
    pub const fn v4(self) -> Option<[u8; 4]> {
        let low = u64::from_be(self.0[1]);
        if self.0[0] == 0 && low >> 32 == MAPPED >> 32 {
            Some((low as u32).to_be_bytes())
        } else {
            None
        }
    }

    /// Whether this is a mapped IPv4 address.
    #[inline(always)]
    pub const fn is_v4(self) -> bool {
        self.v4().is_some()
    }

    /// A 32-bit hash: shard choice, and the slot's check of the destination.
    ///
    /// Not keyed: it guards against mix-ups, the nonce against forgery.
    #[inline(always)]
    pub const fn hash(self) -> u32 {
        let [high, low] = self.0;
        let mut x = high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x ^ (x >> 32)) as u32
    }

    /// The ones' complement sum of the address as it stands in an IP header
    /// (four octets of a mapped address, sixteen otherwise).
    #[inline(always)]
    pub const fn sum(self) -> Sum {
        let (high, low) = (u64::from_be(self.0[0]), u64::from_be(self.0[1]));
        if self.is_v4() {
            Sum::ZERO.add_u64(low & 0xffff_ffff)
        } else {
            Sum::ZERO.add_u64(high).add_u64(low)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_gives_its_octets_back() {
        let address = Address::from_v4([192, 0, 2, 7]);
        assert_eq!(address.v4(), Some([192, 0, 2, 7]));
        assert!(!Address::from_v6([0x20; 16]).is_v4());
    }

    #[test]
    fn neighbouring_addresses_spread_over_shards() {
        let mut shards = [0u32; 16];
        for last in 0..=255u8 {
            shards[(Address::from_v4([10, 0, 0, last]).hash() % 16) as usize] += 1;
        }
        assert!(shards.iter().all(|&n| (4..=32).contains(&n)), "{shards:?}");
    }

    #[test]
    fn the_sum_of_a_mapped_address_covers_its_four_octets_only() {
        assert_eq!(Address::from_v4([1, 2, 3, 4]).sum().fold(), 0x0102 + 0x0304);
    }
}
