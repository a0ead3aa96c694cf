//! The engine: many sessions, one agenda, the probes in flight.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    time::Duration,
};

use probe_common::{
    Address,
    abi::Outcome,
    slot::{Fate, Lease},
};

use super::{
    answer::{Answer, ProbeId},
    pace::Pace,
    session::{Missing, Poll, Session},
    time::Moment,
};

/// How long after its timeout a probe is given up: an answer in time may still
/// wait in a ring.
const GRACE: Duration = Duration::from_millis(20);

/// A probe of a session: the key of what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Index of the session.
    pub session: u32,
    /// The probe.
    pub probe: ProbeId,
}

/// Runs sessions. It sends nothing and knows no clock: `now` is passed in.
#[derive(Debug)]
pub struct Engine<S> {
    sessions: Vec<S>,
    /// When each session is to be polled; heap entries that differ are stale.
    wanted: Vec<Option<Moment>>,
    agenda: BinaryHeap<Reverse<(Moment, u32)>>,
    in_flight: HashMap<Key, Lease>,
    deadlines: VecDeque<(Moment, Key)>,
    /// Sessions of a target and flow, for replies that name no slot.
    by_flow: HashMap<(Address, u16), u32>,
    timeout: Duration,
    pace: Pace,
    live: usize,
    done: Vec<u32>,
}

impl<S: Session> Engine<S> {
    /// An engine whose probes are given up after `timeout`.
    pub fn new(timeout: Duration, pace: Pace) -> Self {
        Self {
            sessions: Vec::new(),
            wanted: Vec::new(),
            agenda: BinaryHeap::new(),
            in_flight: HashMap::new(),
            deadlines: VecDeque::new(),
            by_flow: HashMap::new(),
            timeout,
            pace,
            live: 0,
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
        let index = self.sessions.len() as u32;
        for flow in flows {
            self.by_flow.insert((target, flow), index);
        }
        self.sessions.push(session);
        self.wanted.push(None);
        self.live += 1;
        self.want(index, begin);
    }

    /// All sessions, in the order that they were added.
    pub fn sessions(&self) -> &[S] {
        &self.sessions
    }

    /// Sessions that are not done.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Whether every session is done.
    pub fn is_done(&self) -> bool {
        self.live == 0
    }

    /// Sessions that are done since this was last asked.
    pub fn take_done(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.done)
    }

    /// The next probe to be sent, if one is due.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Key> {
        while let Some(&Reverse((moment, index))) = self.agenda.peek() {
            if moment > now || !self.pace.allows(now) {
                return None;
            }
            self.agenda.pop();
            if self.wanted.get(index as usize) != Some(&Some(moment)) {
                continue;
            }
            if let Some(probe) = self.poll_session(index, now) {
                self.pace.take();
                return Some(Key {
                    session: index,
                    probe,
                });
            }
        }
        None
    }

    /// A probe was handed to the kernel.
    pub fn handle_sent(&mut self, key: Key, lease: Lease, now: Moment) {
        self.in_flight.insert(key, lease);
        self.deadlines.push_back((now + self.timeout + GRACE, key));
    }

    /// A probe could not be sent, or was refused behind its stamp.
    pub fn handle_refused(&mut self, key: Key, now: Moment) {
        self.in_flight.remove(&key);
        self.missing(key, Missing::NeverSent, now);
    }

    /// A reply came for a session.
    pub fn handle_answer(&mut self, session: u32, answer: &Answer, now: Moment) {
        let key = Key {
            session,
            probe: answer.probe,
        };
        let Some(state) = self.sessions.get_mut(session as usize) else {
            return;
        };
        state.handle_answer(answer, now);
        // A duplicate settles nothing: the first answer was lost here, and the
        // slot says so when the probe's time is up.
        let settles = matches!(answer.outcome, Outcome::Valid | Outcome::Late);
        if settles && self.in_flight.remove(&key).is_some() && answer.outcome == Outcome::Late {
            state.handle_missing(answer.probe, Missing::Unanswered, now);
        }
        self.want(session, now);
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
            .in_flight
            .iter()
            .filter(|(key, _)| {
                key.session == index && key.probe.flow == flow && session.awaits(key.probe)
            })
            .map(|(key, lease)| (*key, *lease));
        let first = candidates.next()?;
        if candidates.next().is_none() {
            return Some(first);
        }
        session.handle_ambiguity(now);
        self.want(index, now);
        None
    }

    /// When [`Self::poll_transmit`] or [`Self::handle_timeout`] is next worth a call.
    pub fn poll_timeout(&self, now: Moment) -> Option<Moment> {
        let due = self
            .agenda
            .peek()
            .map(|Reverse((moment, _))| self.pace.next(now).max(*moment));
        let deadline = self.deadlines.front().map(|(moment, _)| *moment);
        match (due, deadline) {
            (Some(due), Some(deadline)) => Some(due.min(deadline)),
            (due, deadline) => due.or(deadline),
        }
    }

    /// Gives up probes whose time is up. `fate` says what the slot knows; `None`:
    /// it has a new tenant.
    pub fn handle_timeout(&mut self, now: Moment, fate: impl Fn(Lease) -> Option<Fate>) {
        while let Some(&(deadline, key)) = self.deadlines.front() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_front();
            let Some(lease) = self.in_flight.remove(&key) else {
                continue;
            };
            let cause = match fate(lease) {
                Some(Fate::NeverStamped | Fate::Dropped) => Missing::NeverSent,
                Some(Fate::Answered) => Missing::ByUs,
                Some(Fate::LateOnly | Fate::Unanswered) | None => Missing::Unanswered,
            };
            self.missing(key, cause, now);
        }
    }

    /// Sends nothing more; sessions are done when nothing is waited for.
    pub fn stop(&mut self, now: Moment) {
        for session in &mut self.sessions {
            session.stop();
        }
        for index in 0..self.sessions.len() as u32 {
            self.want(index, now);
        }
    }

    fn missing(&mut self, key: Key, cause: Missing, now: Moment) {
        if let Some(session) = self.sessions.get_mut(key.session as usize) {
            session.handle_missing(key.probe, cause, now);
        }
        self.want(key.session, now);
    }

    fn poll_session(&mut self, index: u32, now: Moment) -> Option<ProbeId> {
        let poll = self.sessions.get_mut(index as usize)?.poll(now);
        match poll {
            Poll::Send(probe) => {
                self.want(index, now);
                return Some(probe);
            }
            Poll::Wait(moment) => self.want(index, moment),
            Poll::Idle => self.unwant(index),
            Poll::Done => {
                self.live = self.live.saturating_sub(1);
                self.done.push(index);
                if let Some(wanted) = self.wanted.get_mut(index as usize) {
                    *wanted = Some(DONE);
                }
            }
        }
        None
    }

    fn want(&mut self, index: u32, moment: Moment) {
        let Some(wanted) = self.wanted.get_mut(index as usize) else {
            return;
        };
        if *wanted == Some(DONE) || *wanted == Some(moment) {
            return;
        }
        *wanted = Some(moment);
        self.agenda.push(Reverse((moment, index)));
    }

    fn unwant(&mut self, index: u32) {
        if let Some(wanted) = self.wanted.get_mut(index as usize) {
            *wanted = None;
        }
    }
}

/// The mark of a session that is done.
const DONE: Moment = Moment(u64::MAX);
