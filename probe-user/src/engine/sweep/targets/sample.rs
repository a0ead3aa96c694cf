//! A few addresses of every prefix, at random.

use std::num::NonZeroU32;

use super::{
    TooManyTargets, check,
    digest::mix,
    number::Number,
    run::{Run, count},
};

/// `per_prefix` numbers of every sampled prefix that normalised runs touch, in
/// ascending order.
pub(super) fn choose<N: Number>(
    runs: &[Run<N>],
    per_prefix: NonZeroU32,
    seed: u64,
) -> Result<Vec<N>, TooManyTargets> {
    check(prefixes(runs))?;
    let mut sampler = Sampler {
        per_prefix: per_prefix.get().into(),
        seed: mix(seed),
        chosen: Vec::new(),
        positions: Vec::new(),
    };
    let mut parts: Vec<Run<N>> = Vec::new();
    for run in runs {
        let mut first = run.first;
        loop {
            let (low, high) = first.prefix();
            if parts.last().is_some_and(|part| part.last < low) {
                sampler.prefix(&parts);
                parts.clear();
                check(sampler.chosen.len() as u128)?;
            }
            let last = run.last.min(high);
            parts.push(Run { first, last });
            match last.after() {
                Some(next) if next <= run.last => first = next,
                _ => break,
            }
        }
    }
    sampler.prefix(&parts);
    Ok(sampler.chosen)
}

/// How many sampled prefixes runs touch: at least as many addresses are chosen.
fn prefixes<N: Number>(runs: &[Run<N>]) -> u128 {
    let prefix = |number: N| number.into() >> N::HOST_BITS;
    let mut count = 0u128;
    let mut previous = None;
    for run in runs {
        let (first, last) = (prefix(run.first), prefix(run.last));
        let seen = u128::from(previous == Some(first));
        count = count.saturating_add(last - first + 1 - seen);
        previous = Some(last);
    }
    count
}

struct Sampler<N> {
    per_prefix: u64,
    seed: u64,
    chosen: Vec<N>,
    positions: Vec<u64>,
}

impl<N: Number> Sampler<N> {
    /// Chooses among the parts of one prefix.
    fn prefix(&mut self, parts: &[Run<N>]) {
        let Some(part) = parts.first() else {
            return;
        };
        let (low, _) = part.first.prefix();
        let mut seed = mix(self.seed ^ mix(low.into() as u64));
        seed = mix(seed ^ (low.into() >> 64) as u64);
        let held = count(parts);
        if held == 1 << N::HOST_BITS {
            let (front, back) = N::EDGES;
            let first = low.plus(front);
            self.draw(held - u128::from(front + back), seed);
            self.take(&[Run { first, ..*part }]);
        } else {
            self.draw(held, seed);
            self.take(parts);
        }
    }

    /// Draws different positions below `held`, in ascending order (Floyd's
    /// algorithm: Bentley, "Programming pearls: a sample of brilliance", 1987).
    fn draw(&mut self, held: u128, seed: u64) {
        self.positions.clear();
        // A whole /64 has lost an edge: what is held fits.
        let held = held as u64;
        let Some(from) = held.checked_sub(self.per_prefix) else {
            self.positions.extend(0..held);
            return;
        };
        let mut random = fastrand::Rng::with_seed(seed);
        for highest in from..held {
            let drawn = random.u64(0..=highest);
            match self.positions.binary_search(&drawn) {
                Ok(_) => self.positions.push(highest),
                Err(place) => self.positions.insert(place, drawn),
            }
        }
    }

    /// Takes the numbers at the positions drawn.
    fn take(&mut self, parts: &[Run<N>]) {
        let mut parts = parts.iter();
        let mut part = parts.next();
        let mut passed = 0u64;
        for position in &self.positions {
            while let Some(run) = part
                && u128::from(position - passed) >= run.count()
            {
                passed += run.count() as u64;
                part = parts.next();
            }
            if let Some(run) = part {
                self.chosen.push(run.first.plus(position - passed));
            }
        }
    }
}
