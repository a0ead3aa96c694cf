//! Outcomes of probes in the order in which they were sent, however they come.

use std::collections::VecDeque;

use super::time::Moment;

/// Rounds that were sent and not given out yet, from the oldest on. It holds no more
/// than are under way or may still be revoked.
#[derive(Clone, Debug)]
pub struct Sequence<T> {
    /// Round of the first place.
    first: u32,
    places: VecDeque<Place<T>>,
}

#[derive(Clone, Copy, Debug)]
enum Place<T> {
    /// Under way.
    Open,
    /// Known; `None`: not to be given out. It cannot be revoked from `final_at` on.
    Settled {
        outcome: Option<T>,
        final_at: Moment,
    },
}

impl<T> Default for Sequence<T> {
    fn default() -> Self {
        Self {
            first: 0,
            places: VecDeque::new(),
        }
    }
}

impl<T: Copy> Sequence<T> {
    /// A round is sent. Rounds are sent in their order; one that begins anew drops
    /// what was not given out.
    pub fn open(&mut self, round: u32) {
        if self.places.is_empty() || self.place_of(round) != Some(self.places.len()) {
            self.places.clear();
            self.first = round;
        }
        // Mostly the one before is answered by then.
        let is_first = self.places.capacity() == 0;
        self.places.reserve_exact(usize::from(is_first));
        self.places.push_back(Place::Open);
    }

    /// A round's outcome is known, and may be revoked before `final_at`. `None`: the
    /// round counts for nothing.
    pub fn settle(&mut self, round: u32, outcome: Option<T>, final_at: Moment) {
        if let Some(place) = self.at(round) {
            *place = Place::Settled { outcome, final_at };
        }
    }

    /// A round's outcome is revoked: it is under way again.
    pub fn reopen(&mut self, round: u32) {
        if let Some(place) = self.at(round) {
            *place = Place::Open;
        }
    }

    /// What is under way counts for nothing.
    pub fn skip_open(&mut self) {
        let skipped = Place::Settled {
            outcome: None,
            final_at: Moment(0),
        };
        for place in &mut self.places {
            if matches!(place, Place::Open) {
                *place = skipped;
            }
        }
    }

    /// The next outcome in order, as far as it is final and all before it are.
    pub fn next(&mut self, now: Moment) -> Option<T> {
        while let Some(&Place::Settled { outcome, final_at }) = self.places.front() {
            if final_at > now {
                return None;
            }
            self.places.pop_front();
            self.first = self.first.wrapping_add(1);
            if outcome.is_some() {
                return outcome;
            }
        }
        None
    }

    /// What is known of the rounds that were not given out, in order.
    pub fn rest(&self) -> impl Iterator<Item = T> {
        self.places.iter().filter_map(|place| match *place {
            Place::Settled { outcome, .. } => outcome,
            Place::Open => None,
        })
    }

    fn at(&mut self, round: u32) -> Option<&mut Place<T>> {
        let place = self.place_of(round)?;
        self.places.get_mut(place)
    }

    fn place_of(&self, round: u32) -> Option<usize> {
        // Rounds begin again at 0 after four billion: a place that is not there is none.
        usize::try_from(round.wrapping_sub(self.first)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(5);

    fn taken(sequence: &mut Sequence<char>, now: Moment) -> String {
        std::iter::from_fn(|| sequence.next(now)).collect()
    }

    #[test]
    fn outcomes_come_in_the_order_of_sending() {
        let mut sequence = Sequence::default();
        (7..12).for_each(|round| sequence.open(round));
        for (round, outcome) in [(9, 'c'), (8, 'b')] {
            sequence.settle(round, Some(outcome), NOW);
            assert_eq!(taken(&mut sequence, NOW), "");
        }
        sequence.settle(7, Some('a'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "abc");
        // What counts for nothing holds up nothing.
        sequence.settle(10, None, NOW);
        sequence.settle(11, Some('e'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "e");
    }

    #[test]
    fn what_may_be_revoked_waits() {
        let mut sequence = Sequence::default();
        (0..2).for_each(|round| sequence.open(round));
        sequence.settle(0, Some('x'), NOW);
        sequence.settle(1, Some('b'), Moment(0));
        assert_eq!(taken(&mut sequence, Moment(4)), "");
        assert_eq!(sequence.rest().collect::<String>(), "xb");
        sequence.reopen(0);
        assert_eq!(sequence.rest().collect::<String>(), "b");
        sequence.settle(0, Some('a'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "ab");
        // It is too late for that.
        sequence.reopen(0);
        sequence.settle(0, Some('x'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "");
    }

    #[test]
    fn what_is_under_way_can_be_given_up_as_a_whole() {
        let mut sequence = Sequence::default();
        (0..3).for_each(|round| sequence.open(round));
        sequence.settle(1, Some('b'), NOW);
        sequence.skip_open();
        sequence.open(3);
        sequence.settle(3, Some('d'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "bd");
    }

    #[test]
    fn rounds_begin_again_after_the_last() {
        let mut sequence = Sequence::default();
        let rounds = [u32::MAX - 1, u32::MAX, 0, 1];
        rounds.iter().for_each(|round| sequence.open(*round));
        for (round, outcome) in [(1, 'd'), (0, 'c'), (u32::MAX, 'b'), (u32::MAX - 1, 'a')] {
            sequence.settle(round, Some(outcome), NOW);
        }
        sequence.settle(u32::MAX - 2, Some('x'), NOW);
        assert_eq!(taken(&mut sequence, NOW), "abcd");
    }

    #[test]
    fn it_holds_no_more_than_is_under_way() {
        let mut sequence = Sequence::default();
        for round in 0..100_000 {
            sequence.open(round);
            if round >= 8 {
                sequence.settle(round - 8, Some('a'), NOW);
            }
            while sequence.next(NOW).is_some() {}
            assert!(sequence.places.len() <= 8);
        }
        assert!(sequence.places.capacity() <= 64);
    }
}
