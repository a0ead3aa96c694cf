//! Networks that are not for everyone: the special-purpose registries of IANA
//! (RFC 6890 and what followed) and what is no single host's.

use super::{Collector as _, entry::Entry, lines};
use crate::engine::sweep::targets::{RangeSet, RangeSetBuilder};

/// What `--allow-private` makes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Of use within a network, not between networks: may be probed there.
    Private,
    /// Loops back to this host: its single addresses may be probed.
    Loopback,
    /// Never a target.
    Never,
    /// Globally reachable, within a network that is not.
    Reachable,
}

use Purpose::{Loopback, Never, Private, Reachable};

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>, with multicast
/// (RFC 5771, RFC 4291) and site-local addresses (RFC 3879). Private is what the
/// registries call forwardable and not globally reachable, and addresses of a
/// link or for documentation, which laboratories use. IPv4 in its mapped form
/// (`::ffff:0:0/96`) is IPv4 here.
const NETWORKS: &[(&str, Purpose)] = &[
    // "This network", RFC 791.
    ("0.0.0.0/8", Never),
    // Private use, RFC 1918.
    ("10.0.0.0/8", Private),
    ("172.16.0.0/12", Private),
    ("192.168.0.0/16", Private),
    // Shared by carriers, RFC 6598.
    ("100.64.0.0/10", Private),
    // Loopback, RFC 1122.
    ("127.0.0.0/8", Loopback),
    // Link-local, RFC 3927.
    ("169.254.0.0/16", Private),
    // Protocol assignments, RFC 6890; of them anycast of PCP and TURN.
    ("192.0.0.0/24", Never),
    ("192.0.0.9", Reachable),
    ("192.0.0.10", Reachable),
    // Documentation, RFC 5737.
    ("192.0.2.0/24", Private),
    ("198.51.100.0/24", Private),
    ("203.0.113.0/24", Private),
    // 6to4 relays, RFC 7526.
    ("192.88.99.0/24", Never),
    // Benchmarks, RFC 2544.
    ("198.18.0.0/15", Private),
    // Multicast, RFC 5771.
    ("224.0.0.0/4", Never),
    // Reserved, RFC 1112, with the limited broadcast address.
    ("240.0.0.0/4", Never),
    // Unspecified and loopback, RFC 4291.
    ("::", Never),
    ("::1", Loopback),
    // Translation within a network, RFC 8215.
    ("64:ff9b:1::/48", Private),
    // Discard only, RFC 6666, and dummy, RFC 9780.
    ("100::/64", Never),
    ("100:0:0:1::/64", Never),
    // Protocol assignments, RFC 2928, Teredo and ORCHID among them.
    ("2001::/23", Never),
    // Anycast of PCP (RFC 7723), TURN (RFC 8155) and DNS-SD (RFC 9665).
    ("2001:1::1", Reachable),
    ("2001:1::2", Reachable),
    ("2001:1::3", Reachable),
    // Benchmarks, RFC 5180.
    ("2001:2::/48", Private),
    // AMT, RFC 7450, and AS112, RFC 7535.
    ("2001:3::/32", Reachable),
    ("2001:4:112::/48", Reachable),
    // ORCHIDv2, RFC 7343, and drone identities, RFC 9374.
    ("2001:20::/28", Reachable),
    ("2001:30::/28", Reachable),
    // Documentation, RFC 3849 and RFC 9637.
    ("2001:db8::/32", Private),
    ("3fff::/20", Private),
    // 6to4, RFC 3056.
    ("2002::/16", Never),
    // Segment routing within a network, RFC 9602.
    ("5f00::/16", Private),
    // Unique local, RFC 4193.
    ("fc00::/7", Private),
    // Link-local, RFC 4291, and site-local, RFC 3879.
    ("fe80::/10", Private),
    ("fec0::/10", Private),
    // Multicast, RFC 4291.
    ("ff00::/8", Never),
];

/// All of them.
pub(super) fn all() -> RangeSet {
    blocked(&[Private, Loopback, Never])
}

/// Those that must not be probed although private networks may.
pub(super) fn never() -> RangeSet {
    blocked(&[Loopback, Never])
}

/// The loopback networks.
pub(super) fn is_loopback(entry: Entry) -> bool {
    match entry {
        Entry::V4(first, last) => first >> 24 == 127 && last >> 24 == 127,
        Entry::V6(first, last) => first == 1 && last == 1,
    }
}

fn blocked(purposes: &[Purpose]) -> RangeSet {
    let mut blocked = networks(|purpose| purposes.contains(&purpose));
    // Private parts stand within networks that are not.
    blocked.subtract(&networks(|purpose| !purposes.contains(&purpose)));
    blocked
}

fn networks(wanted: impl Fn(Purpose) -> bool) -> RangeSet {
    let mut builder = RangeSetBuilder::default();
    let networks = NETWORKS.iter().filter(|(_, purpose)| wanted(*purpose));
    networks
        .filter_map(|(text, _)| lines::parse(text).ok())
        .for_each(|entry| builder.add(entry));
    builder.finish()
}

#[cfg(test)]
mod tests {
    use probe_common::Address;

    use super::*;
    use crate::engine::answer::address;

    fn holds(set: &RangeSet, text: &str) -> bool {
        let address: Address = address(text.parse().expect(text));
        set.covers((address, address))
    }

    #[test]
    fn every_network_of_the_list_is_one_in_its_plain_form() {
        for (text, _) in NETWORKS {
            let is_network = text
                .parse::<ipnet::IpNet>()
                .is_ok_and(|network| network == network.trunc());
            assert!(
                is_network || text.parse::<std::net::IpAddr>().is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn private_networks_are_told_from_those_that_are_never_targets() {
        let (all, never) = (all(), never());
        for text in [
            "10.0.0.0",
            "10.255.255.255",
            "172.31.255.255",
            "192.168.0.1",
            "100.127.255.255",
            "169.254.1.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.255",
            "198.19.255.255",
            "64:ff9b:1::1",
            "2001:2::1",
            "2001:db8::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
        ] {
            assert!(holds(&all, text), "{text}");
            assert!(!holds(&never, text), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "192.0.0.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:ffff::1",
            "2001:10::1",
            "2001:1ff::1",
            "2002::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(holds(&all, text), "{text}");
            assert!(holds(&never, text), "{text}");
        }
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.32.0.0",
            "192.0.0.9",
            "192.0.0.10",
            "192.0.1.0",
            "198.20.0.0",
            "223.255.255.255",
            "2001:1::1",
            "2001:3::1",
            "2001:4:112::1",
            "2001:20::1",
            "2001:200::1",
            "2001:db9::1",
            "2003::1",
            "2600::1",
            "64:ff9b::1",
            "4000::1",
        ] {
            assert!(!holds(&all, text), "{text}");
        }
    }
}
