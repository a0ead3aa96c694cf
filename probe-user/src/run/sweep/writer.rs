//! The thread that makes records of replies and writes them.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use probe_common::abi::{Event, Outcome};

use super::{control::WriterCounts, lane::AGAIN, reader::Batch};
use crate::{
    engine::{
        answer::{ip, reply},
        report::{Extensions, Reply},
        stamp::RxHook,
        sweep::targets::TargetSet,
    },
    io::{bpf::Attachment, clock, output::Kept, processors},
    run::stamps::stamp_of,
    sink::{Sink, select::Selection},
};

/// Between two times that what was written is made durable.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// No record waits longer before the reader of the output gets it.
const FLUSH_AFTER: Duration = Duration::from_millis(100);

/// What the writer and the others know of each other.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) counts: WriterCounts,
    /// Events on their way here.
    pub(super) in_line: Arc<AtomicUsize>,
    /// The hook behind each interface that replies come in by.
    hooks: RwLock<Vec<(u32, RxHook)>>,
    /// The run ends before its plan does.
    cut_short: AtomicBool,
    /// Nothing can be written any more.
    failed: AtomicBool,
    error: Mutex<Option<io::Error>>,
}

impl Desk {
    pub(super) fn cut_short(&self) {
        self.cut_short.store(true, Relaxed);
    }

    fn is_cut_short(&self) -> bool {
        self.cut_short.load(Relaxed)
    }

    /// Replies come in by these.
    pub(super) fn learn(&self, attachments: &[Attachment]) {
        let hooks = attachments.iter().map(|a| (a.ifindex, a.rx)).collect();
        *self.hooks.write().unwrap_or_else(PoisonError::into_inner) = hooks;
    }

    fn hooks(&self) -> Vec<(u32, RxHook)> {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.clone()
    }

    /// Events on their way here.
    pub(super) fn waiting(&self) -> usize {
        self.in_line.load(Relaxed)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.take()
    }

    fn fail(&self, error: io::Error) {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        self.failed.store(true, Relaxed);
    }
}

/// The writing thread's own.
pub(super) struct Writing {
    pub(super) sink: Box<dyn Sink + Send>,
    pub(super) selection: Selection,
    pub(super) targets: Arc<TargetSet>,
    pub(super) desk: Arc<Desk>,
    /// What a later run goes on with.
    pub(super) kept: Option<Kept>,
    /// Make what is written durable once a second: a checkpoint counts on it.
    pub(super) durable: bool,
    pub(super) batches: Receiver<Batch>,
    /// Processors that lanes leave to others.
    pub(super) processors: Option<Vec<usize>>,
    /// Records and events so far, at each time that they were to be made durable.
    pub(super) undurable: VecDeque<(u64, u64)>,
    /// Records that are durable.
    pub(super) durable_records: u64,
}

impl Writing {
    /// Writes until all readers are gone, then ends the output.
    pub(super) fn run(mut self) {
        processors::stay_on(self.processors.as_deref());
        let (mut synced, mut flushed) = (clock::now(), clock::now());
        loop {
            match self.batches.recv_timeout(FLUSH_AFTER) {
                Ok(batch) => self.write(&batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = clock::now();
            if now.since(flushed) >= FLUSH_AFTER {
                self.attempt(|sink| sink.flush());
                flushed = now;
            }
            if self.durable && now.since(synced) >= SYNC_INTERVAL {
                synced = now;
                self.sync();
            }
        }
        if self.desk.is_cut_short() {
            self.sink.cut_short();
        }
        self.attempt(|sink| sink.finish());
        self.sync();
        let lost = self.sink.lost_replies();
        let counts = &self.desk.counts;
        counts
            .recorded
            .set(counts.recorded.get().saturating_sub(lost));
        counts.unwritten.add(lost);
    }

    fn write(&mut self, batch: &Batch) {
        let (mut recorded, mut filtered, mut unwritten) = (0, 0, 0);
        let hooks = self.desk.hooks();
        let mut extended = batch.extensions.iter().peekable();
        for (place, event) in batch.events.iter().enumerate() {
            let extensions = extended.next_if(|(of, _)| *of == place);
            let extensions = extensions.map(|(_, extensions)| extensions);
            match self.reply(event, extensions, &hooks) {
                Some(reply) if self.selection.takes(&reply) => {
                    if self.desk.has_failed() {
                        unwritten += 1;
                        continue;
                    }
                    // A sink that fails counts what it loses, this one included.
                    recorded += 1;
                    if let Err(error) = self.sink.reply(&reply) {
                        self.desk.fail(error);
                    }
                }
                Some(_) | None => filtered += 1,
            }
        }
        let counts = &self.desk.counts;
        counts.recorded.add(recorded);
        counts.filtered.add(filtered);
        counts.unwritten.add(unwritten);
        self.desk.in_line.fetch_sub(batch.events.len(), Relaxed);
    }

    fn reply<'a>(
        &self,
        event: &Event,
        extensions: Option<&'a Extensions>,
        hooks: &[(u32, RxHook)],
    ) -> Option<Reply<'a>> {
        debug_assert_ne!(event.outcome, Outcome::Unindexed as u8);
        let target = self.targets.get(event.target)?;
        let again = event.round & AGAIN != 0;
        let event = Event {
            round: event.round & !AGAIN,
            ..*event
        };
        let stamp = stamp_of(&event, |ifindex| {
            let known = hooks.iter().find(|(index, _)| *index == ifindex);
            known.map(|(_, hook)| *hook)
        });
        let reply = reply(&event, extensions, ip(target), stamp)?;
        Some(Reply { again, ..reply })
    }

    fn sync(&mut self) {
        if self.desk.has_failed() {
            return;
        }
        let counts = &self.desk.counts;
        self.undurable
            .push_back((counts.recorded.get(), counts.taken()));
        let durable = match self.sink.sync() {
            Ok(durable) => durable,
            Err(error) => return self.desk.fail(error),
        };
        // Before those who read of these records count on them.
        if std::mem::replace(&mut self.durable_records, durable) != durable {
            self.measure();
        }
        let counts = &self.desk.counts;
        while let Some((recorded, taken)) = self.undurable.front().copied() {
            if recorded > durable {
                break;
            }
            counts.durable.set(taken);
            self.undurable.pop_front();
        }
    }

    /// Notes how much of the output is written for good: right now all of it is.
    fn measure(&self) {
        if let Some(Ok(size)) = self.kept.as_ref().map(Kept::size) {
            self.desk.counts.kept.set(size);
        }
    }

    fn attempt(&mut self, act: impl FnOnce(&mut dyn Sink) -> io::Result<()>) {
        if self.desk.has_failed() {
            return;
        }
        if let Err(error) = act(self.sink.as_mut()) {
            self.desk.fail(error);
        }
    }
}
