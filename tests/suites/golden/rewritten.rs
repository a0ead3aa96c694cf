//! What a NAT did to a quoted probe is told, each change by its own name.

use probe_common::{
    Address,
    abi::{Flags, Grade, Protocol},
    classify::{Finding, classify},
    probe::Probe,
    verdict::{Verdict, judge},
    wire::SliceCursor,
};
use probe_tests::packet::{Ip, Quote, icmp};
use proptest::prelude::*;

use crate::probes;

/// The flags of a time-exceeded with this quote; `None`: it answers nothing.
fn flags(probe: &Probe, quote: &Quote) -> Option<Flags> {
    let v6 = probe.is_v6();
    let router = if v6 {
        Address::from_v6([0xfd; 16])
    } else {
        Address::from_v4([100, 64, 0, 1])
    };
    let message = icmp::error(v6, if v6 { 3 } else { 11 }, 0, [0; 4], quote.layers());
    let packet = Ip::between(router, probe.source).carrying(message).octets();
    let found = classify(SliceCursor::new(&packet), v6, probes::ports(probe));
    let Finding::Reply(candidate) = found else {
        return None;
    };
    match judge(&candidate, &probes::record(probe)) {
        Verdict::Right(flags) => Some(flags),
        Verdict::Rejected(_) => None,
    }
}

/// Another address of the same family, of another sum.
fn other(address: Address) -> Address {
    match address.v4() {
        Some([a, b, c, d]) => Address::from_v4([a ^ 0x55, b, c, d]),
        None => {
            let mut octets = address.octets();
            octets[9] ^= 0x55;
            Address::from_v6(octets)
        }
    }
}

/// Where the checksum stands behind the IP header.
const fn checksum_offset(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Icmp => 2,
        Protocol::Udp => 6,
        Protocol::Tcp => 16,
    }
}

proptest! {
    #[test]
    fn each_change_has_its_name(probe in probes::probe(), changed in 1usize..8) {
        let mut quote = Quote::of(&probes::emit(&probe, &[])).ttl(1);
        if changed & 1 != 0 {
            quote = quote.source(other(probe.source));
        }
        if changed & 2 != 0 {
            quote = quote.destination(other(probe.destination));
        }
        if changed & 4 != 0 {
            // A checksum that neither is the one that left, nor says that there is none.
            let left = match probe.protocol {
                Protocol::Icmp => probe.port,
                Protocol::Udp | Protocol::Tcp => probe.nonce.narrow(),
            };
            let changed = if left == 0x1234 { 0x4321u16 } else { 0x1234 };
            quote = quote.patched(checksum_offset(probe.protocol), &changed.to_be_bytes());
        }
        let seen = flags(&probe, &quote);
        if probe.protocol == Protocol::Tcp {
            // 16 bits of nonce do not allow for another destination, and the checksum
            // of a segment is not kept.
            let expected = (changed & 2 == 0).then_some((changed & 1 != 0).then_some("source"));
            prop_assert_eq!(seen.map(Flags::rewritten), expected);
        } else {
            let seen = seen.expect("an answer");
            prop_assert_eq!(seen.rewritten(), Some(Flags::REWRITTEN[changed - 1]));
            prop_assert!(seen.nat());
            prop_assert_eq!(seen.grade(), Grade::A);
        }
    }

    #[test]
    fn what_left_as_it_is_quoted_is_not_rewritten(probe in probes::probe(), contact in probes::contact()) {
        let quote = Quote::of(&probes::emit(&probe, &contact)).ttl(1);
        let seen = flags(&probe, &quote).expect("an answer");
        prop_assert_eq!((seen.nat(), seen.rewritten()), (false, None));
    }

    #[test]
    fn a_udp_checksum_of_zero_is_none_and_no_change(probe in probes::probe()) {
        let probe = Probe { protocol: Protocol::Udp, ack: false, ..probe };
        let quote = Quote::of(&probes::emit(&probe, &[])).ttl(1).patched(6, &[0, 0]);
        prop_assert_eq!(flags(&probe, &quote).expect("an answer").rewritten(), None);
    }
}
