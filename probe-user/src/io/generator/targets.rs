//! Targets as the program finds them by their index: by runs, or one by one.

use std::sync::atomic::Ordering::Relaxed;

use probe_common::{Address, abi::generator::Run};

use super::banks::halves;
use crate::{engine::sweep::targets::TargetSet, io::mapped::Mapped};

/// Least average length of runs that are not spelt out: a look-up of a run costs
/// more than one in a list.
const DENSE: usize = 64;

/// Most runs among which the program finds one.
const MOST_RUNS: usize = 1 << 24;

const RUN_WORDS: usize = size_of::<Run>() / 8;

/// How targets lie in the program's arrays.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Empty: one by one.
    runs: Vec<Run>,
    words: Vec<u64>,
    v6: bool,
}

impl Layout {
    /// The layout of targets.
    ///
    /// # Errors
    ///
    /// Why they have none.
    pub fn of(targets: &TargetSet) -> Result<Self, &'static str> {
        let v6 = !targets.is_v4_only();
        if v6 && targets.get(0).is_some_and(|first| first.is_v4()) {
            return Err("targets are of both IP versions");
        }
        let runs = targets.intervals().count();
        let mut layout = Self {
            runs: Vec::new(),
            words: Vec::new(),
            v6,
        };
        if targets.len() as usize >= runs.saturating_mul(DENSE) {
            if runs > MOST_RUNS {
                return Err("there are too many networks among the targets");
            }
            layout.add_runs(targets);
        } else {
            layout.add_list(targets);
        }
        Ok(layout)
    }

    /// Whether they have IPv6 addresses.
    pub fn is_v6(&self) -> bool {
        self.v6
    }

    /// Runs; 0: they are one by one.
    pub fn runs(&self) -> u32 {
        self.runs.len() as u32
    }

    /// Words of the list.
    pub fn words(&self) -> u32 {
        self.words.len() as u32
    }

    fn add_runs(&mut self, targets: &TargetSet) {
        let mut start = 0;
        for (first, last) in targets.intervals() {
            let (first, last) = (number(first), number(last));
            let (high, low) = halves(first);
            self.runs.push(Run { high, low, start });
            start += (last - first) as u64 + 1;
        }
    }

    fn add_list(&mut self, targets: &TargetSet) {
        let addresses = (0..targets.len()).filter_map(|index| targets.get(index));
        let all = addresses.map(|address| halves(number(address)));
        if self.v6 {
            self.words = all.flat_map(|(high, low)| [high, low]).collect();
            return;
        }
        for (place, (_, low)) in all.enumerate() {
            match self.words.last_mut() {
                Some(word) if place % 2 == 1 => *word |= low << 32,
                _ => self.words.push(low),
            }
        }
    }

    /// Writes them into the arrays.
    pub(super) fn fill(&self, list: &Mapped, runs: &Mapped) {
        for (place, word) in self.words.iter().enumerate() {
            if let Some([target]) = list.record::<1>(place) {
                target.store(*word, Relaxed);
            }
        }
        for (place, run) in self.runs.iter().enumerate() {
            let words: [u64; RUN_WORDS] = bytemuck::cast(*run);
            let target = runs.record::<RUN_WORDS>(place);
            for (target, word) in target.into_iter().flatten().zip(words) {
                target.store(word, Relaxed);
            }
        }
    }
}

fn number(address: Address) -> u128 {
    u128::from_be_bytes(address.octets())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::engine::sweep::targets::RangeSetBuilder;

    const V4: u32 = 0x0a00_0000;
    const V6: u128 = 0xfd10 << 112;

    fn set(v4: &[(u32, u32)], v6: &[(u128, u128)]) -> TargetSet {
        let mut builder = RangeSetBuilder::default();
        for (first, last) in v4 {
            builder.add_v4(V4 + first, V4 + last);
        }
        for (first, last) in v6 {
            builder.add_v6(V6 + first, V6 + last);
        }
        TargetSet::new(builder.finish()).expect("few enough")
    }

    fn layout(targets: &TargetSet) -> Layout {
        Layout::of(targets).expect("one family")
    }

    /// The target with this index, as the program finds it.
    fn find(layout: &Layout, index: u32) -> (u64, u64) {
        let place = index as usize;
        let behind = layout
            .runs
            .partition_point(|run| run.start <= u64::from(index));
        if let Some(run) = layout.runs[..behind].last() {
            let offset = u128::from(u64::from(index) - run.start);
            let number = (u128::from(run.high) << 64 | u128::from(run.low)) + offset;
            return ((number >> 64) as u64, number as u64);
        }
        if layout.is_v6() {
            return (layout.words[2 * place], layout.words[2 * place + 1]);
        }
        let pair = layout.words[place / 2];
        (0, (pair >> (32 * (place % 2))) & 0xffff_ffff)
    }

    fn assert_all_found(targets: &TargetSet) {
        let layout = layout(targets);
        for index in 0..targets.len() {
            let expected = halves(number(targets.get(index).expect("a target")));
            assert_eq!(find(&layout, index), expected, "target {index}");
        }
    }

    #[test]
    fn dense_targets_are_runs_and_scattered_ones_are_spelt_out() {
        let dense = set(&[(0, 255), (512, 600)], &[]);
        assert_eq!((layout(&dense).runs(), layout(&dense).words()), (2, 0));
        let scattered: Vec<_> = (0..100).map(|place| (3 * place, 3 * place)).collect();
        let scattered = set(&scattered, &[]);
        let layout = layout(&scattered);
        assert_eq!((layout.runs(), layout.words()), (0, 50));
        assert!(!layout.is_v6());
    }

    #[test]
    fn every_target_is_found_by_its_index() {
        for targets in [
            set(&[(0, 0xffff)], &[]),
            set(&[(0, 63), (100, 163), (1_000, 1_100)], &[]),
            // An odd number: the last word has one address.
            set(&[(1, 1), (3, 3), (5, 5)], &[]),
            set(&[(7, 7)], &[]),
            set(&[], &[(0, 0xfff), (1 << 64, (1 << 64) + 500)]),
            set(&[], &[(1, 1), (1 << 80, 1 << 80), (5 << 64, 5 << 64)]),
        ] {
            assert_all_found(&targets);
        }
    }

    #[test]
    fn a_run_may_go_on_beyond_the_low_half_of_an_address() {
        let end = u128::from(u64::MAX);
        let targets = set(&[], &[(end - 100, end + 100)]);
        assert_eq!(layout(&targets).runs(), 1);
        assert_all_found(&targets);
    }

    #[test]
    fn targets_of_both_families_have_no_layout() {
        assert!(Layout::of(&set(&[(0, 255)], &[(0, 255)])).is_err());
        assert!(layout(&set(&[], &[(0, 255)])).is_v6());
    }

    #[test]
    fn what_the_program_reads_is_the_layout() {
        let array = |words: usize| {
            let file = tempfile::tempfile().expect("a file");
            file.set_len(8 * words as u64).expect("so long");
            Mapped::new(file.as_fd(), words).expect("mapped")
        };
        let words = |array: &Mapped, count| -> Vec<u64> {
            let word = |place| array.record::<1>(place).expect("a word")[0].load(Relaxed);
            (0..count).map(word).collect()
        };
        let (list, runs) = (array(2), array(2 * RUN_WORDS));
        layout(&set(&[(1, 1), (3, 3), (5, 5)], &[])).fill(&list, &runs);
        assert_eq!(words(&list, 2), [0x0a00_0003_0a00_0001, 0x0a00_0005]);
        layout(&set(&[(0, 99), (200, 299)], &[])).fill(&list, &runs);
        assert_eq!(words(&runs, 6), [0, 0x0a00_0000, 0, 0, 0x0a00_00c8, 100]);
    }
}
