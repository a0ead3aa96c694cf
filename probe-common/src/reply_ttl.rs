//! What is left of a reply's TTL, and the hops that it came over.
//!
//! Senders begin with one of a few values, those of routers (cisco, juniper) and of
//! hosts: 32, 64, 128 and 255 (Vanaubel, Pansiot, Mérindol and Donnet, "Network
//! fingerprinting: TTL-based router signatures", IMC 2013). Ways are mostly shorter
//! than the gaps between these, so the least that is not below what is left is taken.

/// The TTL or hop limit that a reply probably began with.
#[inline(always)]
pub const fn initial(reply_ttl: u8) -> u8 {
    match reply_ttl {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129..=255 => 255,
    }
}

/// Hops that a reply which began with `initial` came over, its sender counted.
#[inline(always)]
pub const fn hops(initial: u8, reply_ttl: u8) -> u8 {
    initial.wrapping_sub(reply_ttl).wrapping_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_one_hop_away_whatever_it_began_with() {
        for first in [32, 64, 128, 255] {
            assert_eq!(initial(first), first);
            assert_eq!(hops(initial(first), first), 1);
        }
    }

    #[test]
    fn each_router_takes_one() {
        for (reply_ttl, way) in [(53, 12), (117, 12), (244, 12), (21, 12), (33, 32)] {
            assert_eq!(hops(initial(reply_ttl), reply_ttl), way, "{reply_ttl}");
        }
    }
}
