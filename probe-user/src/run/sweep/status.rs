//! What a sweep says while it goes on: a line on a terminal, a row in a file, once
//! a second.

use std::{
    io::{self, IsTerminal as _, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{conduct::Sums, start::notify};
use crate::{
    engine::sweep::{
        plan::{RecordFormat, SweepPlan},
        schedule::Schedule,
    },
    error::{Error, Result},
    io::output::{self, Output},
    sink::text::{count, percent},
};

/// The columns of the status file.
const HEADER: &str = "elapsed_s,percent,sent,sent_per_s,answered,answered_per_s,response_rate,\
send_failures,ring_full,slot_waits,backlog_waits,shortfall,waiting,recorded,eta_s\n";

/// The status of a sweep.
pub(super) struct Status {
    bar: ProgressBar,
    file: Option<Box<dyn Output>>,
    /// Steps that a run before this one has done, and all there are; of an adaptive
    /// sweep: probes, sent or spared.
    begin: u64,
    steps: u64,
    is_adaptive: bool,
    /// When it ends at the latest.
    runtime: Option<Duration>,
    last: Sums,
}

impl Status {
    pub(super) fn new(plan: &SweepPlan, schedule: &Schedule, begin: u64) -> Result<Self> {
        // Records on the same terminal would run into the line.
        let alone = plan.output.file.is_some()
            || plan.output.format == RecordFormat::None
            || !io::stdout().is_terminal();
        let shown = !plan.output.quiet && alone && io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{msg}");
        bar.set_style(style.unwrap_or(ProgressStyle::default_bar()));
        let mut file = None;
        if let Some(path) = &plan.output.status {
            let opened = output::open(Some(path)).and_then(|mut file| {
                file.write_all(HEADER.as_bytes())?;
                Ok(file)
            });
            file = Some(opened.map_err(|error| {
                Error::Usage(format!(
                    "cannot write {}: {error}; check --status-file",
                    path.display()
                ))
            })?);
        }
        let probes = plan.rules().map_or(1, |rules| u64::from(rules.ttls()));
        Ok(Self {
            bar,
            file,
            begin: begin * probes,
            steps: schedule.steps() * probes,
            is_adaptive: plan.rules().is_some(),
            runtime: plan.limits.runtime,
            last: Sums::default(),
        })
    }

    /// A second has passed.
    pub(super) fn second(&mut self, elapsed: Duration, sums: &Sums) {
        let now = if self.is_adaptive {
            // Paths end out of order: the cursor is that of the slowest.
            self.begin + sums.taken + sums.refused + sums.spared
        } else {
            sums.cursor
        };
        let mut line = Line::of(elapsed, sums, &self.last, (self.begin, now, self.steps));
        line.ends_by(self.runtime);
        self.bar.set_message(line.for_people());
        let row = line.row();
        // A status file that cannot be written any more ends no sweep.
        if let Some(file) = &mut self.file
            && file.write_all(row.as_bytes()).is_err()
        {
            self.file = None;
        }
        self.last = *sums;
    }

    /// Says something above the line.
    pub(super) fn say(&self, plan: &SweepPlan, line: &str) {
        self.bar.suspend(|| notify(plan, line));
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// One second of a sweep.
struct Line<'a> {
    elapsed: Duration,
    sums: &'a Sums,
    sent_per_s: u64,
    answered_per_s: u64,
    done: f64,
    eta: Option<Duration>,
}

impl<'a> Line<'a> {
    fn of(
        elapsed: Duration,
        sums: &'a Sums,
        last: &Sums,
        (begin, now, steps): (u64, u64, u64),
    ) -> Self {
        let (cursor, all) = (now.min(steps), steps.max(1));
        let gone = cursor.saturating_sub(begin) as f64;
        let eta = (gone > 0.0).then(|| {
            let per_step = elapsed.as_secs_f64() / gone;
            Duration::from_secs_f64((steps - cursor) as f64 * per_step)
        });
        Self {
            elapsed,
            sums,
            sent_per_s: sums.taken.saturating_sub(last.taken),
            answered_per_s: sums.answered.saturating_sub(last.answered),
            done: cursor as f64 / all as f64,
            eta,
        }
    }

    /// It ends when this has passed, if not before.
    fn ends_by(&mut self, runtime: Option<Duration>) {
        let left = runtime.map(|runtime| runtime.saturating_sub(self.elapsed));
        self.eta = self.eta.into_iter().chain(left).min();
    }

    fn response_rate(&self) -> f64 {
        self.sums.answered as f64 / self.sums.taken.max(1) as f64
    }

    fn for_people(&self) -> String {
        let losses = [
            (self.sums.refused, "not sent"),
            (self.sums.ring_full, "ring full"),
            (self.sums.shortfall, "behind the rate"),
        ];
        let losses: String = losses
            .into_iter()
            .filter(|(lost, _)| *lost > 0)
            .map(|(lost, cause)| format!(", {} {cause}", count(lost)))
            .collect();
        let eta = self
            .eta
            .map_or_else(String::new, |eta| format!(", {} left", clock(eta)));
        format!(
            "{} {}: sent {} ({}/s), answered {} ({}/s, {}){losses}{eta}",
            clock(self.elapsed),
            percent(self.done),
            count(self.sums.taken),
            count(self.sent_per_s),
            count(self.sums.answered),
            count(self.answered_per_s),
            percent(self.response_rate()),
        )
    }

    fn row(&self) -> String {
        let sums = self.sums;
        let eta = self
            .eta
            .map_or_else(String::new, |eta| eta.as_secs().to_string());
        format!(
            "{:.1},{:.3},{},{},{},{},{:.4},{},{},{},{},{},{},{},{eta}\n",
            self.elapsed.as_secs_f64(),
            self.done * 100.0,
            sums.taken,
            self.sent_per_s,
            sums.answered,
            self.answered_per_s,
            self.response_rate(),
            sums.refused,
            sums.ring_full,
            sums.slot_waits,
            sums.held,
            sums.shortfall,
            sums.waiting,
            sums.recorded,
        )
    }
}

/// Minutes and seconds, with hours where there are any.
pub(super) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_field_for_each_column() {
        let sums = Sums::default();
        let line = Line::of(Duration::from_secs(3), &sums, &sums, (0, 0, 10));
        assert_eq!(
            line.row().matches(',').count(),
            HEADER.matches(',').count(),
            "{}",
            line.row()
        );
    }

    #[test]
    fn rates_are_those_of_the_last_second() {
        let last = Sums {
            taken: 1_000,
            answered: 700,
            ..Sums::default()
        };
        let sums = Sums {
            taken: 3_000,
            answered: 2_000,
            ring_full: 4,
            ..Sums::default()
        };
        let mut line = Line::of(Duration::from_secs(10), &sums, &last, (0, 500, 1_000));
        let text = line.for_people();
        assert!(text.contains("sent 3,000 (2,000/s)"), "{text}");
        assert!(text.contains("answered 2,000 (1,300/s"), "{text}");
        assert!(
            text.contains("4 ring full") && text.ends_with("0:10 left"),
            "{text}"
        );
        line.ends_by(Some(Duration::from_secs(60)));
        assert!(line.for_people().ends_with("0:10 left"));
        line.ends_by(Some(Duration::from_secs(13)));
        assert!(line.for_people().ends_with("0:03 left"));
    }
}
