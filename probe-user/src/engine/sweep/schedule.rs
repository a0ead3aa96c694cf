//! What is sent in which order: a keyed permutation of (target, TTL, flow), round
//! after round, of which a shard and a lane take every n-th step. It has no state
//! but a number, the *cursor*, which is all that a resumed run needs.

use probe_common::{
    permutation::Permutation,
    plan::{Place, Space},
};

/// Which part of the whole a run does: `index` of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub of: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
}

/// The order of a run's probes.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    space: Space,
    permutation: Permutation,
    shard: Shard,
    rounds: u32,
}

/// One step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number among the steps of the shard.
    pub cursor: u64,
    /// Round, from 0.
    pub round: u32,
    /// What is sent; `None`: a hole of the permutation.
    pub place: Option<Place>,
    /// Where the trail of its path is; 0 in a full sweep.
    pub seat: u32,
}

impl Schedule {
    /// `rounds` times the probes of `space`, in an order that `seed` names.
    pub const fn new(space: Space, seed: u64, shard: Shard, rounds: u32) -> Self {
        Self {
            space,
            permutation: Permutation::new(space.length(), seed),
            shard,
            rounds,
        }
    }

    /// The order of a round.
    pub const fn permutation(&self) -> Permutation {
        self.permutation
    }

    /// Steps of one round of the shard, holes included.
    pub const fn steps_of_round(&self) -> u64 {
        let positions = self.permutation.positions();
        let rest = positions.saturating_sub(self.shard.index as u64);
        if self.shard.of == 1 {
            return rest;
        }
        rest.div_ceil(self.shard.of as u64)
    }

    /// Steps of the shard in all rounds, holes included.
    pub const fn steps(&self) -> u64 {
        self.steps_of_round() * self.rounds as u64
    }

    /// The step with this cursor; `None`: beyond the last.
    pub fn step(&self, cursor: u64) -> Option<Step> {
        let of_round = self.steps_of_round();
        let round = u32::try_from(cursor.checked_div(of_round)?).ok()?;
        if round >= self.rounds {
            return None;
        }
        Some(Step {
            cursor,
            round,
            place: self.place(cursor % of_round),
            seat: 0,
        })
    }

    /// Every `of`-th step from `begin` on: what one sending thread does.
    pub fn lane(&self, index: u32, of: u32, begin: u64) -> Lane {
        let (index, of) = (u64::from(index), u64::from(of.max(1)));
        let behind = (begin + of - index % of) % of;
        let next = begin + (of - behind) % of;
        let of_round = self.steps_of_round().max(1);
        Lane {
            schedule: *self,
            of_round,
            round: next / of_round,
            offset: next % of_round,
            stride: of,
            ahead: [None; LOOK_AHEAD],
            next: LOOK_AHEAD,
        }
    }

    /// What is sent at a step of a round.
    #[inline]
    fn place(&self, offset: u64) -> Option<Place> {
        let number = self.permutation.at(self.position(offset))?;
        self.space.place(number)
    }

    const fn position(&self, step: u64) -> u64 {
        self.shard.index as u64 + step * self.shard.of as u64
    }
}

/// Steps that are looked up together. Each is a chain of divisions and hashes, and a
/// processor goes along several chains at once.
const LOOK_AHEAD: usize = 16;

/// The steps of one sending thread, in order.
#[derive(Clone, Debug)]
pub struct Lane {
    schedule: Schedule,
    of_round: u64,
    round: u64,
    /// Steps of the round before the next one.
    offset: u64,
    stride: u64,
    /// What is sent at some steps in a row of the same round.
    ahead: [Option<Place>; LOOK_AHEAD],
    /// Which of these is the next step's; beyond the last: none.
    next: usize,
}

impl Lane {
    /// The cursor of the next step: all before it, of this lane, were given out.
    pub fn cursor(&self) -> u64 {
        self.round * self.of_round + self.offset
    }

    /// The round of the next step, from 0.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Steps of that round before the next one.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next step, which stays the next.
    #[inline]
    pub fn peek(&mut self) -> Option<Step> {
        let round = u32::try_from(self.round).ok()?;
        if round >= self.schedule.rounds || self.offset >= self.schedule.steps_of_round() {
            return None;
        }
        if self.next >= LOOK_AHEAD {
            self.look_ahead();
        }
        Some(Step {
            cursor: self.cursor(),
            round,
            place: *self.ahead.get(self.next)?,
            seat: 0,
        })
    }

    /// Looks up the next steps; those beyond the round mean nothing.
    fn look_ahead(&mut self) {
        for (distance, place) in (0..).zip(&mut self.ahead) {
            *place = self.schedule.place(self.offset + distance * self.stride);
        }
        self.next = 0;
    }

    /// Goes one step on.
    pub fn advance(&mut self) {
        self.offset += self.stride;
        self.next = LOOK_AHEAD.min(self.next + 1);
        while self.offset >= self.of_round {
            self.offset -= self.of_round;
            self.round += 1;
            self.next = LOOK_AHEAD;
        }
    }
}

impl Iterator for Lane {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let step = self.peek()?;
        self.advance();
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn places(schedule: &Schedule, lanes: u32, begin: u64) -> HashMap<(u32, Place), u32> {
        let mut seen = HashMap::new();
        for lane in 0..lanes {
            for step in schedule.lane(lane, lanes, begin) {
                if let Some(place) = step.place {
                    *seen.entry((step.round, place)).or_default() += 1;
                }
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn shards_and_lanes_together_send_every_probe_once(
            targets in 1u32..60,
            ttls in 1u8..12,
            flows in 1u16..4,
            shards in 1u32..6,
            lanes in 1u32..5,
            rounds in 1u32..3,
            seed in any::<u64>(),
        ) {
            let space = Space::new(targets, 1, ttls, flows);
            let mut all: HashMap<(u32, Place), u32> = HashMap::new();
            for index in 0..shards {
                let shard = Shard { index, of: shards };
                let schedule = Schedule::new(space, seed, shard, rounds);
                for (probe, count) in places(&schedule, lanes, 0) {
                    *all.entry(probe).or_default() += count;
                }
            }
            prop_assert_eq!(all.len() as u64, space.length() * u64::from(rounds));
            prop_assert!(all.values().all(|count| *count == 1));
        }

        #[test]
        fn a_resumed_run_does_what_is_left_with_any_number_of_lanes(
            begin in 0u64..400,
            before in 1u32..5,
            after in 1u32..5,
        ) {
            let schedule = Schedule::new(Space::new(20, 1, 20, 1), 9, Shard::WHOLE, 1);
            let mut done: HashMap<(u32, Place), u32> = HashMap::new();
            for lane in 0..before {
                for step in schedule.lane(lane, before, 0).take_while(|step| step.cursor < begin) {
                    if let Some(place) = step.place {
                        *done.entry((step.round, place)).or_default() += 1;
                    }
                }
            }
            for (probe, count) in places(&schedule, after, begin) {
                *done.entry(probe).or_default() += count;
            }
            prop_assert_eq!(done.len(), 400);
            prop_assert!(done.values().all(|count| *count == 1));
        }
    }

    #[test]
    fn nothing_comes_behind_the_last_round() {
        let schedule = Schedule::new(Space::new(3, 1, 1, 1), 1, Shard::WHOLE, 2);
        assert_eq!(schedule.step(schedule.steps()), None);
        let empty = Schedule::new(Space::new(0, 1, 1, 1), 1, Shard::WHOLE, 2);
        assert_eq!(empty.steps(), 0);
        assert_eq!(empty.step(0), None);
    }
}
