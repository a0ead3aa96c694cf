//! How often the interval of a loss ratio holds the chance that losses were drawn with.

use crate::engine::series::Series;

const RUNS: u64 = 200;
/// Probes of a run: less than three hours at one a second.
const PROBES: u32 = 10_000;
/// Of 200 intervals of 95 %, fewer than 180 hold it once in some 860 times.
const LEAST: u64 = 180;

/// How losses are drawn: two states (Gilbert, 1960; Elliott, 1963), the bad one of
/// which loses a share of the probes.
#[derive(Clone, Copy, Debug)]
struct Losses {
    /// Share of probes that meet the bad state.
    bad: f64,
    /// Probes that the bad state lasts for, on average.
    length: f64,
    /// Share that it loses.
    lossy: f64,
}

impl Losses {
    /// Each probe for itself.
    const fn independent(chance: f64) -> Self {
        Self {
            bad: 1.0,
            length: f64::INFINITY,
            lossy: chance,
        }
    }

    /// Runs of so many losses on average.
    const fn bursts(chance: f64, length: f64) -> Self {
        Self {
            bad: chance,
            length,
            lossy: 1.0,
        }
    }

    fn chance(&self) -> f64 {
        self.bad * self.lossy
    }

    fn draw(&self, seed: u64) -> Series {
        let mut rng = fastrand::Rng::with_seed(seed);
        let end = 1.0 / self.length;
        let begin = end * self.bad / (1.0 - self.bad);
        let mut bad = rng.f64() < self.bad;
        let mut series = Series::default();
        for _ in 0..PROBES {
            series.record(bad && rng.f64() < self.lossy);
            let turns = if bad { end } else { begin };
            if rng.f64() < turns {
                bad = !bad;
            }
        }
        series
    }
}

/// The interval of independent probes (Wilson, 1927), for comparison.
fn wilson(series: &Series) -> [f64; 2] {
    let (n, z) = (series.probes() as f64, 1.96f64);
    let share = series.lost() as f64 / n;
    let centre = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    let low = if share > 0.0 { centre - half } else { 0.0 };
    [low / scale, (centre + half) / scale]
}

#[test]
fn intervals_hold_the_true_chance_as_often_as_they_say() {
    let mut all: Vec<Losses> = [0.0, 0.001, 0.01, 0.2].map(Losses::independent).into();
    for length in [5.0, 10.0, 20.0] {
        all.extend([0.01, 0.05, 0.2].map(|chance| Losses::bursts(chance, length)));
    }
    // The bad state loses half of the probes: no two states of loss alone.
    all.push(Losses {
        lossy: 0.5,
        ..Losses::bursts(0.1, 20.0)
    });
    println!("chance  burst  lossy  covered  of Wilson's  mean width");
    for losses in all {
        let (mut covered, mut by_wilson, mut width) = (0, 0, 0.0);
        for seed in 0..RUNS {
            let series = losses.draw(seed);
            let [low, high] = series.interval().expect("probes");
            let holds = |low: f64, high: f64| (low..=high).contains(&losses.chance());
            covered += u64::from(holds(low, high));
            let [wilson_low, wilson_high] = wilson(&series);
            by_wilson += u64::from(holds(wilson_low, wilson_high));
            width += (high - low) / RUNS as f64;
        }
        println!(
            "{:>6.3}  {:>5.0}  {:>5.1}  {:>6.1} %  {:>9.1} %  {width:.5}",
            losses.chance(),
            losses.length,
            losses.lossy,
            covered as f64 / RUNS as f64 * 100.0,
            by_wilson as f64 / RUNS as f64 * 100.0,
        );
        assert!(covered >= LEAST, "{covered} of {RUNS}: {losses:?}");
    }
}

#[test]
fn independent_losses_cost_no_width() {
    let series = Losses::independent(0.2).draw(1);
    let [low, high] = series.interval().expect("probes");
    let [wilson_low, wilson_high] = wilson(&series);
    let ratio = (high - low) / (wilson_high - wilson_low);
    assert!((0.9..1.15).contains(&ratio), "{ratio}");
}

#[test]
fn p_and_r_are_those_that_losses_were_drawn_with() {
    let bursts = Losses::bursts(0.2, 8.0).draw(3).bursts().expect("loss");
    let (p, r) = (bursts.p.expect("replies"), bursts.r.expect("losses"));
    // Of about 250 bursts: within three standard errors.
    assert!((r - 0.125).abs() < 0.125 * 0.2, "{r}");
    assert!((p - 0.031_25).abs() < 0.031_25 * 0.2, "{p}");
    assert!((bursts.mean - 8.0).abs() < 8.0 * 0.2, "{}", bursts.mean);
}

/// Against `loss-interval.py`, which has the outcomes themselves.
#[test]
fn intervals_are_those_of_another_computation() {
    let golden = include_str!("../../../../tests/golden/loss-interval.txt");
    assert_eq!(golden.lines().count(), 20);
    for line in golden.lines() {
        let [low, high, outcomes] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let mut series = Series::default();
        outcomes.chars().for_each(|c| series.record(c == 'x'));
        let got = series.interval().expect("probes");
        for (got, exact) in got.iter().zip([low, high]) {
            let exact: f64 = exact.parse().expect("a number");
            assert!((got - exact).abs() < 1e-9, "{got} for {exact}: {outcomes}");
        }
    }
}

#[test]
fn the_bounds_of_nothing_and_of_everything() {
    let of = |lost: bool, probes: u32| {
        let mut series = Series::default();
        (0..probes).for_each(|_| series.record(lost));
        series.interval()
    };
    assert_eq!(of(true, 0), None);
    // z² / (n + z²)
    let none = of(false, 1_000).expect("probes");
    assert_eq!(none[0], 0.0);
    assert!((none[1] - 0.003_826_8).abs() < 1e-6, "{none:?}");
    let all = of(true, 1_000).expect("probes");
    assert_eq!(all[1], 1.0);
    assert!((all[0] - 0.996_173_2).abs() < 1e-6, "{all:?}");
}
