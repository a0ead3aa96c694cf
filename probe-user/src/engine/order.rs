//! Replies that come in another order than their probes were sent in.

use super::{report::Reordered, time::Moment};

/// Counts what is reordered (RFC 4737, section 3.3: Type-P-Reordered): a reply before
/// which the reply to a later probe arrived. Both ways are in it.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Highest round whose reply has come, and when it arrived.
    highest: Option<(u32, Moment)>,
    replies: u64,
    reordered: u64,
}

impl Order {
    /// A reply to this round arrived then. Replies may be told a little out of the
    /// order of arrival, as their rings are read one after another.
    pub fn record(&mut self, round: u32, arrived: Moment) {
        self.replies += 1;
        match self.highest {
            // Rounds begin again at 0 after four billion.
            Some((highest, then)) if highest.wrapping_sub(round).wrapping_sub(1) < u32::MAX / 2 => {
                self.reordered += u64::from(arrived > then);
            }
            _ => self.highest = Some((round, arrived)),
        }
    }

    /// How many were reordered.
    pub fn reordered(&self) -> Reordered {
        Reordered {
            count: self.reordered,
            ratio: self.reordered as f64 / self.replies.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replies_told_late_are_not_reordered() {
        let mut order = Order::default();
        order.record(2, Moment(20));
        order.record(1, Moment(10));
        assert_eq!(order.reordered().count, 0);
        order.record(0, Moment(30));
        assert_eq!(order.reordered().count, 1);
        assert_eq!(order.reordered().ratio, 1.0 / 3.0);
    }

    #[test]
    fn rounds_that_begin_again_are_later() {
        let mut order = Order::default();
        for (round, at) in [(u32::MAX - 1, 1), (0, 2), (u32::MAX, 3), (1, 4), (1, 5)] {
            order.record(round, Moment(at));
        }
        assert_eq!(order.reordered().count, 1);
    }

    proptest! {
        /// The definition: a later probe's reply came sooner.
        #[test]
        fn it_counts_what_the_definition_does(
            arrivals in prop::collection::btree_map(0u32..200, 0u64..1_000_000, 1..100),
        ) {
            let mut arrivals: Vec<(u32, u64)> = arrivals.into_iter().collect();
            let overtaken = arrivals.iter().filter(|(round, at)| {
                arrivals.iter().any(|(other, sooner)| other > round && sooner < at)
            });
            let exact = overtaken.count() as u64;
            arrivals.sort_by_key(|(round, at)| (*at, *round));
            let mut order = Order::default();
            for (round, at) in arrivals {
                order.record(round, Moment(at));
            }
            prop_assert_eq!(order.reordered().count, exact);
        }
    }
}
