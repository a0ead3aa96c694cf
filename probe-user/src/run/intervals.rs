//! When sessions report while the run goes on.

use std::{ops::Range, time::Duration};

use crate::engine::time::Moment;

/// Sessions described between two looks at the rings.
const AT_ONCE: usize = 256;

/// All sessions report once in each interval, some at a time, so that a report of very
/// many delays no probe.
#[derive(Debug)]
pub(super) struct Intervals {
    every: Duration,
    next: Moment,
    /// The session whose turn it is, while a report is under way.
    session: Option<usize>,
}

impl Intervals {
    pub(super) fn new(every: Duration, now: Moment) -> Self {
        Self {
            every,
            next: now + every,
            session: None,
        }
    }

    /// When there is next something to report.
    pub(super) fn due(&self) -> Moment {
        match self.session {
            Some(_) => Moment(0),
            None => self.next,
        }
    }

    /// The sessions of so many whose turn it is. Intervals that were missed altogether
    /// are part of the next.
    pub(super) fn take(&mut self, sessions: usize, now: Moment) -> Range<usize> {
        if self.due() > now {
            return 0..0;
        }
        let from = self.session.unwrap_or_else(|| {
            while self.next <= now {
                self.next = self.next + self.every;
            }
            0
        });
        let until = sessions.min(from + AT_ONCE);
        self.session = (until < sessions).then_some(until);
        from..until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BEGIN: Moment = Moment(9_000_000_000);

    #[test]
    fn each_session_has_its_turn_once_in_an_interval() {
        let mut intervals = Intervals::new(SECOND, BEGIN);
        assert_eq!(intervals.take(600, BEGIN), 0..0);
        let now = BEGIN + SECOND;
        let turns: Vec<_> = (0..4).map(|_| intervals.take(600, now)).collect();
        assert_eq!(turns, [0..256, 256..512, 512..600, 0..0]);
        assert_eq!(intervals.due(), BEGIN + SECOND * 2);
    }

    #[test]
    fn missed_intervals_are_not_made_up_for() {
        let mut intervals = Intervals::new(SECOND, BEGIN);
        let now = BEGIN + SECOND * 5 + SECOND / 2;
        assert_eq!(intervals.take(1, now), 0..1);
        assert_eq!(intervals.take(1, now), 0..0);
        assert_eq!(intervals.due(), BEGIN + SECOND * 6);
    }
}
