//! The checkpoint on its way to disk.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{conduct::Sums, control::Orders, prepare::Senders, writer::Desk};
use crate::{
    engine::{
        sweep::{
            checkpoint::{Checkpoint, SCHEMA, Settling},
            plan::{Probing, SweepPlan},
        },
        time::Moment,
    },
    error::{Error, Result},
    io::output,
};

/// What a reply needs at most from its ring to the writer, beyond its timeout.
const READING: Duration = Duration::from_millis(500);

/// Seconds of sending that are reserved beyond the cursor.
const RESERVED_SECONDS: u64 = 3;

/// Writes how far the sweep has come, once a second.
#[derive(Debug)]
pub(super) struct Saving {
    file: Option<PathBuf>,
    /// It goes once nothing is left to do: the user did not ask for it by name.
    passing: bool,
    settling: Settling,
    checkpoint: Checkpoint,
    /// Steps of the schedule: lanes may end a few beyond.
    steps: u64,
    /// Knows how much of the output is durable.
    desk: Arc<Desk>,
    /// Steps that lanes may go on until the next checkpoint is surely written.
    reserve: u64,
}

impl Saving {
    /// From the step `begin` on; `seats`: paths that may be under way in an adaptive
    /// sweep.
    pub(super) fn new(
        plan: &SweepPlan,
        begin: u64,
        senders: &Senders,
        seats: u32,
        desk: &Arc<Desk>,
    ) -> Self {
        let again_before = plan.resumed.as_ref().map_or(0, |before| before.reserved);
        let fastest = plan
            .probes
            .rate
            .unwrap_or(senders.fastest() * u64::from(plan.lanes));
        let probes = fastest.saturating_mul(RESERVED_SECONDS);
        let reserve = match plan.probing {
            Probing::Full => probes,
            // A step is a path, and takes two probes at least.
            Probing::Adaptive { .. } => probes / 2 + u64::from(seats),
        };
        Self {
            file: plan.output.checkpoint.clone(),
            passing: plan.output.passing_checkpoint,
            settling: Settling::new(begin, plan.probes.timeout + READING),
            checkpoint: Checkpoint {
                schema: SCHEMA,
                arguments: plan.arguments.clone(),
                seed: plan.seed,
                plan: plan.digest(),
                cursor: begin,
                reserved: again_before.max(begin + reserve),
                output: plan.resumed.as_ref().map_or(0, |before| before.output),
                done: false,
            },
            steps: plan.schedule().steps(),
            desk: desk.clone(),
            reserve,
        }
    }

    /// The cursor that no lane may pass; without a checkpoint any.
    pub(super) fn reserved(&self) -> u64 {
        match self.file {
            Some(_) => self.checkpoint.reserved,
            None => u64::MAX,
        }
    }

    /// Writes the first: if it cannot be, the run does not begin.
    pub(super) fn first(&self) -> Result<()> {
        self.write()
            .map_err(|error| Error::Usage(format!("{error}; check --checkpoint")))
    }

    /// A second has passed: writes where the run is, and lets lanes go on from there.
    pub(super) fn second(&mut self, now: Moment, sums: &Sums, orders: &Orders) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        self.note(now, sums);
        let reserved = sums.cursor + self.reserve;
        self.checkpoint.reserved = self.checkpoint.reserved.max(reserved);
        self.write().map_err(Error::CutShort)?;
        orders.reserve(self.checkpoint.reserved);
        Ok(())
    }

    fn note(&mut self, now: Moment, sums: &Sums) {
        let records = sums.taken_over + sums.waiting;
        let cursor = self.settling.note(now, sums.cursor, records, sums.durable);
        self.come_to(cursor);
    }

    /// Everything before `cursor` is final, and in the output.
    fn come_to(&mut self, cursor: u64) {
        let kept = self.desk.counts.kept.get();
        let checkpoint = &mut self.checkpoint;
        checkpoint.cursor = cursor.min(self.steps);
        checkpoint.reserved = checkpoint.reserved.max(checkpoint.cursor);
        checkpoint.output = checkpoint.output.max(kept);
    }

    /// The run has ended: everything before `cursor` is final if `whole`.
    pub(super) fn last(&mut self, cursor: u64, whole: bool, done: bool) -> Result<()> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let cursor = match whole {
            true => cursor,
            false => self.checkpoint.cursor,
        };
        self.come_to(cursor);
        self.checkpoint.done = whole && done;
        if self.checkpoint.done && self.passing {
            return output::remove(&file).map_err(|error| {
                Error::CutShort(format!("cannot remove {}: {error}", file.display()))
            });
        }
        self.write().map_err(Error::CutShort)
    }

    /// The file, for a hint how to go on, if it says that something is left to do.
    pub(super) fn left(&self) -> Option<&PathBuf> {
        self.file.as_ref().filter(|_| !self.checkpoint.done)
    }

    fn write(&self) -> std::result::Result<(), String> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let written = serde_json::to_vec_pretty(&self.checkpoint)
            .map_err(std::io::Error::from)
            .and_then(|text| output::replace(file, &text));
        written.map_err(|error| format!("cannot write {}: {error}", file.display()))
    }
}
