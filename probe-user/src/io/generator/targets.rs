//! Targets as the program finds them by their index: by runs, or one by one.

use std::sync::atomic::Ordering::Relaxed;

use probe_common::{Address, abi::generator::Run};

use super::banks::halves;
use crate::{engine::sweep::targets::TargetSet, io::mapped::Mapped};

/// Least average length of runs that are not spelt out: a look-up of a run costs
/// more than one in a list.
const DENSE: usize = 64;

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
    /// The layout of targets of one family; `None`: there are both.
    pub fn of(targets: &TargetSet) -> Option<Self> {
        let v6 = !targets.is_v4_only();
        if v6 && targets.get(0).is_some_and(|first| first.is_v4()) {
            return None;
        }
        let runs = targets.intervals().count();
        let mut layout = Self {
            runs: Vec::new(),
            words: Vec::new(),
            v6,
        };
        if targets.len() as usize >= runs.saturating_mul(DENSE) {
            layout.add_runs(targets);
        } else {
            layout.add_list(targets);
        }
        Some(layout)
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
