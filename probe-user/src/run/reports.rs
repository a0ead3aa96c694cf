//! Reports on their way to the sink: they wait a little for names of responders.

use std::{collections::VecDeque, io, time::Duration};

use super::describe::Report;
use crate::{
    engine::{
        answer::{Answer, ip},
        time::Moment,
    },
    io::names::Reverse,
    sink::Sink,
};

/// How long after it was asked for a name may hold back a report.
const NAMES_MAY_TAKE: Duration = Duration::from_secs(1);

/// Reports, from the moment that their session is done.
pub(super) struct Reports {
    names: Option<Reverse>,
    asked_at: Moment,
    waiting: VecDeque<Report>,
    told: Vec<bool>,
    /// Whether every target so far answered.
    pub(super) all_answered: bool,
    /// Whether a target answered.
    pub(super) any_answered: bool,
}

impl Reports {
    /// Of so many `sessions`; `names`: tell those of responders.
    pub(super) fn new(sessions: usize, names: bool) -> Self {
        Self {
            names: names.then(Reverse::new),
            asked_at: Moment(0),
            waiting: VecDeque::new(),
            told: vec![false; sessions],
            all_answered: true,
            any_answered: false,
        }
    }

    /// Whether all that were added are written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks for the name of a responder as soon as it is met.
    pub(super) fn meet(&mut self, answer: &Answer, now: Moment) {
        if let Some(names) = &self.names
            && names.request(ip(answer.responder))
        {
            self.asked_at = now;
        }
    }

    /// Whether a session is to be described: true once.
    pub(super) fn is_due(&mut self, session: usize) -> bool {
        self.told
            .get_mut(session)
            .is_some_and(|told| !std::mem::replace(told, true))
    }

    /// Adds a report.
    pub(super) fn add(&mut self, report: Report) {
        self.all_answered &= report.target_answered();
        self.any_answered |= report.target_answered();
        self.waiting.push_back(report);
    }

    /// Writes reports, in their order, whose names are known or have taken too long.
    pub(super) fn write(&mut self, sink: &mut dyn Sink, now: Moment) -> io::Result<()> {
        let overdue = self.asked_at + NAMES_MAY_TAKE <= now;
        while let Some(report) = self.waiting.front_mut() {
            if let Some(names) = &self.names {
                if !overdue && !names.all_known(report.responders()) {
                    return Ok(());
                }
                report.name_responders(|ip| names.name(ip));
            }
            if let Some(report) = self.waiting.pop_front() {
                report.write(sink)?;
            }
        }
        Ok(())
    }
}
