//! What a reply tells of the ways there and back.

use probe_common::abi::{Event, Flags, Kind};

use super::{
    report::Tells,
    return_path::{forward_hops, ways},
};

/// Reads it from an event.
pub fn of(event: &Event, kind: Kind) -> Tells {
    let flags = Flags(event.flags);
    let quoted = event.quoted_length != 0;
    let quoted_ttl = quoted.then_some(event.quoted_ttl);
    let forward_hops = forward_hops(kind, event.ttl, quoted_ttl);
    let (back_hops, asymmetry) = ways(event.reply_ttl, forward_hops);
    Tells {
        reply_ttl: Some(event.reply_ttl),
        back_hops,
        asymmetry,
        quoted_ttl,
        quoted_tos: quoted.then_some(event.quoted_tos),
        quoted_length: quoted.then_some(event.quoted_length),
        nat: flags.nat(),
        rewritten: flags.rewritten(),
    }
}

/// The same, now that the probe is known to have taken so many hops.
pub fn with_way_there(tells: Tells, forward_hops: u8) -> Tells {
    let told = tells.reply_ttl.map(|left| ways(left, Some(forward_hops)));
    let (back_hops, asymmetry) = told.unwrap_or_default();
    Tells {
        back_hops,
        asymmetry,
        ..tells
    }
}

/// The same of one responder's next reply: a NAT that was seen once is there.
pub fn followed_by(before: Tells, next: Tells) -> Tells {
    Tells {
        nat: before.nat || next.nat,
        rewritten: next.rewritten.or(before.rewritten),
        ..next
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    fn event(ttl: u8, reply_ttl: u8) -> Event {
        Event {
            ttl,
            reply_ttl,
            ..Event::zeroed()
        }
    }

    #[test]
    fn a_router_tells_the_length_of_both_ways() {
        let event = Event {
            quoted_length: 32,
            quoted_ttl: 1,
            quoted_tos: 0x28,
            ..event(5, 248)
        };
        let tells = of(&event, Kind::TimeExceeded);
        assert_eq!((tells.back_hops, tells.asymmetry), (Some(8), Some(3)));
        assert_eq!((tells.quoted_ttl, tells.quoted_tos), (Some(1), Some(0x28)));
        assert_eq!(tells.quoted_length, Some(32));
        assert_eq!((tells.nat, tells.rewritten), (false, None));
    }

    #[test]
    fn a_target_tells_the_way_back_and_quotes_nothing() {
        let tells = of(&event(30, 61), Kind::EchoReply);
        assert_eq!((tells.back_hops, tells.asymmetry), (Some(4), None));
        let quoted = (tells.quoted_ttl, tells.quoted_tos, tells.quoted_length);
        assert_eq!(quoted, (None, None, None));
        assert_eq!(with_way_there(tells, 5).asymmetry, Some(-1));
    }

    #[test]
    fn a_nat_that_was_seen_once_stays_seen() {
        let natted = Event {
            quoted_length: 32,
            flags: Flags::SOURCE | Flags::CHECKSUM,
            ..event(2, 63)
        };
        let first = of(&natted, Kind::TimeExceeded);
        assert_eq!(
            (first.nat, first.rewritten),
            (true, Some("source+checksum"))
        );
        let both = followed_by(first, of(&event(2, 62), Kind::TimeExceeded));
        assert_eq!((both.nat, both.rewritten), (true, Some("source+checksum")));
        assert_eq!(both.reply_ttl, Some(62));
    }
}
