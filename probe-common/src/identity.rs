//! A probe's name on the wire, and the way from it back to the probe's slot.
//!
//! `port = base + flow × S + shard` and `slot = shard × 65,536 + seq16`, with S
//! shards, a power of two. The port (identifier, for ICMP) is part of the flow
//! and constant for a (target, flow); `seq16` stands outside the flow hash. The
//! nonce proves that a reply answers the slot's probe and not an earlier or a
//! forged one.

use bytemuck::{Pod, Zeroable};

/// The ports (and identifiers) that a run owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ports {
    /// The first of them.
    pub base: u16,
    /// Flows for each target, at least 1.
    pub flows: u16,
    /// Logarithm of the number of shards.
    pub shard_bits: u16,
    /// Explicit padding.
    pub reserved: u16,
}

impl Ports {
    /// `flows` times 2^`shard_bits` ports from `base` on.
    pub const fn new(base: u16, flows: u16, shard_bits: u16) -> Self {
        Self {
            base,
            flows,
            shard_bits,
            reserved: 0,
        }
    }

    /// How many ports there are.
    #[inline(always)]
    pub const fn count(self) -> u32 {
        (self.flows as u32) << (self.shard_bits & 15)
    }

    /// Slots that the shards address.
    pub const fn slots(self) -> u32 {
        1 << (16 + (self.shard_bits & 15) as u32)
    }

    /// The shard of a destination with this hash.
    #[inline(always)]
    pub const fn shard(self, destination_hash: u32) -> u16 {
        destination_hash as u16 & self.shard_mask()
    }

    /// The port of a flow to a target in `shard`.
    #[inline(always)]
    pub const fn port(self, flow: u16, shard: u16) -> u16 {
        self.base
            .wrapping_add(flow << (self.shard_bits & 15))
            .wrapping_add(shard)
    }

    /// The flow and shard of a port; `None` if it is not one of ours.
    #[inline(always)]
    pub const fn locate(self, port: u16) -> Option<(u16, u16)> {
        let offset = port.wrapping_sub(self.base);
        if offset as u32 >= self.count() {
            return None;
        }
        Some((offset >> (self.shard_bits & 15), offset & self.shard_mask()))
    }

    #[inline(always)]
    const fn shard_mask(self) -> u16 {
        ((1u32 << (self.shard_bits & 15)) - 1) as u16
    }
}

/// The slot of (shard, seq16).
#[inline(always)]
pub const fn slot_index(shard: u16, seq16: u16) -> u32 {
    (shard as u32) << 16 | seq16 as u32
}

/// A nonce: what a reply must show. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u64);

impl Nonce {
    /// The 16 bits that travel where 64 do not fit. Never 0, since a UDP
    /// checksum of 0 means none (RFC 768).
    #[inline(always)]
    pub const fn narrow(self) -> u16 {
        match self.0 as u16 {
            0 => 0xffff,
            bits => bits,
        }
    }
}

/// The secret of a run from which nonces are drawn.
#[derive(Clone, Copy, Debug)]
pub struct NonceKey(pub [u64; 2]);

impl NonceKey {
    /// The nonce of the `count`th probe, different in all its forms from the
    /// slot's `previous` one, so that a stale reply is told from a right one.
    #[inline(always)]
    pub const fn draw(self, count: u64, previous: Nonce) -> Nonce {
        let [a, b] = self.0;
        let mut x = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ a;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ b;
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
        if x == 0 {
            x = 1;
        }
        if Nonce(x).narrow() == previous.narrow() {
            x ^= 0x5a5a;
        }
        Nonce(x)
    }
}

/// What a packet shows of the nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The 64 bits; 0 where the packet does not reach that far (or a router
    /// padded a short quote with zeros, RFC 4884 section 5).
    pub wide: u64,
    /// The 16 bits, if the packet carries them.
    pub narrow: Option<u16>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_port_leads_back_to_its_flow_and_shard(base in 1024u16.., bits in 0u16..8, flows in 1u16..32, flow in 0u16..32, hash in any::<u32>()) {
            let ports = Ports::new(base, flows, bits);
            prop_assume!(flow < flows && u32::from(base) + ports.count() <= 65_536);
            let shard = ports.shard(hash);
            prop_assert_eq!(ports.locate(ports.port(flow, shard)), Some((flow, shard)));
            prop_assert!(slot_index(shard, u16::MAX) < ports.slots());
        }

        #[test]
        fn a_nonce_differs_from_its_predecessor_in_both_forms(key in any::<[u64; 2]>(), count in any::<u64>(), previous in any::<u64>()) {
            let nonce = NonceKey(key).draw(count, Nonce(previous));
            prop_assert_ne!(nonce.0, 0);
            prop_assert_ne!(nonce.narrow(), 0);
            prop_assert_ne!(nonce.narrow(), Nonce(previous).narrow());
        }
    }

    #[test]
    fn every_port_outside_the_range_is_foreign() {
        let ports = Ports::new(20_000, 3, 4);
        let ours = (0..=u16::MAX).filter(|p| ports.locate(*p).is_some());
        assert!(ours.eq(20_000..20_048));
    }
}
