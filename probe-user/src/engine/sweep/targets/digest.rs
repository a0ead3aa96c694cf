//! A hash that stays the same between versions and machines.

/// Words in, 64 bits out.
pub(super) struct Digest(u64);

/// Odd multipliers of the finalizer of MurmurHash3, as splitmix64 has them
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
const MULTIPLIERS: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// The step of splitmix64: 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Digest {
    /// Of so many addresses.
    pub(super) fn new(v4: u32, v6: u32) -> Self {
        let mut digest = Self(0);
        digest.add(u64::from(v4) << 32 | u64::from(v6));
        digest
    }

    pub(super) fn add(&mut self, word: u64) {
        self.0 = mix(self.0.wrapping_add(STEP) ^ mix(word));
    }

    pub(super) fn add_wide(&mut self, word: u128) {
        self.add((word >> 64) as u64);
        self.add(word as u64);
    }

    pub(super) fn value(&self) -> u64 {
        self.0
    }
}

/// The finalizer of splitmix64: every bit of the result hangs on all of `word`.
pub(super) fn mix(word: u64) -> u64 {
    let [first, second] = MULTIPLIERS;
    let word = (word ^ (word >> 30)).wrapping_mul(first);
    let word = (word ^ (word >> 27)).wrapping_mul(second);
    word ^ (word >> 31)
}
