//! The record of a probe in flight, one for each slot.
//!
//! The sender writes it before the packet leaves, the nonce last; the stamp sets
//! `tx_ns` and [`ARMED`]; the receiver moves the state on once. On reuse the
//! sender keeps the old nonce, writes nonce 0, the fields, the new nonce. A reader
//! that finds the nonce changed under it has seen a slot change hands.

use bytemuck::{Pod, Zeroable};

use crate::identity::Nonce;

/// A probe in flight. Times are CLOCK_MONOTONIC, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// Nonce of the tenant; 0: none, or changing hands.
    pub nonce: u64,
    /// Nonce of the tenant before.
    pub previous_nonce: u64,
    /// When the kernel stamped the probe.
    pub tx_ns: u64,
    /// [`generation`] of the tenant and its flags.
    pub state: u64,
    /// Hash of the destination.
    pub destination_hash: u32,
    /// Index of the target.
    pub target: u32,
    /// Round.
    pub round: u32,
    /// Flow.
    pub flow: u16,
    /// TTL or hop limit that the probe leaves with.
    pub ttl: u8,
    /// [`crate::abi::Protocol`].
    pub protocol: u8,
    /// Folded sum of the source address.
    pub source_sum: u16,
    /// Folded sum of addresses and ports: what a NAT may change.
    pub tuple_sum: u16,
    /// [`crate::abi::TxSource`] of the stamp.
    pub tx_source: u32,
    /// Where what is known of its path is kept, in an adaptive sweep.
    pub seat: u32,
    /// When userspace handed the probe to the kernel: the low half of that time.
    pub user_ns: u32,
}

/// A slot held by a probe: what the sender keeps, and what the packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Index of the slot.
    pub index: u32,
    /// Index within the shard.
    pub seq16: u16,
    /// Nonce of the probe.
    pub nonce: Nonce,
}

/// The probe left: it has its stamp.
pub const ARMED: u64 = 1;
/// A reply came within the timeout.
pub const ANSWERED: u64 = 2;
/// The first reply came after the timeout.
pub const LATE: u64 = 4;
/// The packet was stamped, then refused by the qdisc or driver.
pub const DROPPED: u64 = 8;

/// The high half of a tenant's state word: a compare-and-swap on the state fails
/// if the slot has changed hands.
#[inline(always)]
pub const fn generation(nonce: Nonce) -> u64 {
    nonce.0 << 32
}

/// The part of a state word that [`generation`] fills.
pub const GENERATION: u64 = 0xffff_ffff << 32;

/// What became of a slot's tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The slot is empty, or its probe never passed the stamp.
    NeverStamped,
    /// Stamped, then refused by the qdisc or driver.
    Dropped,
    /// Answered within the timeout.
    Answered,
    /// Answered after the timeout only.
    LateOnly,
    /// Not answered.
    Unanswered,
}

impl Fate {
    /// Reads a state word.
    #[inline(always)]
    pub const fn of(state: u64) -> Self {
        if state & ARMED == 0 {
            Self::NeverStamped
        } else if state & DROPPED != 0 {
            Self::Dropped
        } else if state & ANSWERED != 0 {
            Self::Answered
        } else if state & LATE != 0 {
            Self::LateOnly
        } else {
            Self::Unanswered
        }
    }

    /// Whether a slot stamped at `tx_ns` may be given away at `now_ns`: nothing
    /// is expected any more, or the timeout has passed.
    #[inline(always)]
    pub const fn is_settled(self, tx_ns: u64, now_ns: u64, timeout_ns: u64) -> bool {
        match self {
            Self::Unanswered => now_ns.saturating_sub(tx_ns) > timeout_ns,
            Self::NeverStamped | Self::Dropped | Self::Answered | Self::LateOnly => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_probe_keeps_its_slot_until_the_timeout() {
        let fate = Fate::of(generation(Nonce(7)) | ARMED);
        assert_eq!(fate, Fate::Unanswered);
        assert!(!fate.is_settled(100, 1_100, 1_000));
        assert!(fate.is_settled(100, 1_101, 1_000));
    }

    #[test]
    fn a_first_answer_decides_the_fate() {
        assert_eq!(Fate::of(ARMED | ANSWERED), Fate::Answered);
        assert_eq!(Fate::of(ARMED | LATE), Fate::LateOnly);
        assert_eq!(Fate::of(ARMED | DROPPED), Fate::Dropped);
        assert_eq!(Fate::of(0), Fate::NeverStamped);
    }
}
