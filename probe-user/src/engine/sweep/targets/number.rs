//! Addresses as numbers: 32 bits of IPv4, 128 of IPv6.

use std::fmt;

use probe_common::Address;

/// An address of one family as a number.
pub(super) trait Number: Copy + Ord + fmt::Debug + Into<u128> {
    /// Bits behind the prefix that `--per-prefix` samples.
    const HOST_BITS: u32;

    /// Addresses at the beginning and at the end of a whole prefix that are not
    /// for single hosts.
    const EDGES: (u64, u64);

    /// The address.
    fn address(self) -> Address;

    /// The next number, if there is one.
    fn after(self) -> Option<Self>;

    /// The number before, if there is one.
    fn before(self) -> Option<Self>;

    /// The number `offset` further on, which must exist.
    fn plus(self, offset: u64) -> Self;

    /// First and last number of the sampled prefix that this one is in.
    fn prefix(self) -> (Self, Self);
}

impl Number for u32 {
    const HOST_BITS: u32 = 8;
    const EDGES: (u64, u64) = (1, 1);

    #[inline]
    fn address(self) -> Address {
        Address::from_v4(self.to_be_bytes())
    }

    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }

    #[inline]
    fn plus(self, offset: u64) -> Self {
        self.wrapping_add(offset as Self)
    }

    fn prefix(self) -> (Self, Self) {
        let mask = (1 << Self::HOST_BITS) - 1;
        (self & !mask, self | mask)
    }
}

impl Number for u128 {
    const HOST_BITS: u32 = 64;
    const EDGES: (u64, u64) = (1, 0);

    #[inline]
    fn address(self) -> Address {
        Address::from_v6(self.to_be_bytes())
    }

    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }

    #[inline]
    fn plus(self, offset: u64) -> Self {
        self.wrapping_add(offset.into())
    }

    fn prefix(self) -> (Self, Self) {
        let mask = (1 << Self::HOST_BITS) - 1;
        (self & !mask, self | mask)
    }
}

/// The number of an IPv4 address.
pub(super) fn of_v4(address: Address) -> Option<u32> {
    address.v4().map(u32::from_be_bytes)
}

/// The number of an IPv6 address.
pub(super) fn of_v6(address: Address) -> u128 {
    u128::from_be_bytes(address.octets())
}
