//! When each session is to be polled.

use std::collections::BTreeSet;

use super::time::Moment;

/// At most one date for each session, so that no number of answers makes it grow.
#[derive(Debug, Default)]
pub struct Agenda {
    states: Vec<State>,
    dates: BTreeSet<(Moment, u32)>,
    live: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not before something happens.
    Idle,
    At(Moment),
    /// Never again.
    Done,
}

impl Agenda {
    /// Adds a session without a date and gives its index.
    pub fn add(&mut self) -> u32 {
        self.states.push(State::Idle);
        self.live += 1;
        (self.states.len() - 1) as u32
    }

    /// The next date, with its session.
    pub fn first(&self) -> Option<(Moment, u32)> {
        self.dates.first().copied()
    }

    /// Gives a session this date, in place of any other.
    pub fn want(&mut self, session: u32, moment: Moment) {
        self.change(session, State::At(moment));
    }

    /// Takes a session's date away.
    pub fn rest(&mut self, session: u32) {
        self.change(session, State::Idle);
    }

    /// A session is not to be polled any more, whatever is wanted later.
    pub fn close(&mut self, session: u32) {
        if self.change(session, State::Done) {
            self.live -= 1;
        }
    }

    /// Sessions that are not closed.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Returns whether the session was open.
    fn change(&mut self, session: u32, to: State) -> bool {
        let Some(state) = self.states.get_mut(session as usize) else {
            return false;
        };
        match *state {
            State::Done => return false,
            State::At(moment) => {
                self.dates.remove(&(moment, session));
            }
            State::Idle => {}
        }
        if let State::At(moment) = to {
            self.dates.insert((moment, session));
        }
        *state = to;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wish_counts() {
        let mut agenda = Agenda::default();
        let session = agenda.add();
        agenda.want(session, Moment(5));
        agenda.want(session, Moment(9));
        assert_eq!(agenda.first(), Some((Moment(9), session)));
        agenda.rest(session);
        assert_eq!(agenda.first(), None);
    }

    #[test]
    fn wishes_do_not_pile_up() {
        let mut agenda = Agenda::default();
        let session = agenda.add();
        for nanoseconds in 0..1_000 {
            agenda.want(session, Moment(nanoseconds));
        }
        assert_eq!(agenda.dates.len(), 1);
    }

    #[test]
    fn what_is_closed_stays_closed() {
        let mut agenda = Agenda::default();
        let session = agenda.add();
        agenda.want(session, Moment(1));
        agenda.close(session);
        agenda.close(session);
        agenda.want(session, Moment(2));
        assert_eq!((agenda.first(), agenda.live()), (None, 0));
    }
}
