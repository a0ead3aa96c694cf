//! Every answer is the one that the truth names, in every octet that matters.

use probe_common::{
    abi::Kind,
    lab::{Answer, Count, Internet, Reply, Request},
};
use probe_tests::lab::{Family, truth::unmapped};

use crate::{campaign::Campaign, reading::Reading};

/// With 20 TTLs each: a few thousand probes.
const TARGETS: u32 = 150;
const REQUESTS: [Request; 4] = [Request::Echo, Request::Udp, Request::Syn(80), Request::Ack];

#[test]
fn every_probe_gets_the_answer_of_the_truth() {
    for family in Family::ALL {
        for request in REQUESTS {
            let campaign = Campaign::new(Internet::DEFAULT, family, request, TARGETS).unwrap();
            let outcome = campaign.run().unwrap();
            let (mut silent, mut dead) = (0, 0);
            for (answer, probe, readings) in &outcome.probes {
                match answer {
                    Answer::Reply(reply) => check(family, reply, probe, readings),
                    Answer::SilentRouter => silent += 1,
                    Answer::DeadTarget => dead += 1,
                    Answer::Elsewhere => panic!("a target that is none"),
                }
                assert_eq!(readings.is_empty(), !matches!(answer, Answer::Reply(_)));
            }
            let count = |count| outcome.traffic.get(count);
            assert!(silent > 0 && dead > 0, "{silent} silent, {dead} dead");
            assert_eq!(count(Count::SilentRouter), silent);
            assert_eq!(count(Count::DeadTarget), dead);
            for kind in [
                Kind::EchoReply,
                Kind::TimeExceeded,
                Kind::PortUnreachable,
                Kind::SynAck,
                Kind::Rst,
            ] {
                let of_kind = outcome.replies().filter(|(reply, ..)| reply.kind == kind);
                assert_eq!(count(Count::of(kind)), of_kind.count() as u64, "{kind:?}");
            }
            assert_eq!(count(Count::Refused), 0);
        }
    }
}

fn check(family: Family, reply: &Reply, probe: &[u8], readings: &[Reading]) {
    let [reading] = readings else {
        panic!("{} answers, not {reply:?}", readings.len());
    };
    assert_eq!(reading.responder, unmapped(reply.responder), "{reply:?}");
    assert_eq!(reading.kind, reply.kind, "{reply:?}");
    assert_eq!(reading.ttl, reply.ttl, "{reply:?}");
    match reply.kind {
        Kind::EchoReply => {
            let payload = &probe[probe.len() - 12..];
            assert_eq!(reading.body[reading.body.len() - 12..], *payload);
        }
        Kind::SynAck | Kind::Rst => check_segment(reply, probe, &reading.body),
        _ => check_quote(family, reply, probe, &reading.body),
    }
}

/// RFC 9293: a SYN is acknowledged, an ACK's expectation met.
fn check_segment(reply: &Reply, probe: &[u8], segment: &[u8]) {
    let asked = &probe[probe.len() - 20..];
    let number = |segment: &[u8], at: usize| {
        u32::from_be_bytes([0, 1, 2, 3].map(|place| segment[at + place]))
    };
    assert_eq!([&segment[2..4], &segment[..2]].concat(), asked[..4]);
    let (syn, ack) = (asked[13] & 0x02 != 0, segment[13] & 0x10 != 0);
    assert_eq!(ack, syn, "{reply:?}");
    if syn {
        assert_eq!(number(segment, 8), number(asked, 4) + 1);
    } else {
        assert_eq!(number(segment, 4), number(asked, 8));
    }
}

/// A quote is what reached the end of the way: all but the TTL and its checksum.
fn check_quote(family: Family, reply: &Reply, probe: &[u8], quote: &[u8]) {
    let (length, ttl, checksum) = match family {
        Family::V4 if reply.long_quote => (40, 8, 10..12),
        Family::V4 => (28, 8, 10..12),
        Family::V6 => (probe.len(), 7, 7..8),
    };
    assert_eq!(quote.len(), length, "{reply:?}");
    assert_eq!(quote[ttl], reply.quoted_ttl, "{reply:?}");
    if reply.kind == Kind::TimeExceeded {
        assert_eq!(reply.quoted_ttl, 1);
    }
    let mut arrived = probe[..length].to_vec();
    arrived[ttl] = reply.quoted_ttl;
    arrived[checksum.clone()].copy_from_slice(&quote[checksum]);
    assert_eq!(quote, arrived, "{reply:?}");
}
