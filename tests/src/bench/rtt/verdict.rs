//! What `probe` is judged by, and whether it holds in every round.

use serde::Serialize;

use super::report::{INSTANT, Row};

/// How far a median may be above the floor's, nanoseconds.
const ABOVE_FLOOR_NS: i64 = 300;
/// How many times the floor's a 99th percentile may be, in tenths.
const FLOORS: i64 = 15;
/// Rates that are held against the floor, of sockets and of the generator.
const RAW_RATES: [u32; 2] = [1_000, 100_000];
const GENERATOR_RATES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Rates at which the generator's 99th percentile is bounded by itself, and the bound.
const FAST_RATES: [u32; 2] = [100_000, 1_000_000];
const FAST_P99_NS: i64 = 1_500;
/// Against known holds: median and 99th percentile.
const HELD_MEDIAN_NS: i64 = 3_000;
const HELD_P99_NS: i64 = 15_000;
/// Under load: 99th percentile.
const LOADED_P99_NS: i64 = 25_000;

/// One thing that is judged.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Of what.
    pub what: String,
    /// The value that was furthest above its limit, over all runs, nanoseconds.
    pub value_ns: i64,
    /// Its limit, nanoseconds.
    pub limit_ns: i64,
    /// Runs (of each hold and round) in which it held.
    pub met: usize,
    /// Runs.
    pub runs: usize,
}

/// All verdicts on rows of all rounds.
pub(super) fn judge(rows: &[Row]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (back, rates) in [("raw", &RAW_RATES[..]), ("generator", &GENERATOR_RATES)] {
        for &rate in rates {
            verdicts.extend(against_floor(rows, back, rate));
        }
    }
    for rate in FAST_RATES {
        let own = |row: &&Row| is_native(row, "generator") && is_instant(row, rate);
        let values = rows
            .iter()
            .filter(own)
            .map(|row| (row.magnitude_ns.p99, FAST_P99_NS));
        let what = format!("generator at {rate}/s, one by one: p99");
        verdicts.extend(verdict(what, values));
    }
    for back in ["ping", "raw", "generator"] {
        verdicts.extend(held(rows, back));
    }
    verdicts
}

fn against_floor(rows: &[Row], back: &str, rate: u32) -> Vec<Verdict> {
    let floor_of = |row: &Row| {
        rows.iter().find(|floor| {
            floor.tool == "floor"
                && floor.tx == Some(back)
                && floor.round == row.round
                && is_instant(floor, rate)
        })
    };
    let own = |row: &&Row| is_native(row, back) && is_instant(row, rate);
    let pairs: Vec<(&Row, &Row)> = rows
        .iter()
        .filter(own)
        .filter_map(|row| Some((row, floor_of(row)?)))
        .collect();
    let of =
        |part: fn(&Row, &Row) -> (i64, i64)| pairs.iter().map(move |(row, floor)| part(row, floor));
    let medians = of(|row, floor| {
        let limit = floor.magnitude_ns.p50 + ABOVE_FLOOR_NS;
        (row.magnitude_ns.p50, limit)
    });
    let tails = of(|row, floor| (row.magnitude_ns.p99, floor.magnitude_ns.p99 * FLOORS / 10));
    [
        verdict(
            format!("{back} at {rate}/s, floor + 0.3 µs: median"),
            medians,
        ),
        verdict(
            format!("{back} at {rate}/s, 1.5 times the floor: p99"),
            tails,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Against known holds: at each rate, the worst of them.
fn held(rows: &[Row], back: &str) -> Vec<Verdict> {
    let own = |row: &&Row| is_native(row, back) && row.hold != INSTANT;
    let mut rates: Vec<(bool, u32)> = rows
        .iter()
        .filter(own)
        .map(|row| (row.loaded, row.rate))
        .collect();
    rates.sort_unstable();
    rates.dedup();
    let mut verdicts = Vec::new();
    for (loaded, rate) in rates {
        let values = |part: fn(&Row) -> i64, limit: i64| {
            rows.iter()
                .filter(own)
                .filter(|row| (row.loaded, row.rate) == (loaded, rate))
                .map(move |row| (part(row), limit))
        };
        let p99: fn(&Row) -> i64 = |row| row.magnitude_ns.p99;
        if loaded {
            let what = format!("{back} at {rate}/s, processors busy: p99 |error|");
            verdicts.extend(verdict(what, values(p99, LOADED_P99_NS)));
            continue;
        }
        let what = format!("{back} at {rate}/s, any hold: median |error|");
        verdicts.extend(verdict(
            what,
            values(|row| row.magnitude_ns.p50, HELD_MEDIAN_NS),
        ));
        let what = format!("{back} at {rate}/s, any hold: p99 |error|");
        verdicts.extend(verdict(what, values(p99, HELD_P99_NS)));
    }
    verdicts
}

/// `None`: it was not measured.
fn verdict(what: String, values: impl Iterator<Item = (i64, i64)>) -> Option<Verdict> {
    let values: Vec<(i64, i64)> = values.collect();
    let &(value_ns, limit_ns) = values.iter().max_by_key(|(value, limit)| value - limit)?;
    Some(Verdict {
        what,
        value_ns,
        limit_ns,
        met: values
            .iter()
            .filter(|(value, limit)| value <= limit)
            .count(),
        runs: values.len(),
    })
}

fn is_native(row: &Row, back: &str) -> bool {
    row.tool == "probe" && row.tx == Some(back) && row.rx == Some("xdp-native")
}

fn is_instant(row: &Row, rate: u32) -> bool {
    row.hold == INSTANT && row.rate == rate && !row.loaded
}
