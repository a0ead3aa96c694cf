//! Paris: what routers and load balancers look at is the same for all probes of
//! a flow.

use probe_common::{abi::Protocol, identity::Nonce, probe::Probe};
use probe_tests::{
    packet::{checksum, ip},
    scene::{Sent, State},
};
use proptest::prelude::*;

use crate::probes;

/// What load balancers are known to hash: version, TOS, flow label, protocol,
/// addresses, and the first four octets behind the IP header.
fn hashed(octets: &[u8]) -> Vec<u8> {
    if octets[0] >> 4 == 6 {
        [&octets[..4], &octets[6..7], &octets[8..44]].concat()
    } else {
        [&octets[..2], &octets[9..10], &octets[12..24]].concat()
    }
}

proptest! {
    #[test]
    fn all_probes_of_a_flow_hash_alike(
        probe in probes::probe(),
        contact in probes::contact(),
        ttl in any::<u8>(),
        seq16 in 1u16..,
        nonce in 1u64..,
    ) {
        let other = Probe { ttl, seq16, nonce: Nonce(nonce), ..probe };
        let (first, second) = (probes::emit(&probe, &contact), probes::emit(&other, &contact));
        prop_assert_eq!(hashed(&first), hashed(&second));
        prop_assert_eq!(first.len(), second.len());
    }

    #[test]
    fn an_icmp_checksum_is_the_identifier(probe in probes::probe(), contact in probes::contact()) {
        let probe = Probe { protocol: Protocol::Icmp, ack: false, ..probe };
        let octets = probes::emit(&probe, &contact);
        let icmp = if probe.is_v6() { 40 } else { 20 };
        prop_assert_eq!(&octets[icmp + 2..icmp + 4], &octets[icmp + 4..icmp + 6]);
        prop_assert_eq!(&octets[icmp + 4..icmp + 6], &probe.port.to_be_bytes());
    }
}

/// A checksum field of all ones is the other spelling of zero, which a sender
/// that computes it would write; receivers take both (RFC 1071).
#[test]
fn an_identifier_of_all_ones_is_a_checksum_that_verifies() {
    for v6 in [false, true] {
        let probe = Probe {
            port: 0xffff,
            ..Sent::new(Protocol::Icmp, v6, State::Armed).probe()
        };
        let octets = probes::emit(&probe, b"");
        let sum = if v6 {
            let (from, to) = (probe.source, probe.destination);
            checksum::transport(from, to, ip::ICMPV6, &octets[40..])
        } else {
            checksum::internet(&octets[20..])
        };
        assert_eq!(sum, 0);
    }
}
