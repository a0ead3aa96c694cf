//! The measuring: every tool at every rate against every hold, in turns.

use std::{
    collections::HashMap,
    io::{Read as _, Seek as _},
    net::IpAddr,
    process::{Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use probe_common::{Address, abi::lab::Hold};

use super::{
    load::{ProgrammedHold, Rate},
    pairing::{Sample, pair},
    reading::Reading,
    tool::Tool,
};
use crate::lab::{DelayResponder, Family, HoldTimes, Lab};

/// What a run of a tool may take beyond its sending: start, last reply, end.
const OVERHEAD: Duration = Duration::from_secs(10);
/// Exit code of timeout(1) if the time was up.
const TIMED_OUT: i32 = 124;
/// Most echoes of one run: each has a sequence number to itself.
const MOST_ECHOES: u32 = 60_000;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The tools, in the order of the report.
    pub tools: Vec<Tool>,
    /// Probes a second.
    pub rates: Vec<Rate>,
    /// How long replies are held.
    pub holds: Vec<ProgrammedHold>,
    /// How often each tool has its turn.
    pub repetitions: u32,
    /// Most probes for each tool, rate and hold, over all repetitions.
    pub count: u32,
    /// Longest time to send them in, over all repetitions.
    pub sending: Duration,
}

/// The errors of a tool at a rate against a hold.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The tool.
    pub tool: Tool,
    /// Probes a second, as told to the tool.
    pub rate: Rate,
    /// Probes a second, as they arrived: the mean of the repetitions.
    pub arrived_per_second: f64,
    /// The hold.
    pub hold: ProgrammedHold,
    /// Probes that the responder answered.
    pub answered: usize,
    /// One for each reply that the tool reports.
    pub samples: Vec<Sample>,
}

/// One run of a tool.
struct Trial<'a> {
    tool: &'a Tool,
    rate: Rate,
    count: u32,
    /// Nothing else probes it.
    address: IpAddr,
    readings: Vec<Reading>,
}

impl Campaign {
    /// Measures; `progress` hears of each round of the tools before it begins.
    ///
    /// # Errors
    ///
    /// If the lab cannot be built, a tool fails or does not answer, or stamps are
    /// missing.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Result<Vec<Measurement>> {
        let mut measurements = Vec::new();
        for hold in &self.holds {
            let lab = Lab::chain(0).build()?;
            let responder = DelayResponder::attach(&lab, "vantage", hold.time())?;
            let trials = self.trials(&lab, &responder, hold, &mut progress)?;
            let times = responder.finish()?;
            ensure!(
                times.unpaired == 0 && times.ring_full == 0,
                "the responder's stamps are not complete: {} replies without, {} lost",
                times.unpaired,
                times.ring_full
            );
            measurements.extend(self.evaluate(hold, &trials, &times)?);
        }
        Ok(measurements)
    }

    fn trials(
        &self,
        lab: &Lab,
        responder: &DelayResponder,
        hold: &ProgrammedHold,
        progress: &mut impl FnMut(&str),
    ) -> Result<Vec<Trial<'_>>> {
        let mut trials = Vec::new();
        for &rate in &self.rates {
            for repetition in 0..self.repetitions {
                let round = repetition + 1;
                progress(&format!(
                    "hold {hold}, {rate}: round {round} of {}",
                    self.repetitions
                ));
                for tool in self.in_turn(repetition, rate) {
                    let host = u16::try_from(trials.len() + 1).context("too many runs")?;
                    let mut trial = Trial {
                        tool,
                        rate,
                        count: self.count_at(rate),
                        address: responder.address(Family::V4, host),
                        readings: Vec::new(),
                    };
                    trial.run(lab)?;
                    trials.push(trial);
                }
            }
        }
        Ok(trials)
    }

    /// The tools that can send at a rate; each round begins with another.
    fn in_turn(&self, repetition: u32, rate: Rate) -> Vec<&Tool> {
        let able = |tool: &&Tool| tool.can_send_at(rate);
        let mut tools: Vec<&Tool> = self.tools.iter().filter(able).collect();
        let first = repetition as usize % tools.len().max(1);
        tools.rotate_left(first);
        tools
    }

    /// Probes of one run.
    fn count_at(&self, rate: Rate) -> u32 {
        let in_time = self.sending.as_secs_f64() * f64::from(rate.per_second());
        let total = self.count.min(in_time as u32);
        (total / self.repetitions.max(1)).clamp(1, MOST_ECHOES)
    }

    fn evaluate(
        &self,
        hold: &ProgrammedHold,
        trials: &[Trial<'_>],
        times: &HoldTimes,
    ) -> Result<Vec<Measurement>> {
        let mut by_target: HashMap<[u8; 8], Vec<Hold>> = HashMap::new();
        for held in &times.holds {
            by_target.entry(held.target_low).or_default().push(*held);
        }
        let mut measurements = Vec::new();
        for &rate in &self.rates {
            for tool in self.tools.iter().filter(|tool| tool.can_send_at(rate)) {
                let mut measurement = Measurement {
                    tool: tool.clone(),
                    rate,
                    arrived_per_second: 0.0,
                    hold: hold.clone(),
                    answered: 0,
                    samples: Vec::new(),
                };
                let own = |trial: &&Trial<'_>| trial.tool == tool && trial.rate == rate;
                for trial in trials.iter().filter(own) {
                    let holds = by_target
                        .get(&low_half(trial.address))
                        .map_or(&[][..], Vec::as_slice);
                    let samples = pair(&trial.readings, holds);
                    let samples = samples
                        .with_context(|| format!("{tool}, hold {hold}, {rate}: cannot pair"))?;
                    measurement.answered += holds.len();
                    measurement.samples.extend(samples);
                    measurement.arrived_per_second +=
                        per_second(holds) / f64::from(self.repetitions);
                }
                measurements.push(measurement);
            }
        }
        Ok(measurements)
    }
}

impl Trial<'_> {
    /// Runs the tool to its end and reads what it printed.
    fn run(&mut self, lab: &Lab) -> Result<()> {
        let sending = self.rate.interval() * self.count;
        let limit = (sending * 2 + OVERHEAD).as_secs().to_string();
        let address = self.address.to_string();
        let arguments = self.tool.arguments(&address, self.rate, self.count);
        let mut command = lab.vantage().command("timeout");
        command.args(["--kill-after=2", &limit]);
        command.arg(self.tool.program()).args(&arguments);
        let ended = Ended::run(&mut command)?;
        let line = || format!("`{} {}`", self.tool.name(), arguments.join(" "));
        let code = ended.status.code();
        ensure!(
            code != Some(TIMED_OUT),
            "{} had not ended after {limit} s",
            line()
        );
        ensure!(
            code.is_some_and(|code| self.tool.has_measured(code)),
            "{}: {}: {}",
            line(),
            ended.status,
            ended.stderr.lines().next().unwrap_or("it says no more")
        );
        self.readings = self.tool.read(&ended.stdout)?;
        ensure!(!self.readings.is_empty(), "{} reports no reply", line());
        Ok(())
    }
}

/// A command that has ended.
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// Runs a command. What it prints goes to files: nobody wakes up to read it
    /// while it measures.
    fn run(command: &mut Command) -> Result<Self> {
        let mut files = [tempfile::tempfile()?, tempfile::tempfile()?];
        let [stdout, stderr] = &files;
        let status = command
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .status()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut texts = [String::new(), String::new()];
        for (file, text) in files.iter_mut().zip(&mut texts) {
            file.rewind()?;
            file.read_to_string(text)?;
        }
        let [stdout, stderr] = texts;
        Ok(Self {
            status,
            stdout,
            stderr,
        })
    }
}

/// The half of an address that stamps tell.
fn low_half(address: IpAddr) -> [u8; 8] {
    let address = match address {
        IpAddr::V4(address) => Address::from_v4(address.octets()),
        IpAddr::V6(address) => Address::from_v6(address.octets()),
    };
    address.halves().1
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
