//! Against a responder that holds each reply for a programmed time: the kernel stamps
//! the true hold at the responder's own device.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use probe_common::abi::lab::Hold;

use super::{
    distribution::Distribution,
    load::{ProgrammedHold, Rate},
    pairing::{Ways, pair},
    reading::Reading,
    report::Row,
    run,
    tool::{Back, Job, Tool},
};
use crate::lab::{DelayResponder, Family, HoldTimes, Lab};

/// Addresses that a run has to itself: each is asked in turn.
const BLOCK: u16 = 64;
/// Most echoes to one address: each has a sequence number to itself.
const MOST_ECHOES: u32 = 60_000;
/// Enough for the one hop to the responder.
const TTL: &str = "1";

/// All tools at all rates against one hold.
pub(super) struct Held<'a> {
    pub(super) hold: &'a ProgrammedHold,
    pub(super) rates: &'a [Rate],
    pub(super) tools: Vec<Tool>,
    pub(super) round: u32,
    pub(super) sending: Duration,
}

/// One run of a tool.
struct Trial {
    tool: Tool,
    rate: Rate,
    readings: Vec<Reading>,
}

impl Held<'_> {
    /// Measures; who fails is told to `progress`, and left out.
    ///
    /// # Errors
    ///
    /// If the lab cannot be built, or stamps of its own are missing.
    pub(super) fn run(&self, progress: &mut impl FnMut(&str)) -> Result<Vec<Row>> {
        let lab = Lab::chain(0).build()?;
        let responder = DelayResponder::attach(&lab, "vantage", self.hold.time())?;
        responder.take_redirected_frames()?;
        let mut trials = Vec::new();
        for &rate in self.rates {
            for tool in self.tools.iter().filter(|tool| is_able(tool, rate)) {
                progress(&format!("hold {}, {rate}: {tool}", self.hold));
                let block = u16::try_from(trials.len() + 1).context("too many runs")?;
                let readings = self.trial(tool, rate, &lab, &responder, block);
                trials.push(Trial {
                    tool: tool.clone(),
                    rate,
                    readings: readings.unwrap_or_else(|error| {
                        progress(&format!("left out: {error:#}"));
                        Vec::new()
                    }),
                });
            }
        }
        let times = responder.finish()?;
        ensure!(
            times.unpaired == 0 && times.ring_full == 0,
            "the responder's stamps are not complete: {} replies without, {} lost",
            times.unpaired,
            times.ring_full
        );
        Ok(self.evaluate(&trials, &times, progress))
    }

    fn trial(
        &self,
        tool: &Tool,
        rate: Rate,
        lab: &Lab,
        responder: &DelayResponder,
        block: u16,
    ) -> Result<Vec<Reading>> {
        let first = responder.address(Family::V4, block * BLOCK);
        let in_time = self.sending.as_secs_f64() * f64::from(rate.per_second());
        let most = if tool.is_of_one_target() {
            MOST_ECHOES
        } else {
            MOST_ECHOES * u32::from(BLOCK)
        };
        let job = Job {
            address: &first.to_string(),
            network: &format!("{first}/{}", 32 - BLOCK.ilog2()),
            targets: BLOCK.into(),
            rate,
            count: (in_time as u32).clamp(1, most),
            records: true,
            device: "responder",
            gateway_mac: "",
            ttl: TTL,
        };
        run::readings(tool, &job, lab.vantage(), "")
    }

    fn evaluate(
        &self,
        trials: &[Trial],
        times: &HoldTimes,
        progress: &mut impl FnMut(&str),
    ) -> Vec<Row> {
        let mut by_block: HashMap<u16, Vec<Hold>> = HashMap::new();
        for held in &times.holds {
            let [.., high, low] = held.target_low;
            let block = u16::from_be_bytes([high, low]) / BLOCK;
            by_block.entry(block).or_default().push(*held);
        }
        let mut rows = Vec::new();
        for (trial, block) in trials.iter().zip(1..) {
            let holds = by_block.get(&block).map_or(&[][..], Vec::as_slice);
            match self.row(trial, holds) {
                Ok(row) => rows.extend(row),
                Err(error) => progress(&format!("left out: {}: {error:#}", trial.tool)),
            }
        }
        rows
    }

    fn row(&self, trial: &Trial, holds: &[Hold]) -> Result<Option<Row>> {
        if trial.readings.is_empty() {
            return Ok(None);
        }
        let samples = pair(&trial.readings, holds)?;
        let errors: Distribution = samples.iter().map(|sample| sample.error_ns).collect();
        let way = |part: fn(Ways) -> i64| {
            let parts = samples.iter().filter_map(|sample| sample.ways).map(part);
            parts.collect::<Distribution>().percentiles()
        };
        let mut row = Row::of(&trial.tool, trial.rate, &errors)?;
        row.hold = self.hold.to_string();
        row.round = self.round;
        row.answered = holds.len();
        row.arrived_per_second = per_second(holds);
        row.outward_ns = way(|ways| ways.outward_ns);
        row.return_ns = way(|ways| ways.return_ns);
        Ok(Some(row))
    }
}

/// Who asks many targets once has too few of them here.
fn is_able(tool: &Tool, rate: Rate) -> bool {
    match tool {
        Tool::Scamper | Tool::Zmap => false,
        Tool::Probe {
            back: Back::Ping, ..
        } => rate.per_second() <= 10_000,
        _ => tool.can_send_at(rate),
    }
}

/// The rate at which echoes arrived; 0 if there are fewer than two.
fn per_second(holds: &[Hold]) -> f64 {
    let arrivals = || holds.iter().map(|hold| hold.in_ns);
    let (Some(first), Some(last)) = (arrivals().min(), arrivals().max()) else {
        return 0.0;
    };
    if first == last {
        return 0.0;
    }
    (holds.len() - 1) as f64 * 1e9 / (last - first) as f64
}
