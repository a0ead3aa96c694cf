//! How long the way back was, as far as a reply's TTL tells, and the way there.

use probe_common::{abi::Kind, reply_ttl};

/// The initial TTLs between which little is left to choose by: hosts that begin with 32
/// are rare, and so are ways of more than 32 hops.
const SMALL: [u8; 2] = [32, 64];

/// Hops that a reply came over; its sender counts, so a neighbour's came over one. The
/// initial TTL is guessed ([`reply_ttl::initial`]); where both 32 and 64 may be it, that
/// one is taken with which the way back is more like the way there, if that is known.
/// `None`: nothing was left of the TTL, which tells nothing.
pub fn back_hops(reply_ttl: u8, forward_hops: Option<u8>) -> Option<u8> {
    if reply_ttl == 0 {
        return None;
    }
    let usual = reply_ttl::hops(reply_ttl::initial(reply_ttl), reply_ttl);
    let [least, _] = SMALL;
    let Some(forward_hops) = forward_hops.filter(|_| reply_ttl <= least) else {
        return Some(usual);
    };
    let ways = SMALL.map(|initial| reply_ttl::hops(initial, reply_ttl));
    ways.into_iter()
        .min_by_key(|way| way.abs_diff(forward_hops))
}

/// Hops that a probe took to the sender of its reply, where the reply tells: a router
/// whose turn it was, or a target that quotes what was left of the TTL. Others may be
/// nearer than the TTL says.
pub fn forward_hops(kind: Kind, ttl: u8, quoted_ttl: Option<u8>) -> Option<u8> {
    match kind {
        Kind::TimeExceeded => Some(ttl),
        Kind::PortUnreachable => {
            let left = quoted_ttl.filter(|left| (1..=ttl).contains(left))?;
            Some(ttl - left + 1)
        }
        _ => None,
    }
}

/// By how many hops the way back is longer than the way there; negative: shorter.
pub fn asymmetry(back_hops: u8, forward_hops: u8) -> i16 {
    i16::from(back_hops) - i16::from(forward_hops)
}

/// Both of a reply, as far as they are known: hops of the way back, and its asymmetry.
pub fn ways(reply_ttl: u8, forward_hops: Option<u8>) -> (Option<u8>, Option<i16>) {
    let back = back_hops(reply_ttl, forward_hops);
    let ways = back.zip(forward_hops);
    (back, ways.map(|(back, there)| asymmetry(back, there)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_of_the_ttl_tells_the_way_back() {
        for (reply_ttl, hops) in [(64, 1), (61, 4), (255, 1), (250, 6), (128, 1), (113, 16)] {
            assert_eq!(back_hops(reply_ttl, None), Some(hops), "{reply_ttl}");
            assert_eq!(back_hops(reply_ttl, Some(30)), Some(hops), "{reply_ttl}");
        }
        assert_eq!(back_hops(0, Some(3)), None);
    }

    #[test]
    fn of_32_and_64_the_one_is_taken_that_fits_the_way_there() {
        assert_eq!(back_hops(30, None), Some(3));
        assert_eq!(back_hops(30, Some(4)), Some(3));
        assert_eq!(back_hops(30, Some(33)), Some(35));
        assert_eq!(back_hops(33, Some(1)), Some(32));
    }

    #[test]
    fn the_way_there_is_known_where_a_ttl_ran_out_or_is_quoted() {
        assert_eq!(forward_hops(Kind::TimeExceeded, 7, Some(1)), Some(7));
        // What an MPLS tunnel hid from the TTL, or a router that forwards zero.
        assert_eq!(forward_hops(Kind::TimeExceeded, 7, Some(3)), Some(7));
        assert_eq!(forward_hops(Kind::PortUnreachable, 30, Some(24)), Some(7));
        // Somebody has raised it.
        assert_eq!(forward_hops(Kind::PortUnreachable, 7, Some(60)), None);
        assert_eq!(forward_hops(Kind::PortUnreachable, 7, Some(0)), None);
        assert_eq!(forward_hops(Kind::EchoReply, 7, None), None);
        assert_eq!(forward_hops(Kind::SynAck, 7, None), None);
        // Some routers take one off before they refuse, some do not.
        assert_eq!(forward_hops(Kind::Unreachable, 7, Some(1)), None);
    }

    proptest! {
        #[test]
        fn a_way_as_long_as_the_way_there_is_symmetric(hops in 1u8..=32, initial in prop::sample::select(&[64u8, 128, 255][..])) {
            let reply_ttl = initial - (hops - 1);
            let back = back_hops(reply_ttl, Some(hops)).expect("not zero");
            prop_assert_eq!(asymmetry(back, hops), 0);
        }

        #[test]
        fn a_longer_way_back_is_told_by_how_much(forward in 1u8..=20, more in 0u8..=12) {
            let reply_ttl = 255 - (forward + more - 1);
            let back = back_hops(reply_ttl, Some(forward)).expect("not zero");
            prop_assert_eq!(asymmetry(back, forward), i16::from(more));
        }
    }
}
