//! Loss that the path did not cause.

use super::tally::Tally;

/// How many of each hop's unanswered probes its ICMP rate limit explains: loss
/// at a hop that does not go on behind it is no loss of the path, for the probes
/// that the hops behind answered passed it. Where no hop behind it answered, a limit
/// that its replies look like explains it.
///
/// `hops` are in the order of the path, each with whether its replies look like that.
/// A hop that never answered is silent, not limited; behind the last hop that answered
/// nothing can be told.
pub fn rate_limited(hops: &[(&Tally, bool)]) -> Vec<u64> {
    let mut least_behind: Option<f64> = None;
    let mut limited: Vec<u64> = hops
        .iter()
        .rev()
        .map(|(hop, has_limit)| {
            let behind = least_behind.or(has_limit.then_some(0.0));
            let explained = behind.map_or(0, |ratio| explained(hop, ratio));
            if hop.received > 0 {
                let lost = hop.unanswered.saturating_sub(explained);
                let ratio = lost as f64 / hop.put_to_the_test().max(1) as f64;
                least_behind = Some(least_behind.map_or(ratio, |least| least.min(ratio)));
            }
            explained
        })
        .collect();
    limited.reverse();
    limited
}

fn explained(hop: &Tally, ratio_behind: f64) -> u64 {
    if hop.received == 0 {
        return 0;
    }
    let of_the_path = (hop.put_to_the_test() as f64 * ratio_behind).ceil() as u64;
    hop.unanswered.saturating_sub(of_the_path)
}

#[cfg(test)]
mod tests {
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
        let (a, b, c) = (hop(10, 0), hop(10, 6), hop(10, 4));
        assert_eq!(limited(&[&a, &b, &c]), [0, 2, 0]);
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
