//! The probes of a target one after another, lost or not: bursts of loss, and how
//! sure a ratio is. Sums only: its size does not grow with the number of probes.

use super::{interval, report::Bursts};

/// How far apart two losses may be to tell how loss persists.
const LAGS: usize = 64;

/// Sums over the outcomes of probes in the order of sending. Probes that never left
/// or whose replies were lost here are no part of it: those on either side of them
/// are taken as consecutive.
#[derive(Clone, Debug, Default)]
pub struct Series {
    probes: u64,
    lost: u64,
    /// Runs of losses, the one under way included.
    bursts: u64,
    longest: u64,
    /// Losses in a row at the end.
    run: u64,
    /// Received, then lost.
    into_loss: u64,
    /// Lost, then received.
    out_of_loss: u64,
    /// Outcomes of the last probes, the last one in bit 0; set: lost.
    history: u64,
    /// Pairs of losses; none before the first, and none where all are lost.
    pairs: Option<Box<Pairs>>,
}

/// Pairs of losses by their distance.
#[derive(Clone, Debug)]
struct Pairs {
    /// By their distance, from 1 on.
    counts: [u32; LAGS],
    /// Probes and losses when a count was full: what comes later is not counted.
    full_at: Option<(u64, u64)>,
}

/// What the series says of its chances: a chain of two states (Gilbert, 1960).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chain {
    /// Losses behind a reply, of so many outcomes behind a reply.
    pub(super) into_loss: (u64, u64),
    /// Replies behind a loss, of so many outcomes behind a loss.
    pub(super) out_of_loss: (u64, u64),
}

impl Series {
    /// The next probe was lost, or was not.
    pub fn record(&mut self, lost: bool) {
        if self.probes > 0 {
            let before = self.history & 1 != 0;
            self.into_loss += u64::from(!before && lost);
            self.out_of_loss += u64::from(before && !lost);
        }
        self.probes += 1;
        if lost {
            self.lost += 1;
            self.bursts += u64::from(self.run == 0);
            self.run += 1;
            self.longest = self.longest.max(self.run);
            // A target that never answers needs no room for what is known anyway.
            if self.history != 0 && self.lost != self.probes {
                self.count_pairs();
            }
        } else {
            if self.run > 1 && self.lost == self.probes - 1 {
                self.pairs = Some(Box::new(Pairs::of_losses(self.lost)));
            }
            self.run = 0;
        }
        self.history = self.history << 1 | u64::from(lost);
    }

    /// Probes.
    pub fn probes(&self) -> u64 {
        self.probes
    }

    /// Those lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Bounds of the chance of loss, 95 %; `None` without a probe.
    pub fn interval(&self) -> Option<[f64; 2]> {
        interval::of(self)
    }

    /// Bursts of loss; `None` without loss.
    pub fn bursts(&self) -> Option<Bursts> {
        if self.lost == 0 {
            return None;
        }
        let chain = self.chain();
        Some(Bursts {
            count: self.bursts,
            longest: self.longest,
            mean: self.lost as f64 / self.bursts.max(1) as f64,
            p: share(chain.into_loss),
            r: share(chain.out_of_loss),
        })
    }

    pub(super) fn chain(&self) -> Chain {
        // What comes last has nothing behind it.
        let last_lost = self.history & 1;
        let behind_loss = self.lost - last_lost.min(self.lost);
        let behind_any = self.probes.saturating_sub(1);
        Chain {
            into_loss: (self.into_loss, behind_any - behind_loss),
            out_of_loss: (self.out_of_loss, behind_loss),
        }
    }

    /// Correlation of the outcomes of probes that are `lag` apart, from 1 on; `None`
    /// beyond what is kept, and where outcomes do not vary.
    pub(super) fn correlation(&self, lag: usize) -> Option<f64> {
        let index = lag.checked_sub(1).filter(|index| *index < LAGS)?;
        let (mut pairs, mut all) = (0, (self.probes, self.lost));
        if let Some(counted) = &self.pairs {
            pairs = *counted.counts.get(index)?;
            all = counted.full_at.unwrap_or(all);
        }
        let (probes, lost) = all;
        let places = probes.checked_sub(lag as u64)?;
        let ratio = lost as f64 / probes as f64;
        let variance = ratio * (1.0 - ratio);
        let both = f64::from(pairs) / places as f64;
        (variance > 0.0 && places > 0).then(|| (both - ratio * ratio) / variance)
    }

    fn count_pairs(&mut self) {
        let pairs = self
            .pairs
            .get_or_insert_with(|| Box::new(Pairs::of_losses(0)));
        if pairs.full_at.is_some() {
            return;
        }
        let mut rest = self.history;
        while rest != 0 {
            if let Some(pair) = pairs.counts.get_mut(rest.trailing_zeros() as usize) {
                *pair += 1;
                if *pair == u32::MAX {
                    pairs.full_at = Some((self.probes, self.lost));
                }
            }
            rest &= rest - 1;
        }
    }
}

impl Pairs {
    /// Those of losses alone, in a row.
    fn of_losses(count: u64) -> Self {
        let mut pairs = Self {
            counts: [0; LAGS],
            full_at: (count > u64::from(u32::MAX)).then_some((count, count)),
        };
        for (before, pair) in (1u64..).zip(&mut pairs.counts) {
            *pair = u32::try_from(count.saturating_sub(before)).unwrap_or(u32::MAX);
        }
        pairs
    }
}

fn share((part, whole): (u64, u64)) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn series(outcomes: &[bool]) -> Series {
        let mut series = Series::default();
        outcomes.iter().for_each(|lost| series.record(*lost));
        series
    }

    /// `.` is a reply, `x` a loss.
    fn of(text: &str) -> Series {
        series(&text.chars().map(|c| c == 'x').collect::<Vec<_>>())
    }

    #[test]
    fn bursts_are_runs_of_losses() {
        let bursts = of("..xx.x....xxxx.x").bursts().expect("loss");
        assert_eq!((bursts.count, bursts.longest, bursts.mean), (4, 4, 2.0));
        // Eight outcomes follow a reply, four of them losses; seven follow a loss.
        assert_eq!((bursts.p, bursts.r), (Some(0.5), Some(3.0 / 7.0)));
        assert_eq!(of(".....").bursts(), None);
        let all = of("xxx").bursts().expect("loss");
        assert_eq!((all.count, all.p, all.r), (1, None, Some(0.0)));
        let last = of("..x").bursts().expect("loss");
        assert_eq!((last.p, last.r), (Some(0.5), None));
    }

    #[test]
    fn after_four_billion_pairs_correlation_stays_what_it_was() {
        let mut series = of(&"..xxx...xx......xxxxx.".repeat(50));
        let pairs = series.pairs.as_mut().expect("loss");
        pairs.counts[0] = u32::MAX - 1;
        let before = series.correlation(1).expect("varies");
        series.record(true);
        series.record(true);
        let full = series.correlation(1).expect("varies");
        assert!(
            (full - before).abs() < 0.01 * before,
            "{full} after {before}"
        );
        for _ in 0..1_000 {
            series.record(false);
            series.record(true);
        }
        assert_eq!(series.correlation(1), Some(full));
        assert_eq!(
            (series.probes(), series.lost()),
            (22 * 50 + 2_002, 10 * 50 + 1_002)
        );
    }

    #[test]
    fn a_target_that_never_answers_or_seldom_loses_one_takes_no_room_for_pairs() {
        assert!(of(&"x".repeat(1_000)).pairs.is_none());
        let seldom = ".".repeat(100) + "x";
        assert!(of(&seldom.repeat(20)).pairs.is_none());
        assert!(of(&seldom.repeat(20)).correlation(1).is_some());
        assert!(of("..xx.").pairs.is_some());
    }

    /// Outcomes in runs, as losses come.
    fn outcomes() -> impl Strategy<Value = Vec<bool>> {
        let run = (any::<bool>(), 1usize..30);
        vec(run, 1..40).prop_map(|runs| {
            let runs = runs.into_iter();
            runs.flat_map(|(lost, length)| vec![lost; length]).collect()
        })
    }

    proptest! {
        #[test]
        fn all_figures_are_those_of_the_definitions(outcomes in outcomes()) {
            let series = series(&outcomes);
            let runs: Vec<&[bool]> = outcomes.chunk_by(|a, b| a == b).collect();
            let lost_runs: Vec<usize> = runs.iter().filter(|run| run[0]).map(|run| run.len()).collect();
            let steps = |from: bool, to: bool| {
                outcomes.windows(2).filter(|pair| (pair[0], pair[1]) == (from, to)).count() as f64
            };
            let Some(bursts) = series.bursts() else {
                prop_assert!(lost_runs.is_empty());
                return Ok(());
            };
            prop_assert_eq!(bursts.count, lost_runs.len() as u64);
            prop_assert_eq!(Some(bursts.longest), lost_runs.iter().max().map(|run| *run as u64));
            let mean = lost_runs.iter().sum::<usize>() as f64 / lost_runs.len() as f64;
            prop_assert_eq!(bursts.mean, mean);
            let after_reply = steps(false, false) + steps(false, true);
            let after_loss = steps(true, false) + steps(true, true);
            prop_assert_eq!(bursts.p, (after_reply > 0.0).then(|| steps(false, true) / after_reply));
            prop_assert_eq!(bursts.r, (after_loss > 0.0).then(|| steps(true, false) / after_loss));
        }

        #[test]
        fn correlations_are_those_of_the_definition(outcomes in outcomes(), lag in 1usize..=LAGS) {
            let n = outcomes.len();
            prop_assume!(n > lag);
            let x: Vec<f64> = outcomes.iter().map(|lost| f64::from(*lost)).collect();
            let mean = x.iter().sum::<f64>() / n as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            prop_assume!(variance > 0.0);
            let products = x.windows(lag + 1).map(|window| window[0] * window[lag]).sum::<f64>();
            let exact = (products / (n - lag) as f64 - mean * mean) / variance;
            let got = series(&outcomes).correlation(lag).expect("varies");
            prop_assert!((got - exact).abs() < 1e-9, "{} for {}", got, exact);
        }
    }
}
