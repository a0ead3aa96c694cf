//! A keyed permutation of the numbers below any length, computed number by number.
//!
//! An alternating Feistel network over two unequal halves (Black and Rogaway,
//! "Ciphers with Arbitrary Finite Domains", 2002, section 5): a number is a place
//! in a grid of rows and columns, and each round moves it along one of them by a
//! keyed hash of the other. The grid is hardly larger than the length; the few
//! places outside are holes. It scatters, it does not encrypt.

use core::hint::black_box;

use bytemuck::{Pod, Zeroable};

/// Rounds: each half is moved twice.
const ROUNDS: usize = 4;

/// A permutation of `0..length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Permutation {
    length: u64,
    rows: u32,
    columns: u32,
    keys: [u32; ROUNDS],
}

impl Permutation {
    /// The longest: the product of grid sides of 32 bits.
    pub const MAX_LENGTH: u64 = 1 << 62;

    /// The permutation of `0..length` that `seed` names; `length` is at most
    /// [`Self::MAX_LENGTH`].
    pub const fn new(length: u64, seed: u64) -> Self {
        let columns = ceil_root(length);
        let rows = length.div_ceil(columns);
        let (first, second) = (spread(seed), spread(seed ^ 0x6a09_e667_f3bc_c909));
        Self {
            length,
            rows: rows as u32,
            columns: columns as u32,
            keys: [
                first as u32,
                (first >> 32) as u32,
                second as u32,
                (second >> 32) as u32,
            ],
        }
    }

    /// How many numbers are permuted.
    #[inline(always)]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Positions to go through to meet every number once: a little more than there
    /// are numbers.
    #[inline(always)]
    pub const fn positions(&self) -> u64 {
        self.rows as u64 * self.columns as u64
    }

    /// The number at a position; `None`: a hole, or not below [`Self::positions`].
    #[inline(always)]
    pub const fn at(&self, position: u64) -> Option<u64> {
        let columns = self.columns as u64;
        if columns == 0 || position >= self.positions() {
            return None;
        }
        // The remainder by multiplication: a processor divides slowly.
        let quotient = position / columns;
        let mut row = quotient as u32;
        let mut column = (position - quotient * columns) as u32;
        let [a, b, c, d] = self.keys;
        row = moved(row, self.rows, column ^ a);
        column = moved(column, self.columns, row ^ b);
        row = moved(row, self.rows, column ^ c);
        column = moved(column, self.columns, row ^ d);
        let number = row as u64 * columns + column as u64;
        if number < self.length {
            Some(number)
        } else {
            None
        }
    }
}

/// `place` moved by a hash along a side of `length` places, around its end. Without a
/// branch, which a processor would guess wrongly half the time: the black box is there
/// since compilers would make it one.
#[inline(always)]
const fn moved(place: u32, length: u32, hashed: u32) -> u32 {
    let length = length as u64;
    let step = (hash(hashed) as u64 * length) >> 32;
    let beyond = black_box((place as u64 + step).wrapping_sub(length));
    let is_within = (beyond as i64 >> 63) as u64;
    beyond.wrapping_add(length & is_within) as u32
}

/// A bijective hash of 32 bits (constants by C. Wellons, "Prospecting for Hash
/// Functions", 2018).
#[inline(always)]
const fn hash(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014).
const fn spread(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The least number, at least 1, whose square is not below `value`.
const fn ceil_root(value: u64) -> u64 {
    let root = value.isqrt();
    if root * root == value && root != 0 {
        root
    } else {
        root + 1
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// The numbers at all positions, in order.
    fn numbers(permutation: Permutation) -> Vec<u64> {
        (0..permutation.positions())
            .filter_map(|position| permutation.at(position))
            .collect()
    }

    #[test]
    fn every_number_of_every_small_length_comes_once() {
        for length in 0..=2_100 {
            for seed in [0, 1, 0xdead_beef] {
                let mut all = numbers(Permutation::new(length, seed));
                all.sort_unstable();
                assert!(
                    all.into_iter().eq(0..length),
                    "length {length}, seed {seed}"
                );
            }
        }
    }

    #[test]
    fn there_is_nothing_beyond_the_last_position() {
        for length in [1, 4, 1_000] {
            let permutation = Permutation::new(length, 3);
            let end = permutation.positions();
            assert!((end..end + 100).all(|position| permutation.at(position).is_none()));
        }
    }

    #[test]
    fn a_million_numbers_come_once() {
        let mut all = numbers(Permutation::new(1_310_720, 7));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_310_720));
    }

    #[test]
    fn neighbours_are_scattered() {
        let length = 1_000_000u64;
        let all = numbers(Permutation::new(length, 42));
        let near = all
            .windows(2)
            .filter(|w| w[0].abs_diff(w[1]) < length / 100);
        // By chance 2 % of pairs are as near as that.
        let near = near.count() as u64;
        assert!((length / 67..length / 40).contains(&near), "{near}");
        // Any stretch covers the whole length evenly.
        let mut tenths = [0u32; 10];
        for number in all.iter().skip(500_000).take(10_000) {
            tenths[(number * 10 / length) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|n| (850..1_150).contains(n)),
            "{tenths:?}"
        );
    }

    #[test]
    fn seeds_give_different_orders() {
        let of = |seed| numbers(Permutation::new(10_000, seed));
        assert_eq!(of(5), of(5));
        let orders: HashSet<_> = (0..100).map(of).collect();
        assert_eq!(orders.len(), 100);
    }

    proptest! {
        #[test]
        fn different_positions_of_large_lengths_have_different_numbers(
            length in 1u64..=Permutation::MAX_LENGTH,
            seed in any::<u64>(),
            picks in prop::collection::hash_set(any::<u64>(), 2..200),
        ) {
            let permutation = Permutation::new(length, seed);
            let positions: HashSet<u64> = picks.iter().map(|pick| pick % permutation.positions()).collect();
            let numbers: Vec<u64> = positions.iter().filter_map(|position| permutation.at(*position)).collect();
            prop_assert!(numbers.iter().all(|number| *number < length));
            let distinct: HashSet<u64> = numbers.iter().copied().collect();
            prop_assert_eq!(distinct.len(), numbers.len());
        }

        #[test]
        fn holes_are_few(length in 1u64..=Permutation::MAX_LENGTH, seed in any::<u64>()) {
            let permutation = Permutation::new(length, seed);
            let holes = permutation.positions() - length;
            prop_assert!(holes <= length.isqrt() + 1);
        }
    }
}
