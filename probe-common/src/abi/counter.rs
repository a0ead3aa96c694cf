//! Why a packet was or was not counted as a reply: one counter for each reason.

use bytemuck::{Pod, Zeroable};

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A counter of the kernel programs; the value is its place in [`Counters`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter { $($(#[$doc])* $variant,)+ }

        impl Counter {
            /// Every counter, in the order of the ABI.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name used in every output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

counters! {
    /// Probes stamped at TCX egress.
    Stamped = "stamped",
    /// Packets with our mark whose slot did not agree: sent, never stamped.
    StampMismatch = "stamp_mismatch",
    /// Packets that could be replies to a probe of this run.
    Candidates = "candidates",
    /// The packet ends inside a header.
    MalformedTruncated = "malformed_truncated",
    /// An outer IP header contradicts itself.
    MalformedHeader = "malformed_header",
    /// More extension headers than the walk allows.
    MalformedExtensions = "malformed_extensions",
    /// The quoted packet ends before the probe's identity.
    MalformedQuoteTruncated = "malformed_quote_truncated",
    /// The quoted packet's header contradicts itself.
    MalformedQuoteHeader = "malformed_quote_header",
    /// Not a port or identifier of this run, or the slot was never armed.
    Foreign = "foreign",
    /// The nonce is that of the slot's previous tenant.
    Stale = "stale",
    /// The nonce is wrong.
    BadNonce = "bad_nonce",
    /// The (short) nonce is right, the destination is not.
    BadDestination = "bad_destination",
    /// First reply within the timeout.
    Valid = "valid",
    /// First reply, after the timeout.
    Late = "late",
    /// A further reply to a probe already answered.
    Duplicate = "duplicate",
    /// UDP data to a port of ours: the reader settles what it answers.
    Unindexed = "unindexed",
    /// Events handed to a ring.
    Delivered = "delivered",
    /// Events that found their ring full.
    RingFull = "ring_full",
}

/// The counters of outcomes stand in the order of their codes.
const _: () = {
    use super::Outcome;
    let base = Counter::Valid as usize - Outcome::Valid as usize;
    assert!(Counter::Late as usize == base + Outcome::Late as usize);
    assert!(Counter::Duplicate as usize == base + Outcome::Duplicate as usize);
};

impl Counter {
    /// The place of the counter of an outcome's code.
    #[inline(always)]
    pub const fn place_of_outcome(code: u8) -> usize {
        Self::Valid as usize - super::Outcome::Valid as usize + code as usize
    }
}

/// One CPU's counters, in the order of [`Counter::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Counters(pub [u64; Counter::COUNT]);

impl Counters {
    /// All zero.
    pub const ZERO: Self = Self([0; Counter::COUNT]);

    /// Adds one to a counter.
    #[inline(always)]
    pub fn add(&mut self, counter: Counter) {
        self.add_at(counter as usize);
    }

    /// Adds one to the counter at a place; gives what it is then.
    #[inline(always)]
    pub fn add_at(&mut self, place: usize) -> u64 {
        let Some(value) = self.0.get_mut(place) else {
            return 0;
        };
        *value = value.wrapping_add(1);
        *value
    }

    /// The value of a counter.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// Adds another CPU's counters to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = mine.wrapping_add(*theirs);
        }
    }
}
