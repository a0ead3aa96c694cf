//! Probes in flight, and those given up not long ago.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use probe_common::slot::Lease;

use super::{answer::ProbeId, session::Missing, time::Moment};

/// How long after its timeout a probe is given up: an answer in time may still
/// wait in a ring.
pub const GRACE: Duration = Duration::from_millis(20);

/// A probe of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Index of the session.
    pub session: u32,
    /// The probe.
    pub probe: ProbeId,
}

/// A probe under way.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    /// Its slot.
    pub lease: Lease,
    /// When it was handed to the kernel.
    pub since: Moment,
}

/// What is known of a probe that an answer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was in flight until now, since then.
    InFlight(Moment),
    /// It was given up, and counted as missing.
    GivenUp(Missing),
    /// It is forgotten, or was answered before.
    Not,
}

/// All probes that an answer may still come for.
#[derive(Debug)]
pub struct Flights {
    /// In the order of sessions, to find those of one.
    in_flight: BTreeMap<Key, Flight>,
    given_up: HashMap<Key, Missing>,
    /// When to give up a probe in flight, or forget one that was given up; all
    /// wait equally long, so the queue is in order.
    deadlines: VecDeque<Deadline>,
    patience: Duration,
    /// When the host last slept, if it did: it was awake until the first, and at the second
    /// again.
    slept: Option<(Moment, Moment)>,
}

/// What is to be done about a probe at some time.
type Deadline = (Moment, Key, Due);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    GiveUp,
    Forget,
}

impl Flights {
    /// No probes. They will be given up a little after `timeout`, and forgotten
    /// as long after that.
    pub fn new(timeout: Duration) -> Self {
        Self {
            in_flight: BTreeMap::new(),
            given_up: HashMap::new(),
            deadlines: VecDeque::new(),
            patience: timeout + GRACE,
            slept: None,
        }
    }

    /// The host slept for a while between these moments: of a clock that stood still
    /// meanwhile.
    pub fn sleep(&mut self, from: Moment, until: Moment) {
        self.slept = Some((from, until));
    }

    /// Whether a probe was under way while the host slept, and had no answer before.
    pub fn slept_through(&self, since: Moment, arrived: Option<Moment>) -> bool {
        self.slept.is_some_and(|(from, until)| {
            since <= until && arrived.is_none_or(|arrived| arrived > from)
        })
    }

    /// A probe takes off.
    pub fn begin(&mut self, key: Key, lease: Lease, now: Moment) {
        self.in_flight.insert(key, Flight { lease, since: now });
        self.queue(key, Due::GiveUp, now);
    }

    /// A probe is counted as missing. Its answer may come yet.
    pub fn give_up(&mut self, key: Key, cause: Missing, now: Moment) {
        self.in_flight.remove(&key);
        self.given_up.insert(key, cause);
        self.queue(key, Due::Forget, now);
    }

    /// An answer came.
    pub fn settle(&mut self, key: Key) -> Known {
        if let Some(flight) = self.in_flight.remove(&key) {
            return Known::InFlight(flight.since);
        }
        let given_up = self.given_up.remove(&key);
        given_up.map_or(Known::Not, Known::GivenUp)
    }

    /// The probes of a session, by TTL, flow and round.
    pub fn of(&self, session: u32) -> impl Iterator<Item = (ProbeId, Flight)> {
        let from = Key {
            session,
            probe: ProbeId::FIRST,
        };
        self.in_flight
            .range(from..)
            .take_while(move |(key, _)| key.session == session)
            .map(|(key, flight)| (key.probe, *flight))
    }

    /// The next deadline.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.front().map(|(moment, ..)| *moment)
    }

    /// The next probe whose time is up; forgets those given up long ago.
    pub fn expired(&mut self, now: Moment) -> Option<(Key, Flight)> {
        while let Some(&(moment, key, due)) = self.deadlines.front() {
            if moment > now {
                return None;
            }
            self.deadlines.pop_front();
            if due == Due::Forget {
                self.given_up.remove(&key);
            } else if let Some(flight) = self.in_flight.get(&key) {
                return Some((key, *flight));
            }
        }
        None
    }

    fn queue(&mut self, key: Key, due: Due, now: Moment) {
        // It may hold a million: twice as much would be too much.
        if self.deadlines.len() == self.deadlines.capacity() {
            self.deadlines.reserve_exact(self.deadlines.len() / 4 + 16);
        }
        self.deadlines.push_back((now + self.patience, key, due));
    }
}

#[cfg(test)]
mod tests {
    use probe_common::identity::Nonce;

    use super::*;

    const KEY: Key = Key {
        session: 3,
        probe: ProbeId::FIRST,
    };

    const LEASE: Lease = Lease {
        index: 1,
        seq16: 1,
        nonce: Nonce(1),
    };

    #[test]
    fn a_probe_is_known_until_as_long_again_after_it_was_given_up() {
        let timeout = Duration::from_secs(1);
        let given_up = Moment(0) + timeout + GRACE;
        for (read_at, known) in [
            (given_up, Known::GivenUp(Missing::Unanswered)),
            (given_up + timeout, Known::GivenUp(Missing::Unanswered)),
            (given_up + timeout + GRACE, Known::Not),
        ] {
            let mut flights = Flights::new(timeout);
            flights.begin(KEY, LEASE, Moment(0));
            assert!(flights.expired(Moment(0) + timeout).is_none());
            let expired = flights
                .expired(given_up)
                .map(|(key, flight)| (key, flight.lease));
            assert_eq!(expired, Some((KEY, LEASE)));
            flights.give_up(KEY, Missing::Unanswered, given_up);
            assert!(flights.expired(read_at).is_none());
            assert_eq!(flights.settle(KEY), known, "{read_at:?}");
            assert_eq!(flights.settle(KEY), Known::Not);
        }
    }

    #[test]
    fn an_answered_probe_is_not_given_up() {
        let mut flights = Flights::new(Duration::from_secs(1));
        flights.begin(KEY, LEASE, Moment(0));
        assert_eq!(flights.settle(KEY), Known::InFlight(Moment(0)));
        assert!(flights.expired(Moment(u64::MAX)).is_none());
        assert_eq!(flights.next_deadline(), None);
    }

    #[test]
    fn the_probes_of_a_session_are_found_among_all() {
        let mut flights = Flights::new(Duration::from_secs(1));
        for session in 0..5 {
            for round in 0..3 {
                let probe = ProbeId {
                    ttl: 9,
                    flow: 1,
                    round,
                };
                flights.begin(Key { session, probe }, LEASE, Moment(0));
            }
        }
        let rounds: Vec<u32> = flights.of(3).map(|(probe, _)| probe.round).collect();
        assert_eq!(rounds, [0, 1, 2]);
    }
}
