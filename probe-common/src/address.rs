//! One address type for both families.

use bytemuck::{Pod, Zeroable};

use crate::wire::checksum::Sum;

/// An IPv6 address, or an IPv4 address in its mapped form `::ffff:a.b.c.d`
/// (RFC 4291 section 2.5.5.2), in network order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Address(pub [u8; 16]);

impl Address {
    /// The mapped form of an IPv4 address.
    #[inline(always)]
    pub const fn from_v4([a, b, c, d]: [u8; 4]) -> Self {
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d])
    }

    /// An IPv6 address.
    #[inline(always)]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The four octets if this is a mapped IPv4 address.
    #[inline(always)]
    pub const fn v4(self) -> Option<[u8; 4]> {
        match self.0 {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => Some([a, b, c, d]),
            _ => None,
        }
    }

    /// Whether this is a mapped IPv4 address.
    #[inline(always)]
    pub const fn is_v4(self) -> bool {
        self.v4().is_some()
    }

    /// The two halves as numbers, high half first.
    #[inline(always)]
    pub const fn halves(self) -> (u64, u64) {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        (
            u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            u64::from_be_bytes([i, j, k, l, m, n, o, p]),
        )
    }

    /// A 32-bit hash: shard choice, and the slot's check of the destination.
    ///
    /// Not keyed: it guards against mix-ups, the nonce against forgery.
    #[inline(always)]
    pub const fn hash(self) -> u32 {
        let (high, low) = self.halves();
        let mut x = high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x ^ (x >> 32)) as u32
    }

    /// The ones' complement sum of the address as it stands in an IP header
    /// (four octets of a mapped address, sixteen otherwise).
    #[inline(always)]
    pub const fn sum(self) -> Sum {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        let tail = Sum::ZERO.add4([m, n, o, p]);
        if self.is_v4() {
            return tail;
        }
        tail.add4([a, b, c, d])
            .add4([e, f, g, h])
            .add4([i, j, k, l])
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
        assert!(
            shards.iter().all(|&n| (4..=32).contains(&n)),
            "{shards:?}"
        );
    }

    #[test]
    fn the_sum_of_a_mapped_address_covers_its_four_octets_only() {
        assert_eq!(
            Address::from_v4([1, 2, 3, 4]).sum().fold(),
            0x0102 + 0x0304
        );
    }
}
