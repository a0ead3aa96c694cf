//! The measuring: every tool at every rate, in turns, first against replies that are
//! held, then on a wire that answers at once.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};

use super::{
    burn::Burners,
    held::Held,
    instant::Instant,
    load::{ProgrammedHold, Rate},
    report::Row,
    tool::{Back, RxHook, Tool},
};

/// What the replies wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// A responder that holds them for a programmed time
    Held,
    /// Nothing: the simulated internet answers at once
    Instant,
    /// Both, at few rates, while other work keeps all processors busy
    Loaded,
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The program `probe`.
    pub probe: PathBuf,
    /// What of it.
    pub parts: Vec<Part>,
    /// Only tools whose name contains one of these; none: all.
    pub only: Vec<String>,
    /// Probes a second, where replies are held.
    pub held_rates: Vec<Rate>,
    /// Probes a second, where they come at once.
    pub instant_rates: Vec<Rate>,
    /// Probes a second, under load, in either way.
    pub loaded_rates: Vec<Rate>,
    /// How long replies are held.
    pub holds: Vec<ProgrammedHold>,
    /// The hold under load.
    pub loaded_hold: ProgrammedHold,
    /// Where `probe` stamps replies.
    pub hooks: Vec<RxHook>,
    /// How often each tool has its turn.
    pub rounds: u32,
    /// How long it sends in each.
    pub sending: Duration,
}

impl Campaign {
    /// Measures; `progress` hears of each step before it begins. What fails is told to
    /// it, and left out.
    ///
    /// # Errors
    ///
    /// If nothing could be measured.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for round in 1..=self.rounds {
            for part in &self.parts {
                match part {
                    Part::Held => {
                        for hold in &self.holds {
                            let tools = self.tools(&self.hooks);
                            let held = self.held(hold, &self.held_rates, tools, round);
                            rows.extend(held.run(&mut progress)?);
                        }
                    }
                    Part::Instant => {
                        let instant = self.instant(&self.instant_rates, &self.hooks, round);
                        rows.extend(instant.run(&mut progress));
                    }
                    Part::Loaded => rows.extend(self.loaded(round, &mut progress)?),
                }
            }
        }
        ensure!(!rows.is_empty(), "nothing could be measured");
        Ok(rows)
    }

    fn loaded(&self, round: u32, progress: &mut impl FnMut(&str)) -> Result<Vec<Row>> {
        let native = [RxHook::XdpNative];
        let _burners = Burners::start()?;
        let tools = self.tools(&native);
        let held = self.held(&self.loaded_hold, &self.loaded_rates, tools, round);
        let mut rows = held.run(progress)?;
        rows.extend(
            self.instant(&self.loaded_rates, &native, round)
                .run(progress),
        );
        for row in &mut rows {
            row.loaded = true;
        }
        Ok(rows)
    }

    fn held<'a>(
        &self,
        hold: &'a ProgrammedHold,
        rates: &'a [Rate],
        tools: Vec<Tool>,
        round: u32,
    ) -> Held<'a> {
        Held {
            hold,
            rates,
            tools,
            round,
            sending: self.sending,
        }
    }

    fn instant<'a>(&'a self, rates: &'a [Rate], hooks: &[RxHook], round: u32) -> Instant<'a> {
        // No answer of such a wire gets to a device without a program in its driver, and
        // beside one there can be none behind the driver.
        let able: Vec<_> = hooks
            .iter()
            .copied()
            .filter(|hook| *hook != RxHook::XdpGeneric)
            .collect();
        Instant {
            rates,
            tools: self.tools(&able),
            round,
            sending: self.sending,
            floors: self.is_wanted("floor"),
        }
    }

    /// The tools that are asked for and can be run here: `probe ping` with the first hook
    /// alone.
    pub fn tools(&self, hooks: &[RxHook]) -> Vec<Tool> {
        let probe = |back, rx: &RxHook| Tool::Probe {
            program: self.probe.clone(),
            back,
            rx: *rx,
        };
        let mut tools: Vec<Tool> = Vec::new();
        tools.extend(hooks.iter().take(1).map(|rx| probe(Back::Ping, rx)));
        for back in [Back::Raw, Back::Generator] {
            tools.extend(hooks.iter().map(|rx| probe(back, rx)));
        }
        tools.extend(Tool::PEERS);
        tools.retain(|tool| tool.is_installed() && self.is_wanted(&tool.to_string()));
        tools
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part))
    }
}
