//! What the benchmark found, as it is written to JSON.

use serde::Serialize;

use super::{
    campaign::{Campaign, Run},
    case::{Case, Layout, Part, Tool},
    verdict::{self, LOSSLESS, Verdict},
};
use crate::bench::{Machine, median::median, sweep::Usage};

/// The benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// What each tool says of its version.
    pub versions: Vec<String>,
    /// How often each case had its turn.
    pub rounds: u32,
    /// In the order of the cases.
    pub rows: Vec<Row>,
    /// What it is judged by.
    pub verdicts: Vec<Verdict>,
}

/// A case: medians over its runs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was run.
    pub case: Case,
    /// Runs that were measured.
    pub runs: usize,
    /// Probes a second: median.
    pub probes_per_second: f64,
    /// Probes a second: least and most.
    pub range_per_second: [f64; 2],
    /// From the first probe to the last, seconds.
    pub seconds: f64,
    /// Replies that the internet sent back.
    pub sent_back: u64,
    /// Replies that the wire to the tool had no room for, in parts of those sent back.
    pub lost_share: f64,
    /// Replies recorded, in parts of those sent back.
    pub recorded_share: f64,
    /// What only `probe` tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Summary>,
    /// What a run cost.
    pub usage: Usage,
}

/// What `probe` tells: medians over its runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// Targets.
    pub targets: u64,
    /// How they lie in the generator's memory.
    pub layout: Layout,
    /// Frames that left together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Processors that sent.
    pub cores: u32,
    /// Probes that were refused behind their stamp.
    pub dropped_after_stamp: u64,
    /// Replies that found their ring full.
    pub ring_full: u64,
    /// Round-trip time at the first TTL: median, nanoseconds.
    pub first_hop_p50_ns: f64,
    /// Round-trip time at the first TTL: 99th percentile, nanoseconds.
    pub first_hop_p99_ns: f64,
}

impl Report {
    /// Sums up.
    pub fn new(campaign: &Campaign, machine: Machine, runs: &[Run]) -> Self {
        let rows = campaign.cases.iter().filter_map(|case| {
            let own: Vec<&Run> = runs.iter().filter(|run| run.case == *case).collect();
            Row::new(case, &own)
        });
        let mut report = Self {
            schema: 2,
            machine,
            versions: campaign.versions(),
            rounds: campaign.rounds,
            rows: rows.collect(),
            verdicts: Vec::new(),
        };
        report.verdicts = verdict::judge(&report);
        report
    }

    /// The generator's best rate, all replies recorded, over zmap's: how many times as
    /// many probes a second, of either with at most one reply of ten thousand lost.
    /// The generator on at most so many processors; zmap with one sender, as with more
    /// it loses replies.
    /// `None`: not enough of both was measured to say what is best.
    pub fn over_zmap(&self, cores: u32) -> Option<f64> {
        let speed = self.part(Part::Speed);
        if speed.iter().filter(|row| row.case.tool.is_zmap()).count() < 2 {
            return None;
        }
        let best = |is_meant: &dyn Fn(&Row) -> bool| {
            let rows = speed.iter().copied();
            rows.filter(|row| row.recorded_share >= LOSSLESS && is_meant(row))
                .map(|row| row.probes_per_second)
                .reduce(f64::max)
        };
        let own = |row: &Row| row.told.is_some_and(|told| told.cores <= cores);
        Some(best(&own)? / best(&|row| row.case.tool.is_zmap())?)
    }

    /// The rows of a part.
    pub fn part(&self, part: Part) -> Vec<&Row> {
        let rows = self.rows.iter();
        rows.filter(|row| row.case.part == part).collect()
    }
}

impl Row {
    /// `None`: it has no runs.
    fn new(case: &Case, runs: &[&Run]) -> Option<Self> {
        let of = |value: fn(&Run) -> f64| runs.iter().map(|run| value(run)).collect::<Vec<f64>>();
        let rates = of(|run| run.probes_per_second);
        Some(Self {
            case: case.clone(),
            runs: runs.len(),
            probes_per_second: median(rates.clone())?,
            range_per_second: [
                rates.iter().copied().reduce(f64::min)?,
                rates.iter().copied().reduce(f64::max)?,
            ],
            seconds: median(of(|run| run.sending.as_secs_f64()))?,
            sent_back: median(of(|run| run.sent_back as f64))? as u64,
            lost_share: median(of(|run| run.lost as f64 / run.sent_back as f64))?,
            recorded_share: median(of(|run| run.recorded as f64 / run.sent_back as f64))?,
            told: Summary::new(case, runs),
            usage: Usage {
                process_cpu_seconds: median(of(|run| run.usage.process_cpu_seconds))?,
                system_cpu_seconds: median(of(|run| run.usage.system_cpu_seconds))?,
                peak_memory_bytes: median(of(|run| run.usage.peak_memory_bytes as f64))? as u64,
            },
        })
    }
}

impl Summary {
    fn new(case: &Case, runs: &[&Run]) -> Option<Self> {
        let Tool::Probe(sweep) = &case.tool else {
            return None;
        };
        let told = || runs.iter().filter_map(|run| run.told.as_ref());
        let first = &told().next()?.sweep;
        let counters = || told().map(|told| &told.counters);
        let hops = || told().filter_map(|told| told.first_hop());
        let p50 = hops().filter_map(|hop| hop.p50_ns);
        let p99 = hops().filter_map(|hop| hop.p99_ns);
        Some(Self {
            targets: first.targets,
            layout: sweep.scope.layout(),
            batch: first.tx_batch,
            cores: first.lanes,
            dropped_after_stamp: middle(counters().map(|of| of.dropped_after_stamp))? as u64,
            ring_full: middle(counters().map(|of| of.ring_full))? as u64,
            first_hop_p50_ns: middle(p50)?,
            first_hop_p99_ns: middle(p99)?,
        })
    }
}

fn middle(values: impl Iterator<Item = u64>) -> Option<f64> {
    median(values.map(|value| value as f64).collect())
}
