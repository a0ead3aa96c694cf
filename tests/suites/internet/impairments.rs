//! Doubled and forged replies: as many as asked for, and those that the truth names.

use probe_common::{
    abi::Kind,
    lab::{Count, Internet, Reply, Request},
};
use probe_tests::lab::Family;

use crate::campaign::Campaign;

const INTERNET: Internet = Internet {
    doubled: 200,
    forged: 200,
    labelled: 200,
    ..Internet::DEFAULT
};

#[test]
fn doubled_and_forged_replies_are_those_that_the_truth_names() {
    for family in Family::ALL {
        for request in [Request::Echo, Request::Udp, Request::Syn(80), Request::Ack] {
            let outcome = Campaign::new(INTERNET, family, request, 100)
                .unwrap()
                .run()
                .unwrap();
            let (mut doubled, mut forged) = (0, 0);
            for (reply, probe, readings) in outcome.replies() {
                assert_eq!(readings.len(), 1 + usize::from(reply.doubled), "{reply:?}");
                doubled += u64::from(reply.doubled);
                forged += u64::from(reply.forged);
                for reading in readings {
                    let shows = shows_nonce(family, &reply, probe, &reading.body);
                    assert_eq!(shows, !reply.forged, "{reply:?}");
                }
            }
            assert!(doubled > 0 && forged > 0);
            assert_eq!(outcome.traffic.get(Count::Doubled), doubled);
            assert_eq!(outcome.traffic.get(Count::Forged), forged);
        }
    }
}

/// Whether an answer shows all of the probe's nonces that it has room for.
fn shows_nonce(family: Family, reply: &Reply, probe: &[u8], body: &[u8]) -> bool {
    let header = if family == Family::V4 { 20 } else { 40 };
    let word = |octets: &[u8], at: usize| [octets[at], octets[at + 1]];
    let same = |at: usize| word(probe, at) == word(body, at);
    match reply.kind {
        Kind::EchoReply => probe[probe.len() - 12..] == body[body.len() - 12..],
        Kind::SynAck => u16::from_be_bytes(word(body, 10)) == 0x5679,
        Kind::Rst if body[13] & 0x10 != 0 => u16::from_be_bytes(word(body, 10)) == 0x5679,
        Kind::Rst => u16::from_be_bytes(word(body, 6)) == 0x5679,
        // What an IPv6 quote shows of ICMP and UDP is in the payload alone.
        _ if family == Family::V6 && protocol(probe) != 6 => same(header + 8),
        _ => {
            let is_icmp = protocol(probe) == 1;
            let narrow = same(if is_icmp { 4 } else { header + 6 });
            narrow && (!reply.long_quote || same(header + 8))
        }
    }
}

fn protocol(packet: &[u8]) -> u8 {
    if packet[0] >> 4 == 4 {
        packet[9]
    } else {
        packet[6]
    }
}
