//! The end of a sweep: nothing left attached, everything counted and written.

use std::{io::ErrorKind, time::Duration};

use super::{
    conduct::{Ending, Signals},
    control::REST,
    reader::ReaderResult,
    result::{LaneResult, SPARED},
    section::{SweepSection, responders_of},
    start::{Sweep, notify},
};
use crate::{
    engine::{
        accounting::{Accounting, Settled},
        report::ExtensionCounts,
        sweep::{aggregate::Aggregate, histogram::LogLinear},
        time::Moment,
    },
    error::{Error, Outcome, Result},
    io::{
        output,
        slots::{SlotTable, Tally},
    },
    run::{
        metadata::account,
        quality::{Stamping, Wait},
        sender::Attempts,
    },
    sink::{metadata, responders, sweep_summary},
};

/// Between two looks whether the writer is done.
const WRITER_LOOK: Duration = Duration::from_millis(2);

/// What all threads together found.
pub(super) struct Harvest {
    pub(super) taken_by_ttl: Vec<u64>,
    /// Of these, refused behind their stamp nobody knows at which TTL.
    pub(super) refused_somewhere: u64,
    pub(super) slot_waits: u64,
    pub(super) held: u64,
    pub(super) shortfall: u64,
    pub(super) aggregate: Aggregate,
    pub(super) extensions: ExtensionCounts,
    pub(super) accounting: Accounting,
    pub(super) cursor: u64,
    pub(super) spans: Spans,
    /// How much later than userspace's time the kernel stamped the last probes.
    pub(super) handovers: LogLinear,
    pub(super) send_seconds: f64,
}

/// How long probes waited behind their stamps for their batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spans {
    pub(super) batches: u64,
    pub(super) sum_ns: u64,
    pub(super) longest_ns: u64,
}

impl Spans {
    /// Of a probe, as far as its batch is the reason.
    pub(super) fn wait(&self) -> Wait {
        Wait {
            mean: self.sum_ns / self.batches.max(1),
            max: self.longest_ns,
        }
    }
}

/// What the lanes together did.
struct Sent {
    attempts: Attempts,
    taken_by_ttl: Vec<u64>,
    slot_waits: u64,
    held: u64,
    shortfall: u64,
    slots: Vec<SlotTable>,
    spans: Spans,
    failure: Option<String>,
    last: Moment,
    cursor: u64,
}

/// Ends the threads in the order of the data, then tells what was found.
pub(super) async fn finish(
    mut sweep: Sweep,
    ending: Ending,
    begin: Moment,
    signals: &mut Signals,
) -> Result<Outcome> {
    if !matches!(ending, Ending::Done) {
        sweep.desk.cut_short();
    }
    let sent = sweep.end_lanes(begin)?;
    let ending = match &sent.failure {
        Some(line) => Ending::CutShort(line.clone()),
        None => ending,
    };
    sweep.kernel.detach();
    let read = sweep.end_readers()?;
    sweep.end_writer(signals).await?;
    let handovers = match (sent.slots.first(), &sweep.plan.output.metadata) {
        (Some(table), Some(_)) if sweep.steering.is_none() => table.handovers(),
        _ => LogLinear::default(),
    };
    let mut slots = slots_of(sent.slots);
    let mut taken_by_ttl = sent.taken_by_ttl;
    let mut refused_somewhere = 0;
    if sweep.steering.is_some() {
        taken_by_ttl = sweep.kernel.stamped_by_ttl()?;
        // Which probes the driver refused, it does not say: nobody answered them.
        slots.dropped = sweep.kernel.refused_frames()?.min(slots.unanswered);
        slots.unanswered -= slots.dropped;
        refused_somewhere = take_away(&mut taken_by_ttl, slots.dropped);
    }
    let accounting = sweep.account(&sent.attempts, &slots, &read)?;
    sweep.journal.sent_at(sent.last);
    let harvest = Harvest {
        taken_by_ttl,
        refused_somewhere,
        spans: sent.spans,
        handovers,
        slot_waits: sent.slot_waits,
        held: sent.held,
        shortfall: sent.shortfall,
        extensions: read.extensions,
        aggregate: read.aggregate,
        accounting,
        cursor: sweep.low_water(sent.cursor),
        send_seconds: sent.last.since(begin).as_secs_f64(),
    };
    let told = sweep.tell(&harvest, &ending);
    let all_sent = harvest.cursor >= sweep.schedule.steps();
    conclude(&sweep, ending, all_sent).and_then(|outcome| told.map(|()| outcome))
}

fn add(attempts: &mut Attempts, taken_by_ttl: &mut [u64], lane: LaneResult) {
    attempts.planned += lane.planned + lane.spared.iter().sum::<u64>();
    for (reason, count) in SPARED.into_iter().zip(lane.spared) {
        if count > 0 {
            *attempts.skipped.entry(reason).or_default() += count;
        }
    }
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

/// Takes probes away that were refused at a TTL that is not known: all can be if there
/// is but one. Gives those that cannot.
fn take_away(taken_by_ttl: &mut [u64], refused: u64) -> u64 {
    let mut some = taken_by_ttl.iter_mut().filter(|taken| **taken > 0);
    match (some.next(), some.next()) {
        (Some(only), None) => {
            *only = only.saturating_sub(refused);
            0
        }
        _ => refused,
    }
}

/// What became of all probes that left.
fn slots_of(mut tables: Vec<SlotTable>) -> Tally {
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
        // What a writer still has that nobody waits for any more is written nowhere.
        accounting.unwritten = counts.unwritten.get() + self.desk.waiting() as u64;
        accounting.backlog = read.dropped;
        Ok(accounting)
    }

    fn end_lanes(&mut self, begin: Moment) -> Result<Sent> {
        self.orders.stop();
        while self.steering.is_some() && self.lanes.iter().any(|l| !l.thread.is_finished()) {
            self.steer();
            std::thread::sleep(REST);
        }
        let mut sent = Sent {
            attempts: Attempts::default(),
            taken_by_ttl: vec![0; 256],
            slot_waits: 0,
            held: 0,
            shortfall: 0,
            slots: Vec::new(),
            spans: Spans::default(),
            failure: None,
            last: begin,
            cursor: u64::MAX,
        };
        for lane in std::mem::take(&mut self.lanes) {
            let (result, slots) = lane.thread.join().map_err(|_| died("sending"))?;
            sent.slot_waits += result.slot_waits;
            sent.held += result.held;
            sent.shortfall += result.shortfall;
            sent.spans.batches += result.batches;
            sent.spans.sum_ns += result.span_ns;
            sent.spans.longest_ns = sent.spans.longest_ns.max(result.longest_span_ns);
            if sent.failure.is_none() {
                sent.failure.clone_from(&result.failure);
            }
            sent.last = sent.last.max(result.last_sent.unwrap_or(begin));
            sent.cursor = sent
                .cursor
                .min(result.cursor.unwrap_or(lane.counts.cursor.get()));
            add(&mut sent.attempts, &mut sent.taken_by_ttl, result);
            sent.slots.push(slots);
        }
        Ok(sent)
    }

    fn end_readers(&mut self) -> Result<ReaderResult> {
        self.orders.drain();
        let mut all = ReaderResult::default();
        for reader in std::mem::take(&mut self.readers) {
            let result = reader.thread.join().map_err(|_| died("reading"))?;
            all.aggregate.merge(result.aggregate);
            all.unindexed += result.unindexed;
            all.unknown += result.unknown;
            all.extensions += result.extensions;
            all.aggregated += result.aggregated;
            all.dropped += result.dropped;
        }
        Ok(all)
    }

    /// Waits for the writer, unless a signal says that nobody reads what it writes.
    async fn end_writer(&mut self, signals: &mut Signals) -> Result<()> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        while !writer.is_finished() {
            tokio::select! {
                () = signals.end() => return Ok(()),
                () = tokio::time::sleep(WRITER_LOOK) => {}
            }
        }
        writer.join().map_err(|_| died("writing"))
    }

    /// Tells what was found in every way asked for; the first that fails does not keep
    /// the others from being written.
    fn tell(&mut self, harvest: &Harvest, ending: &Ending) -> Result<()> {
        self.status.end();
        let saved = self.save(harvest, ending);
        let listed = self.list_responders(harvest);
        if !self.plan.output.quiet {
            let rows = SweepSection::rows(harvest);
            let totals = SweepSection::totals(self, harvest);
            eprint!("{}", sweep_summary::render(&rows, &totals));
        }
        let described = self.write_metadata(harvest);
        saved.and(listed).and(described)
    }

    /// The last checkpoint: everything is final if replies were waited for and the
    /// output is complete.
    fn save(&mut self, harvest: &Harvest, ending: &Ending) -> Result<()> {
        let unwritten = self.desk.has_failed() || self.desk.waiting() > 0;
        let whole = !matches!(ending, Ending::Output) && !unwritten;
        let waited = !matches!(ending, Ending::CutShort(_) | Ending::Hurried(_))
            && self.plan.cooldown >= self.plan.probes.timeout;
        let done = harvest.cursor >= self.schedule.steps();
        self.saving.last(harvest.cursor, whole && waited, done)
    }

    fn list_responders(&self, harvest: &Harvest) -> Result<()> {
        let Some(path) = &self.plan.output.responders else {
            return Ok(());
        };
        let mut text = Vec::new();
        responders::write(&mut text, responders_of(&harvest.aggregate))
            .and_then(|()| output::replace(path, &text))
            .map_err(|error| unwritable(path, &error))
    }

    fn stamping(&self, harvest: &Harvest) -> Stamping {
        match self.steering {
            Some(_) => Stamping::Generator {
                wait: harvest.spans.wait(),
            },
            None => Stamping::Sockets {
                handovers: harvest.handovers.clone(),
                readings: LogLinear::default(),
            },
        }
    }

    fn write_metadata(&mut self, harvest: &Harvest) -> Result<()> {
        let Some(path) = &self.plan.output.metadata else {
            return Ok(());
        };
        let account = harvest.accounting.clone();
        let seed = self.plan.seed;
        let stamps = self.stamping(harvest);
        let mut written = self
            .journal
            .close(account, seed, &self.attachments, &stamps);
        written.sweep = Some(SweepSection::of(self, harvest));
        written.extensions = harvest.extensions;
        metadata::write(path, &written).map_err(|error| unwritable(path, &error))
    }
}

/// What the end means to whoever started the sweep.
fn conclude(sweep: &Sweep, ending: Ending, all_sent: bool) -> Result<Outcome> {
    let error = sweep.desk.take_error();
    // The reader has had enough.
    if error
        .as_ref()
        .is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
    {
        return Ok(Outcome::Done);
    }
    let as_planned = matches!(ending, Ending::Done) && all_sent && error.is_none();
    if let Some(file) = sweep.saving.left().filter(|_| !as_planned) {
        let hint = format!("go on with: probe sweep --resume {}", file.display());
        notify(&sweep.plan, &hint);
    }
    if let Some(error) = error {
        return Err(Error::CutShort(format!(
            "cannot write results: {error}; what was written before is whole"
        )));
    }
    match ending {
        Ending::Done | Ending::Bound | Ending::Output => Ok(Outcome::Done),
        Ending::Signal(number) | Ending::Hurried(number) => Ok(Outcome::Stopped(number)),
        Ending::CutShort(line) => Err(Error::CutShort(line)),
    }
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Error {
    Error::CutShort(format!("cannot write {}: {error}", path.display()))
}

fn died(what: &str) -> Error {
    Error::CutShort(format!("the {what} thread died; this is a bug of probe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_taken_from_the_only_ttl_or_from_none() {
        let mut one = [0, 0, 25_013];
        assert_eq!(take_away(&mut one, 11_608), 0);
        assert_eq!(one, [0, 0, 13_405]);
        let mut two = [0, 10, 20];
        assert_eq!(take_away(&mut two, 5), 5);
        assert_eq!(two, [0, 10, 20]);
    }
}
