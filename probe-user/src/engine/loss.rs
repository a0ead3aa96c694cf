//! Loss that the path did not cause.

use super::tally::Tally;

/// Normal deviates by which a hop's loss must exceed that of the hops behind it not to be
/// theirs by chance: one in forty.
const BEYOND_CHANCE: f64 = 2.0;

/// Probes that were lost, of so many.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    lost: u64,
    probes: u64,
}

/// How many of each hop's unanswered probes its ICMP rate limit explains: loss
/// at a hop that does not go on behind it is no loss of the path, for the probes
/// that the hops behind answered passed it. Where no hop behind it answered, a limit
/// that its replies look like explains it. Where hops behind lose as well, what a hop
/// loses beyond them must be more than chance.
///
/// `hops` are in the order of the path, each with whether its replies look like that.
/// A hop that never answered is silent, not limited; behind the last hop that answered
/// nothing can be told.
pub fn rate_limited(hops: &[(&Tally, bool)]) -> Vec<u64> {
    let mut least_behind: Option<Share> = None;
    let mut limited: Vec<u64> = hops
        .iter()
        .rev()
        .map(|&(hop, has_limit)| {
            let nothing = Share { lost: 0, probes: 1 };
            let behind = least_behind.or(has_limit.then_some(nothing));
            let explained = behind.map_or(0, |behind| explained(hop, has_limit, behind));
            if hop.received > 0 {
                let share = Share {
                    lost: hop.unanswered.saturating_sub(explained),
                    probes: hop.put_to_the_test().max(1),
                };
                least_behind = Some(least_behind.map_or(share, |least| least.min(share)));
            }
            explained
        })
        .collect();
    limited.reverse();
    limited
}

/// Bounds of the chance of loss on the way to each hop. `hops` each with the bounds of
/// the chance that a probe to it is not answered; `limited` is what [`rate_limited`] says.
///
/// Where a limit explains some of it, the hop that tells how much is of the path bounds
/// it from above: whoever came there had passed. A silent hop tells nothing, nor does one
/// whose loss only a limit explains.
pub fn bounds(hops: &[(&Tally, Option<[f64; 2]>)], limited: &[u64]) -> Vec<Option<[f64; 2]>> {
    let mut least_behind: Option<[f64; 2]> = None;
    let hops = hops.iter().zip(limited).rev();
    let mut bounds: Vec<_> = hops
        .map(|(&(hop, interval), &limited)| {
            if hop.received == 0 {
                return None;
            }
            let own = match limited {
                0 => interval,
                _ => least_behind.map(|[_, high]| [0.0, high]),
            };
            least_behind = match (least_behind, own) {
                (Some(least), Some(own)) if least[1] <= own[1] => Some(least),
                (least, own) => own.or(least),
            };
            own
        })
        .collect();
    bounds.reverse();
    bounds
}

fn explained(hop: &Tally, has_limit: bool, behind: Share) -> u64 {
    if hop.received == 0 {
        return 0;
    }
    let all = Share {
        lost: hop.unanswered,
        probes: hop.put_to_the_test().max(1),
    };
    if behind.lost > 0 && !has_limit && !all.exceeds(behind) {
        return 0;
    }
    let of_the_path = (all.probes as f64 * behind.ratio()).ceil() as u64;
    // What came late was not held back by a limit.
    let unanswered = hop.unanswered.saturating_sub(hop.late);
    unanswered.min(hop.unanswered.saturating_sub(of_the_path))
}

impl Share {
    fn ratio(self) -> f64 {
        self.lost as f64 / self.probes as f64
    }

    fn min(self, other: Self) -> Self {
        if other.ratio() < self.ratio() {
            other
        } else {
            self
        }
    }

    /// Whether it is greater than another by more than chance: a test of two shares.
    fn exceeds(self, other: Self) -> bool {
        let pooled = (self.lost + other.lost) as f64 / (self.probes + other.probes) as f64;
        let parts = 1.0 / self.probes as f64 + 1.0 / other.probes as f64;
        let deviation = (pooled * (1.0 - pooled) * parts).sqrt();
        self.ratio() - other.ratio() > BEYOND_CHANCE * deviation
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hop(sent: u64, unanswered: u64) -> Tally {
        Tally {
            sent,
            received: sent - unanswered,
            unanswered,
            ..Tally::default()
        }
    }

    fn limited(hops: &[&Tally]) -> Vec<u64> {
        rate_limited(&hops.iter().map(|hop| (*hop, false)).collect::<Vec<_>>())
    }

    #[test]
    fn a_limit_that_is_seen_explains_loss_where_nothing_lies_behind() {
        let (a, b, c) = (hop(10, 6), hop(10, 6), hop(10, 6));
        let seen = [(&a, false), (&b, false), (&c, true)];
        assert_eq!(rate_limited(&seen), [6, 6, 6]);
        let silent = hop(10, 10);
        let seen = [(&a, true), (&silent, false)];
        assert_eq!(rate_limited(&seen), [6, 0]);
    }

    #[test]
    fn a_limit_that_is_seen_does_not_explain_what_goes_on_behind() {
        let (a, b) = (hop(10, 6), hop(10, 6));
        assert_eq!(rate_limited(&[(&a, true), (&b, false)]), [0, 0]);
    }

    #[test]
    fn loss_that_ends_at_a_hop_is_its_rate_limit() {
        let (a, b, c) = (hop(10, 0), hop(10, 7), hop(10, 0));
        assert_eq!(limited(&[&a, &b, &c]), [0, 7, 0]);
    }

    #[test]
    fn loss_that_goes_on_is_the_paths() {
        let (a, b, c) = (hop(1_000, 0), hop(1_000, 600), hop(1_000, 400));
        assert_eq!(limited(&[&a, &b, &c]), [0, 200, 0]);
    }

    #[test]
    fn what_a_hop_loses_beyond_those_behind_by_chance_is_the_paths_too() {
        let (a, b, c) = (hop(10, 3), hop(10, 6), hop(10, 4));
        assert_eq!(limited(&[&a, &b, &c]), [0, 0, 0]);
        // A limit that is seen is no chance.
        let seen = [(&a, false), (&b, true), (&c, false)];
        assert_eq!(rate_limited(&seen), [0, 2, 0]);
    }

    #[test]
    fn what_came_late_was_not_held_back() {
        let late = Tally {
            late: 2,
            ..hop(10, 7)
        };
        assert_eq!(limited(&[&late, &hop(10, 0)]), [5, 0]);
    }

    #[test]
    fn where_a_limit_takes_replies_a_hop_behind_bounds_the_loss() {
        let hops = [hop(10, 0), hop(10, 7), hop(10, 10), hop(10, 1)];
        let told = [[0.0, 0.3], [0.4, 0.9], [0.7, 1.0], [0.0, 0.4]].map(Some);
        let hops: Vec<_> = hops.iter().zip(told).collect();
        let [first, limited, silent, last] = bounds(&hops, &[0, 6, 0, 0])[..] else {
            panic!("as many as hops");
        };
        assert_eq!((first, last), (told[0], told[3]));
        assert_eq!((limited, silent), (Some([0.0, 0.4]), None));
        // Behind the last that answered nothing tells.
        assert_eq!(bounds(&hops[..2], &[0, 7])[1], None);
    }

    proptest! {
        /// Behind every hop that shows loss of the path, all hops that answered lose.
        #[test]
        fn loss_that_ends_is_never_the_paths(
            lost in prop::collection::vec((0u64..=50, any::<bool>()), 1..12),
        ) {
            let hops: Vec<(Tally, bool)> =
                lost.iter().map(|(lost, limit)| (hop(50, *lost), *limit)).collect();
            let evidence: Vec<_> = hops.iter().map(|(hop, limit)| (hop, *limit)).collect();
            let limited = rate_limited(&evidence);
            for (place, (hop, _)) in hops.iter().enumerate().filter(|(_, (hop, _))| hop.received > 0) {
                let of_the_path = hop.unanswered - limited[place];
                let mut behind = hops[place + 1..].iter().filter(|(hop, _)| hop.received > 0);
                prop_assert!(of_the_path == 0 || behind.all(|(hop, _)| hop.unanswered > 0));
            }
        }
    }

    #[test]
    fn a_silent_hop_is_not_called_limited() {
        let (a, b) = (hop(3, 3), hop(3, 0));
        assert_eq!(limited(&[&a, &b]), [0, 0]);
    }

    #[test]
    fn nothing_is_known_behind_the_last_answer() {
        let (a, b) = (hop(4, 2), hop(4, 4));
        assert_eq!(limited(&[&a, &b]), [0, 0]);
    }
}
