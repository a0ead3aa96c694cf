//! The routers that a run knows, each at a distance: a table of words, in which a
//! newcomer takes the place of whom it meets. What is forgotten so is probed again.

use crate::Address;

/// The bits of a word that count; the others tell who it is.
const COUNT: u64 = 0xf;

/// Paths that meet a router before the way to it counts as known. One would see one
/// arm of a diamond before it; six that all see the same make a second arm unlikely,
/// at 95 % (Augustin and others, "Multipath tracing with Paris traceroute", 2007,
/// table I).
const ENOUGH: u64 = 6;

/// The name of a router at a distance: its place is in the low bits, what tells it
/// from others in the high ones.
#[inline(always)]
pub const fn name(router: Address, ttl: u8) -> u64 {
    let (high, low) = router.halves();
    let mut x =
        u64::from_ne_bytes(high).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from_ne_bytes(low);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= (ttl as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// The place of a name in a table of `mask + 1` words.
#[inline(always)]
pub const fn place(name: u64, mask: u32) -> u32 {
    (name >> 32) as u32 & mask
}

/// A path has met a router: what the word in its place is from now on, and whether the
/// way to it was known.
#[inline(always)]
pub const fn meet(word: u64, name: u64) -> (u64, bool) {
    let count = word & COUNT;
    if word & !COUNT != name & !COUNT || count == 0 {
        (name & !COUNT | 1, false)
    } else if count < ENOUGH {
        (word + 1, false)
    } else {
        (word, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Address = Address::from_v4([192, 0, 2, 1]);

    /// How many of so many paths find the router known.
    fn known(paths: usize, names: &[u64]) -> usize {
        let mut word = 0;
        let names = names.iter().cycle().take(paths);
        let meet = |name: &u64| {
            let (next, known) = meet(word, *name);
            word = next;
            known
        };
        names.map(meet).filter(|known| *known).count()
    }

    #[test]
    fn the_way_to_a_router_is_known_once_six_paths_have_met_it() {
        assert_eq!(known(6, &[name(ROUTER, 5)]), 0);
        assert_eq!(known(100, &[name(ROUTER, 5)]), 94);
    }

    #[test]
    fn a_router_at_another_distance_is_another() {
        assert_ne!(name(ROUTER, 5), name(ROUTER, 6));
        // Two that are in each other's place are never known, and never taken for each
        // other.
        assert_eq!(known(100, &[name(ROUTER, 5), name(ROUTER, 6)]), 0);
    }

    #[test]
    fn numbering_by_hop_makes_no_two_routers_one() {
        let mut names = std::collections::HashSet::new();
        for ttl in 1..=32 {
            for site in 0..=255 {
                names.insert(name(Address::from_v4([10, site, 2, 3]), ttl));
                names.insert(name(Address::from_v4([10, 2, 3, site]), ttl));
            }
        }
        assert_eq!(names.len(), 32 * 512);
    }

    #[test]
    fn places_are_within_the_table() {
        for ttl in 1..=32 {
            assert!(place(name(ROUTER, ttl), 0xff) < 0x100);
        }
    }
}
