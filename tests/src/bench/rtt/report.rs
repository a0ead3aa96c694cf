//! What a benchmark found, as it is written to JSON.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{
    campaign::Campaign,
    distribution::{Distribution, Percentiles},
    load::Rate,
    tool::{Back, RxHook, Tool},
    verdict::{self, Verdict},
};
use crate::bench::Machine;

/// The hold of a wire that answers at once.
pub(super) const INSTANT: &str = "instant";

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
    pub rounds: u32,
    /// The medians of the rounds, in the order of the first.
    pub rows: Vec<Row>,
    /// Every run, in order.
    pub runs: Vec<Row>,
    /// What `probe` is judged by.
    pub verdicts: Vec<Verdict>,
}

/// A tool at a rate against a hold.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The tool's name.
    pub tool: &'static str,
    /// What sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx: Option<&'static str>,
    /// Where it stamps replies, if it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx: Option<&'static str>,
    /// Probes a second, as told to the tool.
    pub rate: u32,
    /// Probes a second, as they arrived.
    pub arrived_per_second: f64,
    /// The programmed hold.
    pub hold: String,
    /// Whether other work kept all processors busy.
    pub loaded: bool,
    /// The round.
    pub round: u32,
    /// Probes that were answered.
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

/// What tells a row from others of its round.
pub(super) type Key<'a> = (
    bool,
    &'a str,
    u32,
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
);

impl Row {
    /// Of a tool that reports these errors.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub(super) fn of(tool: &Tool, rate: Rate, errors: &Distribution) -> Result<Self> {
        let empty = || format!("{tool} at {rate} has no replies");
        let error_ns = errors.percentiles().with_context(empty)?;
        let magnitude_ns = errors.magnitudes().percentiles().with_context(empty)?;
        Ok(Self {
            tx: tool.back().map(Back::name),
            rx: tool.rx().map(RxHook::name),
            magnitude_ns,
            ..Self::instant(tool.name(), rate, error_ns)
        })
    }

    /// Of a wire that answers at once: the round-trip time is the error.
    pub(super) fn instant(tool: &'static str, rate: Rate, rtt_ns: Percentiles) -> Self {
        Self {
            tool,
            tx: None,
            rx: None,
            rate: rate.per_second(),
            arrived_per_second: 0.0,
            hold: INSTANT.to_owned(),
            loaded: false,
            round: 1,
            answered: 0,
            error_ns: rtt_ns,
            magnitude_ns: rtt_ns,
            outward_ns: None,
            return_ns: None,
        }
    }

    /// `probe raw, xdp-native`, `floor generator`, `ping`
    pub fn label(&self) -> String {
        let words: Vec<&str> = [Some(self.tool), self.tx].into_iter().flatten().collect();
        match self.rx {
            Some(rx) => format!("{}, {rx}", words.join(" ")),
            None => words.join(" "),
        }
    }

    pub(super) fn key(&self) -> Key<'_> {
        (
            self.loaded,
            &self.hold,
            self.rate,
            self.tool,
            self.tx,
            self.rx,
        )
    }
}

impl Report {
    /// Sums up.
    pub fn new(campaign: &Campaign, machine: Machine, runs: Vec<Row>) -> Self {
        let mut versions: Vec<String> = Vec::new();
        for tool in campaign.tools(&campaign.hooks) {
            let version = tool.version().unwrap_or_else(|_| tool.to_string());
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        Self {
            schema: 2,
            machine,
            versions,
            rounds: campaign.rounds,
            rows: medians(&runs),
            verdicts: verdict::judge(&runs),
            runs,
        }
    }
}

/// Of the rounds of each row.
fn medians(runs: &[Row]) -> Vec<Row> {
    let mut rounds: BTreeMap<Key<'_>, Vec<&Row>> = BTreeMap::new();
    for run in runs {
        rounds.entry(run.key()).or_default().push(run);
    }
    let mut rows: Vec<Row> = Vec::new();
    for run in runs {
        if rows.iter().any(|row| row.key() == run.key()) {
            continue;
        }
        let own = rounds.get(&run.key()).map_or(&[][..], Vec::as_slice);
        let of = |part: fn(&Row) -> Percentiles| {
            Percentiles::median(&own.iter().map(|row| part(row)).collect::<Vec<_>>())
        };
        rows.push(Row {
            error_ns: of(|row| row.error_ns).unwrap_or(run.error_ns),
            magnitude_ns: of(|row| row.magnitude_ns).unwrap_or(run.magnitude_ns),
            answered: own.iter().map(|row| row.answered).sum::<usize>() / own.len().max(1),
            ..run.clone()
        });
    }
    rows
}
