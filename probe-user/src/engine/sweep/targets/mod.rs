//! The targets of a sweep: up to 2^32 - 1 addresses, each with an index.
//!
//! ```text
//! RangeSetBuilder (any order, overlaps) -> RangeSet (sorted, disjoint) -> TargetSet
//!                                            '- subtract                  (indexed)
//! ```
//!
//! IPv4 comes first in every order, then IPv6, each by number.

mod digest;
mod members;
mod number;
mod ranges;
mod run;
mod sample;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use probe_common::Address;

pub use self::ranges::{RangeSet, RangeSetBuilder};
use self::{
    digest::Digest,
    members::Members,
    number::{Number, of_v4, of_v6},
};

/// A set of addresses that never changes, with the indices 0 to `len() - 1` in
/// ascending order.
#[derive(Clone, Debug)]
pub struct TargetSet {
    v4: Members<u32>,
    v6: Members<u128>,
}

/// More targets than there are indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{count} targets are more than the {} that one sweep takes: name smaller networks, \
     or take a few addresses of each with --per-prefix",
    u32::MAX
)]
pub struct TooManyTargets {
    /// How many there are, or at least are.
    pub count: u128,
}

impl TargetSet {
    /// All addresses of `ranges`.
    ///
    /// # Errors
    /// [`TooManyTargets`] above `u32::MAX`.
    pub fn new(ranges: RangeSet) -> Result<Self, TooManyTargets> {
        check(ranges.count())?;
        let (v4, v6) = ranges.into_runs();
        Ok(Self {
            v4: Members::of_runs(v4),
            v6: Members::of_runs(v6),
        })
    }

    /// `count` addresses at random of every /24 (IPv6: every /64) that `ranges`
    /// touches: of those that it holds, or all where it holds no more. Where it
    /// holds the whole prefix, its first address and, in IPv4, its last are
    /// passed over: they stand for the network, its routers (RFC 4291, section
    /// 2.6.1) and all hosts (RFC 919).
    ///
    /// What is chosen in a prefix depends on the seed, the prefix and what
    /// `ranges` holds of it, on nothing else.
    ///
    /// # Errors
    /// [`TooManyTargets`] above `u32::MAX`.
    pub fn per_prefix(
        ranges: &RangeSet,
        count: NonZeroU32,
        seed: u64,
    ) -> Result<Self, TooManyTargets> {
        let v4 = sample::choose(ranges.v4(), count, seed)?;
        let v6 = sample::choose(ranges.v6(), count, seed)?;
        check(v4.len() as u128 + v6.len() as u128)?;
        Ok(Self {
            v4: Members::of_list(v4),
            v6: Members::of_list(v6),
        })
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> u32 {
        self.v4.len() + self.v6.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address with this index; `None` from `len()` on.
    #[inline]
    pub fn get(&self, index: u32) -> Option<Address> {
        match index.checked_sub(self.v4.len()) {
            None => self.v4.get(index).map(Number::address),
            Some(index) => self.v6.get(index).map(Number::address),
        }
    }

    /// The index of an address; `None` if it is no target.
    pub fn index_of(&self, address: Address) -> Option<u32> {
        match of_v4(address) {
            Some(v4) => self.v4.index_of(v4),
            None => Some(self.v4.len() + self.v6.index_of(of_v6(address))?),
        }
    }

    /// Whether there is no IPv6 address.
    pub fn is_v4_only(&self) -> bool {
        self.v6.len() == 0
    }

    /// First and last address of each unbroken run, in the order of the indices.
    pub fn intervals(&self) -> impl Iterator<Item = (Address, Address)> {
        let v4 = self.v4.runs().map(|run| run.addresses());
        v4.chain(self.v6.runs().map(|run| run.addresses()))
    }

    /// A hash of the contents, the same in every run and on every machine: what
    /// a checkpoint remembers of its targets. It guards against mix-ups, not
    /// against forgery.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new(self.v4.len(), self.v6.len());
        for run in self.v4.runs() {
            digest.add(u64::from(run.first) << 32 | u64::from(run.last));
        }
        for run in self.v6.runs() {
            digest.add_wide(run.first);
            digest.add_wide(run.last);
        }
        digest.value()
    }

    /// Memory held, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.v4.memory_bytes() + self.v6.memory_bytes()
    }
}

/// Refuses more than there are indices.
fn check(count: u128) -> Result<(), TooManyTargets> {
    if count > u128::from(u32::MAX) {
        return Err(TooManyTargets { count });
    }
    Ok(())
}
