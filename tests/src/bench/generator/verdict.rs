//! What the generator is judged by.

use std::fmt;

use serde::Serialize;

use super::{
    case::{Layout, Part},
    report::{Report, Row},
};

/// Share of replies recorded from which on a run counts as one without loss.
pub(super) const LOSSLESS: f64 = 0.9999;

/// What a probe may cost among many targets, times what it costs among few.
const FLAT: f64 = 1.25;

/// One thing that is judged: medians of all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Of what.
    pub what: String,
    /// What was measured.
    pub value: f64,
    /// Its limit.
    pub limit: Limit,
    /// Of both.
    pub unit: &'static str,
}

/// What a value is held against.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// It may not be less.
    AtLeast(f64),
    /// It may not be more.
    AtMost(f64),
}

/// A value of a case, and its limit.
struct Promise {
    case: &'static str,
    what: &'static str,
    value: fn(&Row) -> Option<f64>,
    limit: Limit,
    unit: &'static str,
}

const PROMISES: [Promise; 8] = [
    rate("xdp, 2 cores, batch 16", 2.8),
    p99("xdp, 2 cores, batch 16", 8.0),
    p99("xdp, batch 16", 8.0),
    rate("xdp, parquet", 1.2),
    p99("xdp, batch 1, 100k/s", 1.5),
    rate("xdp, 2 cores, batch 1, 1M/s", 0.99),
    p99("xdp, 2 cores, batch 1, 1M/s", 1.5),
    Promise {
        case: "xdp, 1,048,576 x 20",
        what: "all sent",
        value: |row| Some(row.seconds),
        limit: Limit::AtMost(15.0),
        unit: "s",
    },
];

/// Millions of probes a second, all replies recorded.
const fn rate(case: &'static str, least: f64) -> Promise {
    Promise {
        case,
        what: "probes a second without loss",
        value: |row| (row.recorded_share >= LOSSLESS).then_some(row.probes_per_second / 1e6),
        limit: Limit::AtLeast(least),
        unit: "million/s",
    }
}

/// Round-trip time of an instant answer, microseconds.
const fn p99(case: &'static str, most: f64) -> Promise {
    Promise {
        case,
        what: "p99",
        value: |row| row.told.map(|told| told.first_hop_p99_ns / 1e3),
        limit: Limit::AtMost(most),
        unit: "µs",
    }
}

/// All verdicts on what was measured.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = PROMISES
        .iter()
        .filter_map(|promise| promise.judge(report))
        .collect();
    for (cores, name) in [(1, "one processor"), (2, "two")] {
        verdicts.extend(report.over_zmap(cores).map(|times| Verdict {
            what: format!("best without loss on {name}, beside zmap's"),
            value: times,
            limit: Limit::AtLeast(10.0),
            unit: "times",
        }));
    }
    for (layout, name) in [(Layout::List, "a list"), (Layout::Network, "a network")] {
        verdicts.extend(flatness(report, layout).map(|times| Verdict {
            what: format!("cost of a probe among targets of {name}, most beside least"),
            value: times,
            limit: Limit::AtMost(FLAT),
            unit: "times",
        }));
    }
    verdicts
}

impl Promise {
    /// `None`: the case was not measured. What has no value is worth nothing.
    fn judge(&self, report: &Report) -> Option<Verdict> {
        let rows = report.part(Part::Speed);
        let row = rows.into_iter().find(|row| row.case.name == self.case)?;
        Some(Verdict {
            what: format!("{}: {}", self.case, self.what),
            value: (self.value)(row).unwrap_or(match self.limit {
                Limit::AtLeast(_) => 0.0,
                Limit::AtMost(_) => f64::INFINITY,
            }),
            limit: self.limit,
            unit: self.unit,
        })
    }
}

/// What a probe costs among the number of targets where it costs most, over the least.
fn flatness(report: &Report, layout: Layout) -> Option<f64> {
    let rows = report.part(Part::Targets).into_iter();
    let rates: Vec<f64> = rows
        .filter(|row| row.told.is_some_and(|told| told.layout == layout))
        .map(|row| row.probes_per_second)
        .collect();
    let most = rates.iter().copied().reduce(f64::max)?;
    let least = rates.iter().copied().reduce(f64::min)?;
    (rates.len() > 1).then_some(most / least)
}

impl Verdict {
    fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.value >= least,
            Limit::AtMost(most) => self.value <= most,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_met() { "met" } else { "MISSED" };
        let (bound, limit) = match self.limit {
            Limit::AtLeast(least) => ("at least", least),
            Limit::AtMost(most) => ("at most", most),
        };
        let Self {
            what, value, unit, ..
        } = self;
        write!(f, "{mark:<6}  {what} {value:.2} {unit}, {bound} {limit}")
    }
}
