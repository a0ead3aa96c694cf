//! On a wire that answers at once: the simulated internet. All that is reported beyond
//! the floor is the tool's own.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use probe_common::{
    abi::lab::PASS_ALL,
    lab::{Count, Internet},
};
use serde::Deserialize;

use super::{
    distribution::{Distribution, Percentiles},
    floor::{Floor, Sender},
    load::Rate,
    report::Row,
    run,
    tool::{Back, Job, METADATA, Tool, internet_gateway},
};
use crate::lab::{InternetLab, truth};

/// Every target answers, and once.
const INTERNET: Internet = Internet {
    dead: 0,
    ..Internet::DEFAULT
};
/// Where the targets are.
const NETWORK: &str = "10.0.0.0/12";
const TARGETS: u32 = 1 << 20;
/// Most probes of a run.
const MOST: u32 = 2_000_000;
/// Beyond the furthest target.
const TTL: &str = "30";

/// All tools at all rates.
pub(super) struct Instant<'a> {
    pub(super) rates: &'a [Rate],
    pub(super) tools: Vec<Tool>,
    pub(super) round: u32,
    pub(super) sending: Duration,
    pub(super) floors: bool,
}

/// The part of the metadata that matters.
#[derive(Deserialize)]
struct Told {
    sent: u64,
    sent_rate: f64,
    sweep: Section,
}

#[derive(Deserialize)]
struct Section {
    hops: Vec<Hop>,
}

/// Of the one TTL of a ping; known to 3 %.
#[derive(Deserialize)]
struct Hop {
    answered: usize,
    p1_ns: i64,
    p50_ns: i64,
    p90_ns: i64,
    p99_ns: i64,
    p999_ns: i64,
    max_ns: i64,
}

impl Instant<'_> {
    /// Measures; who fails is told to `progress`, and left out.
    pub(super) fn run(&self, progress: &mut impl FnMut(&str)) -> Vec<Row> {
        let mut rows = Vec::new();
        for &rate in self.rates {
            for sender in [Sender::Socket, Sender::Generator] {
                if self.floors {
                    progress(&format!("instant answers, {rate}: floor, {sender:?}"));
                    rows.extend(told(self.floor(sender, rate), progress));
                }
            }
            for tool in self.tools.iter().filter(|tool| tool.can_send_at(rate)) {
                progress(&format!("instant answers, {rate}: {tool}"));
                rows.extend(told(self.tool(tool, rate), progress));
            }
        }
        rows
    }

    fn floor(&self, sender: Sender, rate: Rate) -> Result<Row> {
        let lab = InternetLab::build(INTERNET)?;
        let floor = Floor::measure(&lab, sender, rate, self.sending)?;
        let rtts: Distribution = floor.rtts_ns.into_iter().collect();
        let percentiles = rtts.percentiles().context("no packet came back")?;
        let mut row = Row::instant("floor", rate, percentiles);
        row.tx = Some(match sender {
            Sender::Socket => Back::Raw.name(),
            Sender::Generator => Back::Generator.name(),
        });
        row.round = self.round;
        row.answered = floor.sent as usize;
        row.arrived_per_second = floor.per_second;
        Ok(row)
    }

    fn tool(&self, tool: &Tool, rate: Rate) -> Result<Row> {
        let lab = InternetLab::build(INTERNET)?;
        let guard = tool
            .needs_guard()
            .then(|| lab.guard(PASS_ALL))
            .transpose()?;
        let count = (self.sending.as_secs_f64() * f64::from(rate.per_second())) as u32;
        let count = count.clamp(1, MOST);
        let in_sweep = matches!(tool.back(), Some(Back::Raw | Back::Generator));
        let targets: Vec<_> = truth::targets_v4(&INTERNET, if in_sweep { 1 } else { count })
            .map(|target| target.to_string())
            .collect();
        let job = Job {
            address: targets.first().context("no target")?,
            network: NETWORK,
            targets: TARGETS,
            rate,
            count,
            records: false,
            device: InternetLab::DEVICE,
            gateway_mac: &internet_gateway(),
            ttl: TTL,
        };
        let mut row = if in_sweep {
            of_sweep(tool, &job, &lab)?
        } else {
            of_peer(tool, &job, &lab, &targets.join("\n"))?
        };
        drop(guard);
        row.round = self.round;
        Ok(row)
    }
}

/// A sweep tells percentiles in its metadata: records of a million replies a second
/// would be further work for the processors that it needs.
fn of_sweep(tool: &Tool, job: &Job<'_>, lab: &InternetLab) -> Result<Row> {
    let directory = tempfile::tempdir()?;
    run::run(tool, job, lab.vantage(), directory.path(), "")?;
    let text = std::fs::read_to_string(directory.path().join(METADATA)).context("no metadata")?;
    let told: Told = serde_json::from_str(&text).context("metadata of another form")?;
    let hop = told.sweep.hops.first().context("no reply")?;
    let percentiles = Percentiles {
        count: hop.answered,
        p1: hop.p1_ns,
        p50: hop.p50_ns,
        p90: hop.p90_ns,
        p99: hop.p99_ns,
        p999: hop.p999_ns,
        max: hop.max_ns,
    };
    let mut row = Row::instant(tool.name(), job.rate, percentiles);
    row.tx = tool.back().map(Back::name);
    row.rx = tool.rx().map(super::RxHook::name);
    row.answered = told.sent as usize;
    row.arrived_per_second = told.sent_rate;
    Ok(row)
}

fn of_peer(tool: &Tool, job: &Job<'_>, lab: &InternetLab, targets: &str) -> Result<Row> {
    let begun = std::time::Instant::now();
    let readings = run::readings(tool, job, lab.vantage(), targets)?;
    let seconds = begun.elapsed().as_secs_f64();
    let probes = lab.traffic()?.get(Count::Probes);
    ensure!(probes > 0, "no probe came");
    let errors: Distribution = readings.iter().map(|reading| reading.rtt_ns).collect();
    let mut row = Row::of(tool, job.rate, &errors)?;
    row.answered = probes as usize;
    // From its start to its end.
    row.arrived_per_second = probes as f64 / seconds;
    Ok(row)
}

fn told(row: Result<Row>, progress: &mut impl FnMut(&str)) -> Option<Row> {
    row.inspect_err(|error| progress(&format!("left out: {error:#}")))
        .ok()
}
