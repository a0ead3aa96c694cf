//! What replies add up to while they stream by: for each TTL, and for each router
//! that answered. Memory is bounded, whatever the size of the sweep.

use std::collections::{HashMap, hash_map::Entry};

use probe_common::{
    Address,
    abi::{Event, Kind, Outcome},
};

use super::histogram::LogLinear;

/// Routers kept one by one: those met first, which in a permuted order are those
/// met most. Others are counted together.
const MOST_RESPONDERS: usize = 4_096;

/// TTLs that a probe can have, and 0.
const TTLS: usize = 256;

/// Replies of one TTL.
#[derive(Clone, Debug, Default)]
pub struct TtlTally {
    /// First replies within the timeout.
    pub answered: u64,
    /// Of these, from the target itself.
    pub reached: u64,
    /// First replies after the timeout.
    pub late: u64,
    /// Further replies.
    pub duplicates: u64,
    /// Round-trip times of the answered, as far as the host did not sleep meanwhile.
    pub rtt: LogLinear,
}

/// Replies of one router.
#[derive(Clone, Debug)]
pub struct ResponderTally {
    /// First replies within the timeout.
    pub replies: u64,
    /// Least TTL that it answered at.
    pub first_ttl: u8,
    /// Greatest TTL that it answered at.
    pub last_ttl: u8,
    /// Least round-trip time, nanoseconds.
    pub min_ns: u64,
    /// Greatest round-trip time, nanoseconds.
    pub max_ns: u64,
    /// Sum of round-trip times, nanoseconds.
    pub sum_ns: u128,
    /// Kinds of its replies, a bit for each code.
    pub kinds: u16,
    /// Round-trip times.
    pub rtt: LogLinear,
}

/// The sums of a reader, or of all.
#[derive(Debug)]
pub struct Aggregate {
    ttls: Vec<Option<Box<TtlTally>>>,
    responders: HashMap<Address, ResponderTally>,
    /// Replies of routers beyond those that are kept one by one.
    pub other_replies: u64,
}

impl Default for Aggregate {
    fn default() -> Self {
        Self {
            ttls: vec![None; TTLS],
            responders: HashMap::new(),
            other_replies: 0,
        }
    }
}

impl Aggregate {
    /// Counts a reply. Codes of another version are not counted.
    pub fn record(&mut self, event: &Event) {
        let (Some(kind), Some(outcome)) = (
            Kind::from_code(event.kind),
            Outcome::from_code(event.outcome),
        ) else {
            return;
        };
        let Some(ttl) = self.ttls.get_mut(usize::from(event.ttl)) else {
            return;
        };
        let ttl = ttl.get_or_insert_default();
        match outcome {
            Outcome::Valid => {}
            Outcome::Late => {
                ttl.late += 1;
                return;
            }
            Outcome::Duplicate => {
                ttl.duplicates += 1;
                return;
            }
            Outcome::Unindexed => return,
        }
        let rtt_ns = event.rtt_ns();
        ttl.answered += 1;
        if let Some(rtt_ns) = rtt_ns {
            ttl.rtt.record(rtt_ns);
        }
        if kind.reaches_target() {
            ttl.reached += 1;
        } else {
            self.record_responder(event, kind, rtt_ns);
        }
    }

    /// Adds the sums of another reader.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.ttls.iter_mut().zip(other.ttls) {
            let Some(theirs) = theirs else {
                continue;
            };
            match mine {
                Some(mine) => mine.merge(&theirs),
                None => *mine = Some(theirs),
            }
        }
        self.other_replies += other.other_replies;
        for (address, tally) in other.responders {
            let full = self.responders.len() >= MOST_RESPONDERS;
            match self.responders.entry(address) {
                Entry::Occupied(mut mine) => mine.get_mut().merge(&tally),
                Entry::Vacant(_) if full => self.other_replies += tally.replies,
                Entry::Vacant(place) => drop(place.insert(tally)),
            }
        }
    }

    /// The tallies of TTLs that anything came for, in order.
    pub fn ttls(&self) -> impl Iterator<Item = (u8, &TtlTally)> {
        let all = (0..=u8::MAX).zip(&self.ttls);
        all.filter_map(|(ttl, tally)| Some((ttl, tally.as_deref()?)))
    }

    /// The tally of one TTL.
    pub fn ttl(&self, ttl: u8) -> Option<&TtlTally> {
        self.ttls.get(usize::from(ttl))?.as_deref()
    }

    /// The routers that are kept one by one, in no order.
    pub fn responders(&self) -> impl Iterator<Item = (&Address, &ResponderTally)> {
        self.responders.iter()
    }

    fn record_responder(&mut self, event: &Event, kind: Kind, rtt_ns: Option<u64>) {
        let full = self.responders.len() >= MOST_RESPONDERS;
        let tally = match self.responders.entry(event.responder) {
            Entry::Occupied(tally) => tally.into_mut(),
            Entry::Vacant(_) if full => {
                self.other_replies += 1;
                return;
            }
            Entry::Vacant(place) => place.insert(ResponderTally::new(event.ttl)),
        };
        tally.record(event.ttl, kind, rtt_ns);
    }
}

impl TtlTally {
    fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.reached += other.reached;
        self.late += other.late;
        self.duplicates += other.duplicates;
        self.rtt.merge(&other.rtt);
    }
}

impl ResponderTally {
    fn new(ttl: u8) -> Self {
        Self {
            replies: 0,
            first_ttl: ttl,
            last_ttl: ttl,
            min_ns: u64::MAX,
            max_ns: 0,
            sum_ns: 0,
            kinds: 0,
            rtt: LogLinear::default(),
        }
    }

    /// Names of the kinds of its replies.
    pub fn kinds(&self) -> Vec<&'static str> {
        let all = Kind::ALL.iter();
        let has = |kind: &&Kind| self.kinds & (1 << (**kind as u16)) != 0;
        all.filter(has).map(|kind| kind.name()).collect()
    }

    fn record(&mut self, ttl: u8, kind: Kind, rtt_ns: Option<u64>) {
        self.replies += 1;
        self.first_ttl = self.first_ttl.min(ttl);
        self.last_ttl = self.last_ttl.max(ttl);
        self.kinds |= 1 << (kind as u16 & 15);
        if let Some(rtt_ns) = rtt_ns {
            self.min_ns = self.min_ns.min(rtt_ns);
            self.max_ns = self.max_ns.max(rtt_ns);
            self.sum_ns += u128::from(rtt_ns);
            self.rtt.record(rtt_ns);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.replies += other.replies;
        self.first_ttl = self.first_ttl.min(other.first_ttl);
        self.last_ttl = self.last_ttl.max(other.last_ttl);
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
        self.kinds |= other.kinds;
        self.rtt.merge(&other.rtt);
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable as _;

    use super::*;

    fn event(ttl: u8, last: u8, kind: Kind, outcome: Outcome, rtt_ns: u64) -> Event {
        Event {
            tx_ns: 1_000,
            rx_ns: 1_000 + rtt_ns,
            responder: Address::from_v4([10, 0, ttl, last]),
            ttl,
            kind: kind as u8,
            outcome: outcome as u8,
            ..Event::zeroed()
        }
    }

    #[test]
    fn only_first_replies_in_time_have_a_round_trip_time() {
        let mut sums = Aggregate::default();
        sums.record(&event(3, 1, Kind::TimeExceeded, Outcome::Valid, 5_000));
        sums.record(&event(3, 1, Kind::TimeExceeded, Outcome::Duplicate, 9_000));
        sums.record(&event(
            3,
            1,
            Kind::TimeExceeded,
            Outcome::Late,
            2_000_000_000,
        ));
        sums.record(&event(9, 2, Kind::EchoReply, Outcome::Valid, 7_000));
        let third = sums.ttl(3).expect("a tally");
        assert_eq!((third.answered, third.duplicates, third.late), (1, 1, 1));
        assert_eq!(third.rtt.total(), 1);
        assert_eq!(sums.ttl(9).expect("a tally").reached, 1);
        // A target is no router on the way.
        assert_eq!(sums.responders().count(), 1);
    }

    #[test]
    fn replies_that_slept_count_and_have_no_round_trip_time() {
        let mut sums = Aggregate::default();
        let event = event(3, 1, Kind::TimeExceeded, Outcome::Valid, 5_000);
        sums.record(&event);
        sums.record(&event.with_sleep());
        let tally = sums.ttl(3).expect("a tally");
        assert_eq!((tally.answered, tally.rtt.total()), (2, 1));
        let (_, router) = sums.responders().next().expect("a router");
        assert_eq!((router.replies, router.rtt.total()), (2, 1));
    }

    #[test]
    fn readers_together_are_as_one() {
        let (mut one, mut other, mut all) = <(Aggregate, Aggregate, Aggregate)>::default();
        for number in 0..1_000u64 {
            let event = event(
                (number % 7) as u8,
                (number % 3) as u8,
                Kind::TimeExceeded,
                Outcome::Valid,
                number * 100,
            );
            all.record(&event);
            if number % 2 == 0 {
                one.record(&event);
            } else {
                other.record(&event);
            }
        }
        one.merge(other);
        for (ttl, tally) in all.ttls() {
            let merged = one.ttl(ttl).expect("a tally");
            assert_eq!(merged.answered, tally.answered);
            assert_eq!(merged.rtt.quantile(0.5), tally.rtt.quantile(0.5));
        }
        for (address, tally) in all.responders() {
            let (_, merged) = one
                .responders()
                .find(|(known, _)| *known == address)
                .expect("the same routers");
            assert_eq!(
                (merged.replies, merged.sum_ns),
                (tally.replies, tally.sum_ns)
            );
            assert_eq!((merged.min_ns, merged.max_ns), (tally.min_ns, tally.max_ns));
        }
    }

    #[test]
    fn routers_beyond_the_bound_are_counted_together() {
        let mut sums = Aggregate::default();
        let more = MOST_RESPONDERS as u32 + 10;
        for number in 0..more {
            let [_, a, b, c] = number.to_be_bytes();
            sums.record(&Event {
                responder: Address::from_v4([10, a, b, c]),
                ..event(4, 0, Kind::TimeExceeded, Outcome::Valid, 1_000)
            });
        }
        assert_eq!(sums.responders().count(), MOST_RESPONDERS);
        assert_eq!(sums.other_replies, 10);
    }
}
