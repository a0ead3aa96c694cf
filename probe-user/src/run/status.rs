//! The status line of a run that takes longer: on standard error, on a terminal.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::{plan::Plan, time::Moment};

/// What runs shorter needs no status.
const FIRST: Duration = Duration::from_secs(2);

/// Between two changes of the line.
const INTERVAL: Duration = Duration::from_secs(1);

/// A line that is rewritten once a second.
pub(super) struct Status {
    bar: ProgressBar,
    begin: Moment,
    next: Moment,
}

/// What the line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) done: usize,
    pub(super) sessions: usize,
    pub(super) probes: u64,
    pub(super) replies: u64,
}

impl Status {
    /// Silent unless standard error is a terminal, and if the plan says so.
    pub(super) fn new(plan: &Plan, wanted: bool, now: Moment) -> Self {
        let shown = wanted && !plan.output.quiet && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or(ProgressStyle::default_bar()),
        );
        Self {
            bar,
            begin: now,
            next: now + FIRST,
        }
    }

    /// Rewrites the line if it is time.
    pub(super) fn tick(&mut self, now: Moment, progress: Progress) {
        if self.bar.is_hidden() || now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        let seconds = now.since(self.begin).as_secs();
        self.bar.set_message(format!(
            "{}:{:02} {} of {} traces done, {} probes, {} replies",
            seconds / 60,
            seconds % 60,
            progress.done,
            progress.sessions,
            progress.probes,
            progress.replies
        ));
    }

    /// Takes the line away while `write` writes to the same terminal.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
