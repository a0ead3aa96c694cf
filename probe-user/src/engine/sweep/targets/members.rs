//! The addresses of one family in the least memory that a fast look-up allows.

use super::{
    number::Number,
    run::{Run, count},
};

/// Least average length of runs that are not spelt out.
const DENSE: u128 = 16;

/// Numbers in ascending order. There are at most `u32::MAX`.
#[derive(Clone, Debug)]
pub(super) enum Members<N> {
    /// One by one.
    Scattered(Box<[N]>),
    /// By runs.
    Dense(Dense<N>),
}

/// Runs, and where to look for the one that an index is in.
#[derive(Clone, Debug)]
pub(super) struct Dense<N> {
    len: u32,
    /// The first number of each run.
    firsts: Box<[N]>,
    /// The index of that.
    starts: Box<[u32]>,
    /// The run that each multiple of `1 << shift` is in, so that few are left to
    /// search.
    guide: Box<[u32]>,
    shift: u32,
}

impl<N: Number> Members<N> {
    /// The numbers of normalised runs.
    pub(super) fn of_runs(runs: Vec<Run<N>>) -> Self {
        let len = count(&runs);
        if len >= DENSE * runs.len() as u128 && !runs.is_empty() {
            return Self::Dense(Dense::new(&runs, len as u32));
        }
        let mut list = Vec::with_capacity(len as usize);
        for run in runs {
            let offsets = 0..run.count() as u64;
            list.extend(offsets.map(|offset| run.first.plus(offset)));
        }
        Self::of_list(list)
    }

    /// Sorted numbers, each once.
    pub(super) fn of_list(list: Vec<N>) -> Self {
        Self::Scattered(list.into_boxed_slice())
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Scattered(list) => list.len() as u32,
            Self::Dense(dense) => dense.len,
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<N> {
        match self {
            Self::Scattered(list) => list.get(index as usize).copied(),
            Self::Dense(dense) => dense.get(index),
        }
    }

    pub(super) fn index_of(&self, number: N) -> Option<u32> {
        match self {
            Self::Scattered(list) => list.binary_search(&number).ok().map(|index| index as u32),
            Self::Dense(dense) => dense.index_of(number),
        }
    }

    /// Unbroken runs, as long as they can be.
    pub(super) fn runs(&self) -> Runs<'_, N> {
        Runs {
            members: self,
            next: 0,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Scattered(list) => size_of_val::<[N]>(list),
            Self::Dense(dense) => dense.memory_bytes(),
        }
    }
}

impl<N: Number> Dense<N> {
    fn new(runs: &[Run<N>], len: u32) -> Self {
        let mut next = 0u32;
        let starts: Box<[u32]> = runs
            .iter()
            .map(|run| {
                let start = next;
                next = next.wrapping_add(run.count() as u32);
                start
            })
            .collect();
        let shift = (len / runs.len() as u32).checked_ilog2().unwrap_or(0);
        Self {
            len,
            firsts: runs.iter().map(|run| run.first).collect(),
            guide: guide(&starts, len, shift),
            starts,
            shift,
        }
    }

    #[inline]
    fn get(&self, index: u32) -> Option<N> {
        if index >= self.len {
            return None;
        }
        let bucket = (index >> self.shift) as usize;
        let from = *self.guide.get(bucket)? as usize;
        // The next multiple may be in the same run or in a later one.
        let to = *self.guide.get(bucket + 1)? as usize;
        let candidates = self.starts.get(from..=to)?;
        let behind = candidates.partition_point(|start| *start <= index);
        let run = from + behind.checked_sub(1)?;
        let offset = index - self.starts.get(run)?;
        Some(self.firsts.get(run)?.plus(offset.into()))
    }

    fn index_of(&self, number: N) -> Option<u32> {
        let behind = self.firsts.partition_point(|first| *first <= number);
        let position = behind.checked_sub(1)?;
        let run = self.run(position)?;
        let offset = number.into() - run.first.into();
        let start = self.starts.get(position)?;
        (number <= run.last).then(|| start + offset as u32)
    }

    fn run(&self, position: usize) -> Option<Run<N>> {
        let (first, start) = (*self.firsts.get(position)?, *self.starts.get(position)?);
        let end = self.starts.get(position + 1).copied().unwrap_or(self.len);
        let last = first.plus(u64::from(end - start) - 1);
        Some(Run { first, last })
    }

    fn memory_bytes(&self) -> usize {
        size_of_val::<[N]>(&self.firsts)
            + size_of_val::<[u32]>(&self.starts)
            + size_of_val::<[u32]>(&self.guide)
    }
}

/// The run of each multiple of `1 << shift` below `len`, and the last run.
fn guide(starts: &[u32], len: u32, shift: u32) -> Box<[u32]> {
    let last = starts.len().saturating_sub(1) as u32;
    let mut run = 0u32;
    let mut guide = Vec::with_capacity((len >> shift) as usize + 2);
    for bucket in 0..=(len - 1) >> shift {
        let index = bucket << shift;
        while starts
            .get(run as usize + 1)
            .is_some_and(|start| *start <= index)
        {
            run += 1;
        }
        guide.push(run);
    }
    guide.push(last);
    guide.into_boxed_slice()
}

/// An iterator over [`Members::runs`].
pub(super) struct Runs<'a, N> {
    members: &'a Members<N>,
    next: usize,
}

impl<N: Number> Iterator for Runs<'_, N> {
    type Item = Run<N>;

    fn next(&mut self) -> Option<Run<N>> {
        let list = match self.members {
            Members::Dense(dense) => {
                self.next += 1;
                return dense.run(self.next - 1);
            }
            Members::Scattered(list) => list.get(self.next..)?,
        };
        let (first, rest) = list.split_first()?;
        let mut last = *first;
        self.next += 1;
        for number in rest {
            if last.after() != Some(*number) {
                break;
            }
            last = *number;
            self.next += 1;
        }
        Some(Run {
            first: *first,
            last,
        })
    }
}
