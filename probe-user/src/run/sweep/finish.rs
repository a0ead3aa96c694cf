//! The end of a sweep: nothing left attached, everything counted and written.

use std::io::ErrorKind;

use super::{
    conduct::Ending,
    lane::LaneResult,
    reader::ReaderResult,
    section::{SweepSection, responders_of},
    start::{Sweep, notify},
};
use crate::{
    engine::{
        accounting::{Accounting, Settled},
        sweep::aggregate::Aggregate,
        time::Moment,
    },
    error::{Error, Outcome, Result},
    io::{output, slots::Tally},
    run::{metadata::account, sender::Attempts},
    sink::{metadata, responders, sweep_summary},
};

/// What all threads together found.
pub(super) struct Harvest {
    pub(super) taken_by_ttl: Vec<u64>,
    pub(super) slot_waits: u64,
    pub(super) held: u64,
    pub(super) shortfall: u64,
    pub(super) aggregate: Aggregate,
    pub(super) accounting: Accounting,
    pub(super) cursor: u64,
    pub(super) send_seconds: f64,
}

/// Ends the threads in the order of the data, then tells what was found.
pub(super) fn finish(mut sweep: Sweep, ending: Ending, begin: Moment) -> Result<Outcome> {
    sweep.orders.stop();
    if !matches!(ending, Ending::Done) {
        sweep.desk.cut_short();
    }
    let cursors = |sweep: &Sweep| {
        let cursors = sweep.lanes.iter().map(|lane| lane.counts.cursor.get());
        cursors.min().unwrap_or(0)
    };
    let mut attempts = Attempts::default();
    let mut taken_by_ttl = vec![0; 256];
    let (mut slot_waits, mut held, mut shortfall) = (0, 0, 0);
    let mut slots = Vec::new();
    let mut last_sent = begin;
    let mut lane_counts = Vec::new();
    for lane in std::mem::take(&mut sweep.lanes) {
        lane_counts.push(lane.counts);
        let (result, table) = lane.thread.join().map_err(|_| died("sending"))?;
        slot_waits += result.slot_waits;
        held += result.held;
        shortfall += result.shortfall;
        last_sent = last_sent.max(result.last_sent.unwrap_or(begin));
        add(&mut attempts, &mut taken_by_ttl, result);
        slots.push(table);
    }
    let cursor = lane_counts.iter().map(|counts| counts.cursor.get());
    let cursor = cursor.min().unwrap_or_else(|| cursors(&sweep));
    sweep.kernel.detach();
    sweep.orders.drain();
    let mut read = ReaderResult::default();
    for reader in std::mem::take(&mut sweep.readers) {
        let result = reader.thread.join().map_err(|_| died("reading"))?;
        read.aggregate.merge(result.aggregate);
        read.unindexed += result.unindexed;
        read.unknown += result.unknown;
        read.aggregated += result.aggregated;
        read.dropped += result.dropped;
    }
    if let Some(writer) = sweep.writer.take() {
        writer.join().map_err(|_| died("writing"))?;
    }
    let accounting = sweep.account(&attempts, &slots_of(slots), &read)?;
    sweep.journal.sent_at(last_sent);
    let harvest = Harvest {
        taken_by_ttl,
        slot_waits,
        held,
        shortfall,
        aggregate: read.aggregate,
        accounting,
        cursor,
        send_seconds: last_sent.since(begin).as_secs_f64(),
    };
    sweep.tell(&harvest, &ending)?;
    conclude(&sweep, ending)
}

fn add(attempts: &mut Attempts, taken_by_ttl: &mut [u64], lane: LaneResult) {
    attempts.planned += lane.planned;
    for (reason, count) in lane.skipped {
        *attempts.skipped.entry(reason).or_default() += count;
    }
    for (errno, count) in lane.failed {
        *attempts.failed.entry(errno).or_default() += count;
    }
    for (all, of_lane) in taken_by_ttl.iter_mut().zip(lane.taken_by_ttl) {
        *all += of_lane;
    }
}

/// What became of all probes that left.
fn slots_of(mut tables: Vec<crate::io::slots::SlotTable>) -> Tally {
    let Some(mut last) = tables.pop() else {
        return Tally::default();
    };
    let mut tally = last.close();
    for table in tables {
        tally.merge(table.tally());
    }
    tally
}

impl Sweep {
    fn account(
        &self,
        attempts: &Attempts,
        slots: &Tally,
        read: &ReaderResult,
    ) -> Result<Accounting> {
        let counters = self.kernel.counters()?;
        // Data from an open port names no slot, and no probe of a sweep is remembered:
        // nobody can say what it answers.
        let settled = Settled {
            foreign: read.unindexed,
            ..Settled::default()
        };
        let mut accounting = account(attempts, *slots, &counters, settled);
        let counts = &self.desk.counts;
        accounting.recorded = counts.recorded.get() + read.aggregated;
        accounting.filtered = counts.filtered.get() + read.unknown;
        accounting.unwritten = counts.unwritten.get();
        accounting.backlog = read.dropped;
        Ok(accounting)
    }

    /// Writes checkpoint, metadata, responders and summary.
    fn tell(&mut self, harvest: &Harvest, ending: &Ending) -> Result<()> {
        // Replies were waited for, and the output is complete.
        let whole = !matches!(ending, Ending::Output) && !self.desk.has_failed();
        let waited = !matches!(ending, Ending::CutShort(_));
        let done = harvest.cursor >= self.schedule.steps();
        self.saving.last(harvest.cursor, whole && waited, done)?;
        self.status.end();
        if let Some(path) = &self.plan.output.responders {
            let mut text = Vec::new();
            responders::write(&mut text, responders_of(&harvest.aggregate))
                .and_then(|()| output::replace(path, &text))
                .map_err(|error| unwritable(path, &error))?;
        }
        if !self.plan.output.quiet {
            let rows = SweepSection::rows(harvest);
            let totals = SweepSection::totals(self, harvest);
            eprint!("{}", sweep_summary::render(&rows, &totals));
        }
        if let Some(path) = &self.plan.output.metadata {
            let section = SweepSection::of(self, harvest);
            let journal =
                std::mem::replace(&mut self.journal, crate::run::metadata::Journal::begin());
            let mut written = journal.close(
                harvest.accounting.clone(),
                self.plan.seed,
                &self.attachments,
            );
            written.sweep = Some(section);
            metadata::write(path, &written).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }
}

/// What the end means to whoever started the sweep.
fn conclude(sweep: &Sweep, ending: Ending) -> Result<Outcome> {
    if let Some(error) = sweep.desk.take_error() {
        // The reader has had enough.
        if error.kind() == ErrorKind::BrokenPipe {
            return Ok(Outcome::Done);
        }
        return Err(Error::CutShort(format!(
            "cannot write results: {error}; what was written before is whole"
        )));
    }
    if let (Some(file), Ending::Signal(_) | Ending::CutShort(_) | Ending::Bound) =
        (sweep.saving.file(), &ending)
    {
        let hint = format!("go on with: probe sweep --resume {}", file.display());
        notify(&sweep.plan, &hint);
    }
    match ending {
        Ending::Done | Ending::Bound | Ending::Output => Ok(Outcome::Done),
        Ending::Signal(number) => Ok(Outcome::Stopped(number)),
        Ending::CutShort(line) => Err(Error::CutShort(line)),
    }
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Error {
    Error::CutShort(format!("cannot write {}: {error}", path.display()))
}

fn died(what: &str) -> Error {
    Error::CutShort(format!("the {what} thread died; this is a bug of probe"))
}
