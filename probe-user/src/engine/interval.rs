//! How sure a loss ratio is: a 95 % interval that allows for bursts.
//!
//! Losses come in bursts, and probes of one burst tell little more than one probe.
//! So the interval is not that of a share of independent probes: it is that of the
//! odds p / r of a chain of two states (Gilbert, 1960), put together from the
//! intervals of p and r (Wilson, 1927) by the method of variance estimates recovery
//! (Zou and Donner, 2008), on a logarithmic scale. For independent losses that comes
//! to Wilson's own. Where loss persists for longer than such a chain would have it, the
//! interval is wider by the root of what the correlations at all lags make of the
//! effective number of probes, against what the chain makes of it.
//!
//! What no burst has shown, nothing can tell: without any loss, probes are taken as
//! independent, and with few bursts (less than some ten) it covers less than it says.

use super::series::Series;

/// 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_985;

/// The interval of a series; `None` without a probe.
pub(super) fn of(series: &Series) -> Option<[f64; 2]> {
    let (lost, probes) = (series.lost(), series.probes());
    if probes == 0 {
        return None;
    }
    if lost == 0 || lost == probes {
        return Some(wilson(lost, probes));
    }
    let chain = series.chain();
    let (p, [p_low, p_high]) = chance(chain.into_loss);
    let (r, [r_low, r_high]) = chance(chain.out_of_loss);
    let width = persistence(series, 1.0 - p - r).sqrt();
    let distance = |a: f64, b: f64| width * a.hypot(b);
    let centre = (p / r).ln();
    let low = centre - distance((p / p_low).ln(), (r_high / r).ln());
    let high = centre + distance((p_high / p).ln(), (r / r_low).ln());
    let ratio = lost as f64 / probes as f64;
    Some([of_odds(low).min(ratio), of_odds(high).max(ratio)])
}

/// A share and its interval. Both states occur, so each is left and entered at least
/// once in the long run: a share of nothing is taken as one in as many as there are.
fn chance((part, whole): (u64, u64)) -> (f64, [f64; 2]) {
    let (part, whole) = (part.max(1), whole.max(1));
    (part as f64 / whole as f64, wilson(part, whole))
}

/// Score interval of a share (Wilson, 1927).
fn wilson(part: u64, whole: u64) -> [f64; 2] {
    let n = whole as f64;
    let share = part as f64 / n;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if part == 0 {
        0.0
    } else {
        (centre - half) / scale
    };
    let high = if part == whole {
        1.0
    } else {
        (centre + half) / scale
    };
    [low, high]
}

/// How many times fewer independent probes the series stands for than a chain whose
/// consecutive outcomes are correlated by `consecutive` would.
fn persistence(series: &Series, consecutive: f64) -> f64 {
    let noise = 2.0 / (series.probes() as f64).sqrt();
    let farthest = usize::try_from(series.probes() / 10).unwrap_or(usize::MAX);
    let lags = (1..=farthest).map_while(|lag| series.correlation(lag));
    let sum: f64 = lags.take_while(|correlation| *correlation >= noise).sum();
    let of_chain = (1.0 + consecutive) / (1.0 - consecutive);
    ((1.0 + 2.0 * sum) / of_chain).max(1.0)
}

fn of_odds(logarithm: f64) -> f64 {
    1.0 / (1.0 + (-logarithm).exp())
}
