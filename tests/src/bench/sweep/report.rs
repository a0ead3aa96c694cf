//! What a benchmark found, as it is written to JSON.

use probe_common::lab::Count;
use serde::Serialize;

use super::{
    campaign::{Campaign, Run},
    contender::{Contender, Job},
    usage::Usage,
};
use crate::bench::{Machine, median::median};

/// A benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// What each tool says of its version.
    pub versions: Vec<String>,
    /// How often each contender had its turn.
    pub rounds: u32,
    /// How long each was to send, seconds.
    pub seconds: f64,
    /// The targets.
    pub network: String,
    /// In the order of the contenders.
    pub rows: Vec<Row>,
}

/// A contender: medians over its runs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was asked.
    pub job: Job,
    /// Its name and how it was used.
    pub name: String,
    /// Who.
    pub contender: Contender,
    /// Runs that were measured.
    pub runs: usize,
    /// Probes that came to the internet.
    pub probes: u64,
    /// Probes a second: median.
    pub probes_per_second: f64,
    /// Probes a second: least and most.
    pub range_per_second: [f64; 2],
    /// Replies that the internet sent back.
    pub sent_back: u64,
    /// Replies that the wire to the tool had no room for, in parts of those sent back.
    pub lost_share: f64,
    /// Replies recorded, in parts of those sent back; absent: none are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_share: Option<f64>,
    /// What a run cost.
    pub usage: Usage,
    /// Processor time of the whole system for a probe, nanoseconds.
    pub system_cpu_ns_per_probe: f64,
}

impl Report {
    /// Sums up.
    pub fn new(campaign: &Campaign, machine: Machine, runs: &[Run]) -> Self {
        let mut versions = Vec::new();
        for contender in &campaign.contenders {
            let version = contender.version(&campaign.probe);
            versions.extend(version.filter(|version| !versions.contains(version)));
        }
        let rows = campaign.contenders.iter().filter_map(|contender| {
            let own: Vec<&Run> = runs
                .iter()
                .filter(|run| run.contender == *contender)
                .collect();
            Row::new(contender, &own)
        });
        Self {
            schema: 1,
            machine,
            versions,
            rounds: campaign.rounds,
            seconds: campaign.sending.as_secs_f64(),
            network: campaign.network.clone(),
            rows: rows.collect(),
        }
    }
}

impl Row {
    /// `None`: it has no runs.
    fn new(contender: &Contender, runs: &[&Run]) -> Option<Self> {
        let of = |value: fn(&Run) -> f64| runs.iter().map(|run| value(run)).collect::<Vec<f64>>();
        let rates = of(|run| run.probes_per_second);
        let shares: Vec<f64> = runs
            .iter()
            .filter_map(|run| Some(run.recorded? as f64 / run.traffic.sent_back() as f64))
            .collect();
        let probes = |run: &Run| run.traffic.get(Count::Probes) as f64;
        Some(Self {
            job: contender.job(),
            name: contender.to_string(),
            contender: contender.clone(),
            runs: runs.len(),
            probes: median(of(probes))? as u64,
            probes_per_second: median(rates.clone())?,
            range_per_second: [
                rates.iter().copied().reduce(f64::min)?,
                rates.iter().copied().reduce(f64::max)?,
            ],
            sent_back: median(of(|run| run.traffic.sent_back() as f64))? as u64,
            lost_share: median(of(|run| run.lost as f64 / run.traffic.sent_back() as f64))?,
            recorded_share: median(shares),
            usage: Usage {
                process_cpu_seconds: median(of(|run| run.usage.process_cpu_seconds))?,
                system_cpu_seconds: median(of(|run| run.usage.system_cpu_seconds))?,
                peak_memory_bytes: median(of(|run| run.usage.peak_memory_bytes as f64))? as u64,
            },
            system_cpu_ns_per_probe: median(of(|run| {
                let probes = run.traffic.get(Count::Probes) as f64;
                run.usage.system_cpu_seconds * 1e9 / probes
            }))?,
        })
    }
}
