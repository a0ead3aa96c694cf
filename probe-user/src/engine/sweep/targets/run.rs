//! Unbroken runs of addresses, and what sorted lists of them have in common.

use probe_common::Address;

use super::number::Number;

/// All numbers from `first` to `last`, which is not below `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<N> {
    pub(super) first: N,
    pub(super) last: N,
}

impl<N: Number> Run<N> {
    /// How many there are; all of IPv6 counts as one less.
    pub(super) fn count(self) -> u128 {
        (self.last.into() - self.first.into()).saturating_add(1)
    }

    pub(super) fn addresses(self) -> (Address, Address) {
        (self.first.address(), self.last.address())
    }
}

/// How many addresses disjoint runs have.
pub(super) fn count<N: Number>(runs: &[Run<N>]) -> u128 {
    runs.iter()
        .fold(0, |count, run| count.saturating_add(run.count()))
}

/// Sorts runs, and joins those that overlap or touch.
pub(super) fn normalise<N: Number>(runs: &mut Vec<Run<N>>) {
    // A stable sort takes what is sorted already as it is: the front of a list
    // that was normalised before and has grown since.
    runs.sort_by_key(|run| run.first);
    runs.dedup_by(|next, kept| {
        let joins = kept.last.after().is_none_or(|after| next.first <= after);
        if joins {
            kept.last = kept.last.max(next.last);
        }
        joins
    });
}

/// What is left of `runs` without `holes`; both are normalised, and so is it.
pub(super) fn subtract<N: Number>(runs: &[Run<N>], holes: &[Run<N>]) -> Vec<Run<N>> {
    let mut left = Vec::with_capacity(runs.len());
    let mut holes = holes;
    for run in runs {
        while let [hole, rest @ ..] = holes
            && hole.last < run.first
        {
            holes = rest;
        }
        cut(*run, holes, &mut left);
    }
    left
}

/// Adds what is left of one run; no hole ends before it.
fn cut<N: Number>(run: Run<N>, holes: &[Run<N>], left: &mut Vec<Run<N>>) {
    let mut first = run.first;
    for hole in holes.iter().take_while(|hole| hole.first <= run.last) {
        if let Some(last) = hole.first.before()
            && first <= last
        {
            left.push(Run { first, last });
        }
        match hole.last.after() {
            Some(next) if next <= run.last => first = next,
            _ => return,
        }
    }
    left.push(Run { first, ..run });
}

/// Whether `runs` hold all of `run`; they are normalised.
pub(super) fn cover<N: Number>(runs: &[Run<N>], run: Run<N>) -> bool {
    let behind = runs.partition_point(|other| other.first <= run.first);
    let before = behind.checked_sub(1).and_then(|index| runs.get(index));
    before.is_some_and(|other| run.last <= other.last)
}
