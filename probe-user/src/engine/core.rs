//! The engine: many sessions, one agenda, the probes in flight.

use std::{collections::HashMap, time::Duration};

use probe_common::{
    Address,
    abi::{Outcome, Protocol},
    slot::{Fate, Lease},
};

pub use super::flight::Key;
use super::{
    agenda::Agenda,
    answer::{Answer, ProbeId},
    cause::{LostHere, Unsent},
    flight::{Flights, Known},
    pace::Pace,
    session::{Missing, Poll, Session},
    time::Moment,
};

/// What becomes of a probe that was under way while the host slept.
const SLEPT: Missing = Missing::ByUs(LostHere::Suspended);

/// Runs sessions. It sends nothing and knows no clock: `now` is passed in.
#[derive(Debug)]
pub struct Engine<S> {
    sessions: Vec<S>,
    agenda: Agenda,
    flights: Flights,
    /// Sessions of a target and flow, for replies that name no slot.
    by_flow: HashMap<(Address, u16), u32>,
    pace: Pace,
    stopped: bool,
    done: Vec<u32>,
}

impl<S: Session> Engine<S> {
    /// An engine whose probes are given up after `timeout`.
    pub fn new(timeout: Duration, pace: Pace) -> Self {
        Self {
            sessions: Vec::new(),
            agenda: Agenda::default(),
            flights: Flights::new(timeout),
            by_flow: HashMap::new(),
            pace,
            stopped: false,
            done: Vec::new(),
        }
    }

    /// Adds a session to be polled from `begin` on. `flows` are the flows of
    /// `target` that are its own.
    pub fn add(
        &mut self,
        session: S,
        target: Address,
        flows: impl IntoIterator<Item = u16>,
        begin: Moment,
    ) {
        let index = self.agenda.add();
        for flow in flows {
            self.by_flow.insert((target, flow), index);
        }
        self.sessions.push(session);
        self.agenda.want(index, begin);
    }

    /// All sessions, in the order that they were added.
    pub fn sessions(&self) -> &[S] {
        &self.sessions
    }

    /// A session by its number.
    pub fn session_mut(&mut self, session: usize) -> Option<&mut S> {
        self.sessions.get_mut(session)
    }

    /// What a probe is made of, if not of what the plan says.
    pub fn protocol(&self, key: Key) -> Option<Protocol> {
        let session = self.sessions.get(key.session as usize)?;
        session.protocol(key.probe)
    }

    /// Sessions that are not done.
    pub fn live(&self) -> usize {
        self.agenda.live()
    }

    /// Whether every session is done.
    pub fn is_done(&self) -> bool {
        self.live() == 0
    }

    /// Sessions that are done since this was last asked.
    pub fn take_done(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.done)
    }

    /// The next probe to be sent, if one is due.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Key> {
        while let Some((moment, session)) = self.agenda.first() {
            if moment > now || !self.may_poll(now) {
                return None;
            }
            if let Some(probe) = self.poll_session(session, now) {
                self.pace.take();
                return Some(Key { session, probe });
            }
        }
        None
    }

    /// A probe was handed to the kernel.
    pub fn handle_sent(&mut self, key: Key, lease: Lease, now: Moment) {
        self.flights.begin(key, lease, now);
    }

    /// A probe could not be sent, or was refused behind its stamp: no answer will come.
    pub fn handle_refused(&mut self, key: Key, why: Unsent, now: Moment) {
        self.missing(key, Missing::NeverSent(why), now);
    }

    /// A reply came for a session. Says whether its round-trip time is known: it is not if
    /// the host slept meanwhile.
    pub fn handle_answer(&mut self, session: u32, answer: &Answer, now: Moment) -> bool {
        let Some(state) = self.sessions.get_mut(session as usize) else {
            return true;
        };
        let probe = answer.probe;
        // A duplicate settles nothing: the first answer was lost here, and the
        // slot says so when the probe's time is up.
        let settles = matches!(answer.outcome, Outcome::Valid | Outcome::Late);
        let known = if settles {
            self.flights.settle(Key { session, probe })
        } else {
            Known::Not
        };
        let mut answer = answer.clone();
        match known {
            // A clock stood still meanwhile: how long it took is not known.
            Known::InFlight(since) if self.flights.slept_through(since, Some(answer.arrived)) => {
                self.missing(Key { session, probe }, SLEPT, now);
                return false;
            }
            // That it was lost to sleep is counted already.
            Known::GivenUp(SLEPT) => return false,
            Known::InFlight(_) => {}
            Known::GivenUp(cause) => state.take_back(probe, cause),
            // Its loss is counted and cannot be taken back any more.
            Known::Not if settles => answer.outcome = Outcome::Late,
            Known::Not => {}
        }
        state.handle_answer(&answer, now);
        if known != Known::Not && answer.outcome == Outcome::Late {
            state.handle_missing(probe, Missing::Unanswered, now);
        }
        self.agenda.want(session, now);
        true
    }

    /// The one probe that a reply without an index can answer. If it could be
    /// any of several, the session is told, and there is none.
    pub fn match_unindexed(
        &mut self,
        responder: Address,
        flow: u16,
        now: Moment,
    ) -> Option<(Key, Lease)> {
        let index = *self.by_flow.get(&(responder, flow))?;
        let session = self.sessions.get_mut(index as usize)?;
        let mut candidates = self
            .flights
            .of(index)
            .filter(|(probe, _)| probe.flow == flow && session.awaits(*probe));
        let (probe, flight) = candidates.next()?;
        let Some((_, other)) = candidates.next() else {
            let key = Key {
                session: index,
                probe,
            };
            return Some((key, flight.lease));
        };
        let oldest = candidates
            .map(|(_, flight)| flight.since)
            .fold(flight.since.min(other.since), Moment::min);
        session.handle_ambiguity(now.since(oldest), now);
        self.agenda.want(index, now);
        None
    }

    /// When [`Self::poll_transmit`] or [`Self::handle_timeout`] is next worth a call.
    pub fn poll_timeout(&self, now: Moment) -> Option<Moment> {
        let due = self.agenda.first().map(|(moment, _)| {
            if self.stopped {
                moment
            } else {
                self.pace.next(now).max(moment)
            }
        });
        match (due, self.flights.next_deadline()) {
            (Some(due), Some(deadline)) => Some(due.min(deadline)),
            (due, deadline) => due.or(deadline),
        }
    }

    /// Gives up probes whose time is up. `fate` says what the slot knows; `None`:
    /// it has a new tenant. All answers that came before `now` are to be handed
    /// over first: what the slot calls answered counts as lost here.
    pub fn handle_timeout(&mut self, now: Moment, fate: impl Fn(Lease) -> Option<Fate>) {
        while let Some((key, flight)) = self.flights.expired(now) {
            let cause = match fate(flight.lease) {
                Some(Fate::NeverStamped) => Missing::NeverSent(Unsent::Vanished),
                Some(Fate::Dropped) => Missing::NeverSent(Unsent::DroppedAfterStamp),
                Some(Fate::Answered) => Missing::ByUs(LostHere::RingFull),
                Some(Fate::LateOnly | Fate::Unanswered) | None
                    if self.flights.slept_through(flight.since, None) =>
                {
                    SLEPT
                }
                Some(Fate::LateOnly | Fate::Unanswered) | None => Missing::Unanswered,
            };
            self.flights.give_up(key, cause, now);
            self.missing(key, cause, now);
        }
    }

    /// The host slept between these moments, for longer than they are apart: the clock
    /// stood still. What was under way is nobody's loss.
    pub fn handle_suspended(&mut self, from: Moment, until: Moment) {
        self.flights.sleep(from, until);
    }

    /// Sends nothing more; sessions are done when nothing is waited for.
    pub fn stop(&mut self, now: Moment) {
        self.stopped = true;
        for (index, session) in (0u32..).zip(&mut self.sessions) {
            session.stop();
            self.agenda.want(index, now);
        }
    }

    /// Sessions that may send are polled only when a probe may leave.
    fn may_poll(&mut self, now: Moment) -> bool {
        self.stopped || self.pace.allows(now)
    }

    fn missing(&mut self, key: Key, cause: Missing, now: Moment) {
        if let Some(session) = self.sessions.get_mut(key.session as usize) {
            session.handle_missing(key.probe, cause, now);
        }
        self.agenda.want(key.session, now);
    }

    fn poll_session(&mut self, index: u32, now: Moment) -> Option<ProbeId> {
        match self.sessions.get_mut(index as usize)?.poll(now) {
            Poll::Send(probe) => {
                self.agenda.want(index, now);
                return Some(probe);
            }
            Poll::Wait(moment) => self.agenda.want(index, moment),
            Poll::Idle => self.agenda.rest(index),
            Poll::Done => {
                self.agenda.close(index);
                self.done.push(index);
            }
        }
        None
    }
}
