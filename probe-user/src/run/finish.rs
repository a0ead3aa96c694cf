//! The end of a run: nothing left attached, everything counted and written.

use std::time::Duration;

use super::{
    describe::Describe,
    drive::{Driver, Ending},
    metadata::{Metadata, account},
    quality::Stamping,
};
use crate::{
    engine::{accounting::Accounting, plan::Job},
    error::{Error, Outcome, Result},
    io::clock,
    sink::metadata,
};

/// Reports of sessions that are made before they are written: those of very many take
/// more room than the sessions.
const REPORTS_AT_ONCE: usize = 256;

impl<S: Describe> Driver<'_, S> {
    /// Detaches, reads what is left, writes reports and metadata.
    pub(super) async fn finish(mut self, ending: Ending) -> Result<Outcome> {
        self.kernel.detach();
        let mut trouble = match &ending {
            Ending::Output(error) => Some(error.kind()),
            Ending::Done | Ending::Signal(_) | Ending::Interface(_) => None,
        };
        if let Err(error) = self.read() {
            trouble.get_or_insert(error.kind());
        }
        let now = clock::now();
        self.engine.stop(now);
        let mut written = Ok(());
        for session in 0..self.engine.sessions().len() {
            self.describe(session);
            if session % REPORTS_AT_ONCE == 0 && trouble.is_none() && written.is_ok() {
                written = self.reports.write(self.sink.as_mut(), now);
            }
        }
        if trouble.is_none() && written.is_ok() {
            written = self.write_all().await;
        }
        let accounting = self.account()?;
        let output = self.plan.output.metadata.clone();
        let all_answered = self.reports.all_answered && self.ways.lost.is_empty();
        let answered = (all_answered, self.reports.any_answered);
        let continuous = matches!(&self.plan.job, Job::Ping(_));
        if let Some(path) = output {
            let mut metadata = self.metadata(accounting);
            metadata.extensions = self.receiver.extensions;
            metadata::write(&path, &metadata).map_err(|error| {
                Error::CutShort(format!("cannot write {}: {error}", path.display()))
            })?;
        }
        let ending = match written {
            Err(error) => Ending::Output(error),
            Ok(()) => ending,
        };
        conclude(ending, answered, continuous)
    }

    async fn write_all(&mut self) -> std::io::Result<()> {
        while !self.reports.is_empty() {
            self.reports.write(self.sink.as_mut(), clock::now())?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.sink.finish()
    }

    fn account(&mut self) -> Result<Accounting> {
        let counters = self.kernel.counters()?;
        let slots = self.sender.slots.close();
        let mut accounting = account(
            &self.sender.attempts,
            slots,
            &counters,
            self.receiver.settled,
        );
        let lost = self.sink.lost_replies();
        accounting.recorded = self.recorded.saturating_sub(lost);
        accounting.filtered = self.receiver.unknown;
        accounting.unwritten = self.unwritten + lost;
        Ok(accounting)
    }

    fn metadata(&mut self, accounting: Accounting) -> Metadata {
        let stamps = Stamping::Sockets {
            handovers: self.sender.slots.handovers(),
            readings: std::mem::take(&mut self.receiver.readings),
        };
        self.journal
            .close(accounting, self.seed, &self.receiver.attachments, &stamps)
    }
}

/// What the run's end means to whoever started it.
fn conclude(
    ending: Ending,
    (all_answered, any_answered): (bool, bool),
    continuous: bool,
) -> Result<Outcome> {
    match ending {
        Ending::Done if all_answered => Ok(Outcome::Done),
        Ending::Done => Ok(Outcome::Incomplete),
        Ending::Signal(2) if continuous && any_answered => Ok(Outcome::Done),
        Ending::Signal(2) if continuous => Ok(Outcome::Incomplete),
        Ending::Signal(number) => Ok(Outcome::Stopped(number)),
        // The reader has had enough.
        Ending::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(Outcome::Done)
        }
        Ending::Output(error) => Err(Error::CutShort(format!(
            "cannot write results: {error}; what was written before is whole"
        ))),
        Ending::Interface(line) => Err(Error::CutShort(line)),
    }
}
