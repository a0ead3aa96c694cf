//! What a benchmark found, as it is written to JSON, and what it is judged by.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{
    campaign::{Campaign, Measurement},
    distribution::{Distribution, Percentiles},
    pairing::Ways,
};
use crate::bench::Machine;

/// The rate that is judged, probes a second.
pub(crate) const JUDGED_RATE: u32 = 1_000;
/// Allowed median of the magnitude of the error, nanoseconds.
pub(crate) const MEDIAN_LIMIT_NS: i64 = 3_000;
/// Allowed 99th percentile of the magnitude of the error, nanoseconds.
pub(crate) const P99_LIMIT_NS: i64 = 25_000;

/// A benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// What each tool says of its version.
    pub versions: Vec<String>,
    /// How often each tool had its turn.
    pub repetitions: u32,
    /// By hold, rate and tool, in the order in which they were given.
    pub rows: Vec<Row>,
    /// On `probe`, one for each hook.
    pub verdicts: Vec<Verdict>,
}

/// A tool at a rate against a hold.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The tool's name.
    pub tool: &'static str,
    /// Where it stamps replies, if it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx: Option<&'static str>,
    /// Probes a second, as told to the tool.
    pub rate: u32,
    /// Probes a second, as they arrived.
    pub arrived_per_second: f64,
    /// The programmed hold.
    pub hold: String,
    /// Probes that the responder answered.
    pub answered: usize,
    /// Round-trip time that the tool reports minus true hold, nanoseconds.
    pub error_ns: Percentiles,
    /// The same without its sign, nanoseconds.
    pub magnitude_ns: Percentiles,
    /// The part of the error before the responder's stamp, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outward_ns: Option<Percentiles>,
    /// The part of the error after the responder's stamp, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_ns: Option<Percentiles>,
}

/// How `probe` did at the judged rate, at its worst over all holds.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Where replies were stamped.
    pub rx: &'static str,
    /// Greatest median of the magnitude of the error, nanoseconds.
    pub median_ns: i64,
    /// The hold that has it.
    pub median_hold: String,
    /// Greatest 99th percentile of the magnitude of the error, nanoseconds.
    pub p99_ns: i64,
    /// The hold that has it.
    pub p99_hold: String,
    /// Whether both are within their limits.
    pub met: bool,
}

impl Report {
    /// Sums up.
    ///
    /// # Errors
    ///
    /// If a tool does not tell its version or a measurement is empty.
    pub fn new(
        campaign: &Campaign,
        machine: Machine,
        measurements: &[Measurement],
    ) -> Result<Self> {
        let mut versions: Vec<String> = Vec::new();
        for tool in &campaign.tools {
            let version = tool.version()?;
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        let rows: Vec<Row> = measurements.iter().map(Row::new).collect::<Result<_>>()?;
        let verdicts = campaign
            .tools
            .iter()
            .filter_map(|tool| Verdict::new(tool.rx()?.name(), &rows))
            .collect();
        Ok(Self {
            schema: 1,
            machine,
            versions,
            repetitions: campaign.repetitions,
            rows,
            verdicts,
        })
    }
}

impl Row {
    fn new(measurement: &Measurement) -> Result<Self> {
        let samples = &measurement.samples;
        let errors: Distribution = samples.iter().map(|sample| sample.error_ns).collect();
        let way = |part: fn(Ways) -> i64| {
            let parts = samples.iter().filter_map(|sample| sample.ways).map(part);
            parts.collect::<Distribution>().percentiles()
        };
        let tool = &measurement.tool;
        let empty = || format!("{tool} at {} has no replies", measurement.rate);
        Ok(Self {
            tool: tool.name(),
            rx: tool.rx().map(super::RxHook::name),
            rate: measurement.rate.per_second(),
            arrived_per_second: measurement.arrived_per_second,
            hold: measurement.hold.to_string(),
            answered: measurement.answered,
            error_ns: errors.percentiles().with_context(empty)?,
            magnitude_ns: errors.magnitudes().percentiles().with_context(empty)?,
            outward_ns: way(|ways| ways.outward_ns),
            return_ns: way(|ways| ways.return_ns),
        })
    }

    /// `probe xdp-native`, `ping`
    pub fn label(&self) -> String {
        match self.rx {
            Some(rx) => format!("{} {rx}", self.tool),
            None => self.tool.to_owned(),
        }
    }
}

impl Verdict {
    /// `None` if the judged rate was not measured.
    fn new(rx: &'static str, rows: &[Row]) -> Option<Self> {
        let judged = || {
            rows.iter()
                .filter(|row| row.rx == Some(rx) && row.rate == JUDGED_RATE)
        };
        let median = judged().max_by_key(|row| row.magnitude_ns.p50)?;
        let p99 = judged().max_by_key(|row| row.magnitude_ns.p99)?;
        let (median_ns, p99_ns) = (median.magnitude_ns.p50, p99.magnitude_ns.p99);
        Some(Self {
            rx,
            median_ns,
            median_hold: median.hold.clone(),
            p99_ns,
            p99_hold: p99.hold.clone(),
            met: median_ns <= MEDIAN_LIMIT_NS && p99_ns <= P99_LIMIT_NS,
        })
    }
}
