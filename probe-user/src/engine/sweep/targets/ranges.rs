//! Sets of addresses as ranges.

use probe_common::Address;

use super::{
    number::{of_v4, of_v6},
    run::{Run, count, cover, normalise, subtract},
};

/// Ranges held before they are joined for the first time.
const FIRST_LOOK: usize = 1 << 20;

/// IPv4 addresses in their IPv6 form (RFC 4291, section 2.5.5.2).
const MAPPED: Run<u128> = Run {
    first: 0xffff_0000_0000,
    last: 0xffff_ffff_ffff,
};

/// Collects ranges in any order, with overlaps and repetitions.
///
/// Ranges are joined whenever they have doubled in number, so that memory goes
/// with what is different among them: at most 16 bytes for an IPv4 range, and 64
/// for an IPv6 range, or half as much again while they are sorted.
#[derive(Debug, Default)]
pub struct RangeSetBuilder {
    v4: Pending<u32>,
    v6: Pending<u128>,
}

/// Sorted ranges of addresses that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    v4: Vec<Run<u32>>,
    v6: Vec<Run<u128>>,
}

#[derive(Debug)]
struct Pending<N> {
    runs: Vec<Run<N>>,
    look_at: usize,
    added: u128,
}

impl RangeSetBuilder {
    /// Adds the IPv4 addresses from `first` to `last`, as numbers in host order;
    /// none if `last` is below `first`.
    #[inline]
    pub fn add_v4(&mut self, first: u32, last: u32) {
        if first <= last {
            self.v4.add(Run { first, last });
        }
    }

    /// Adds the IPv6 addresses from `first` to `last`; none if `last` is below
    /// `first`. Of IPv4 addresses in their mapped form, a range of those alone
    /// is one of IPv4, and any other goes without them.
    pub fn add_v6(&mut self, first: u128, last: u128) {
        if first > last {
            return;
        }
        let run = Run { first, last };
        if cover(&[MAPPED], run) {
            return self.add_v4(first as u32, last as u32);
        }
        for part in subtract(&[run], &[MAPPED]) {
            self.v6.add(part);
        }
    }

    /// Addresses added so far, each as often as it was.
    pub fn added(&self) -> u128 {
        self.v4.added.saturating_add(self.v6.added)
    }

    /// The set of all that was added.
    pub fn finish(self) -> RangeSet {
        RangeSet {
            v4: self.v4.finish(),
            v6: self.v6.finish(),
        }
    }
}

impl<N> Default for Pending<N> {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            look_at: FIRST_LOOK,
            added: 0,
        }
    }
}

impl<N: super::Number> Pending<N> {
    #[inline]
    fn add(&mut self, run: Run<N>) {
        self.added = self.added.saturating_add(run.count());
        if let Some(previous) = self.runs.last_mut()
            && previous.last.after() == Some(run.first)
        {
            previous.last = run.last;
            return;
        }
        self.runs.push(run);
        if self.runs.len() >= self.look_at {
            normalise(&mut self.runs);
            self.look_at = FIRST_LOOK.max(self.runs.len() * 2);
        }
    }

    fn finish(mut self) -> Vec<Run<N>> {
        normalise(&mut self.runs);
        self.runs
    }
}

impl RangeSet {
    /// How many addresses there are; it stops at `u128::MAX`.
    pub fn count(&self) -> u128 {
        self.count_v4().saturating_add(self.count_v6())
    }

    /// How many IPv4 addresses there are.
    pub fn count_v4(&self) -> u128 {
        count(&self.v4)
    }

    /// How many IPv6 addresses there are.
    pub fn count_v6(&self) -> u128 {
        count(&self.v6)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Takes out what is in `other`, and returns how many addresses that were.
    pub fn subtract(&mut self, other: &Self) -> u128 {
        let before = self.count();
        self.v4 = subtract(&self.v4, &other.v4);
        self.v6 = subtract(&self.v6, &other.v6);
        before - self.count()
    }

    /// Whether all addresses from `first` to `last`, of one family, are in it.
    pub fn covers(&self, (first, last): (Address, Address)) -> bool {
        match (of_v4(first), of_v4(last)) {
            (Some(first), Some(last)) => cover(&self.v4, Run { first, last }),
            (None, None) => {
                let (first, last) = (of_v6(first), of_v6(last));
                cover(&self.v6, Run { first, last })
            }
            _ => false,
        }
    }

    pub(super) fn v4(&self) -> &[Run<u32>] {
        &self.v4
    }

    pub(super) fn v6(&self) -> &[Run<u128>] {
        &self.v6
    }

    pub(super) fn into_runs(self) -> (Vec<Run<u32>>, Vec<Run<u128>>) {
        (self.v4, self.v6)
    }
}
