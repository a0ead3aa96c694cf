//! Where in the address space the kernel's answers may change.

use std::{net::IpAddr, ops::RangeInclusive};

use probe_common::Address;

/// An address as a number; IPv4 in its mapped form.
pub(super) fn number(address: Address) -> u128 {
    u128::from_be_bytes(address.octets())
}

/// The first numbers of the stretches that some prefixes cut the address space
/// into: within a stretch no prefix tells one address from another.
#[derive(Debug, Default)]
pub(super) struct Boundaries(Vec<u128>);

/// A stretch that targets lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The first number of the stretch.
    pub(super) first: u128,
    /// A target that stands for all of them.
    pub(super) sample: Address,
    /// How many targets lie in it.
    pub(super) targets: u128,
}

impl Boundaries {
    /// Cuts at the ends of a prefix.
    pub(super) fn cut(&mut self, prefix: IpAddr, length: u8) {
        let (number, length) = match prefix {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped(), 96 + u32::from(length).min(32)),
            IpAddr::V6(v6) => (v6, u32::from(length).min(128)),
        };
        let number = u128::from(number);
        let hosts = u128::MAX.checked_shr(length).unwrap_or(0);
        self.0.push(number & !hosts);
        self.0.extend((number | hosts).checked_add(1));
    }

    /// Cuts at the ends of a prefix and of all shorter ones.
    pub(super) fn cut_nested(&mut self, prefix: IpAddr, length: u8) {
        (1..=length).for_each(|length| self.cut(prefix, length));
    }

    /// The stretches that intervals of targets touch.
    pub(super) fn stretches(
        mut self,
        intervals: impl Iterator<Item = (Address, Address)>,
    ) -> Vec<Stretch> {
        self.0.push(0);
        self.0.sort_unstable();
        self.0.dedup();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut current = RangeInclusive::new(1, 0);
        for (first, last) in intervals {
            let (mut first, last) = (number(first), number(last));
            while first <= last {
                if !current.contains(&first) {
                    current = self.around(first);
                    stretches.push(Stretch {
                        first: *current.start(),
                        sample: Address::from_v6(first.to_be_bytes()),
                        targets: 0,
                    });
                }
                let end = last.min(*current.end());
                if let Some(stretch) = stretches.last_mut() {
                    let more = (end - first).saturating_add(1);
                    stretch.targets = stretch.targets.saturating_add(more);
                }
                let Some(next) = end.checked_add(1) else {
                    break;
                };
                first = next;
            }
        }
        stretches
    }

    /// The stretch that a number lies in; boundaries are sorted.
    fn around(&self, number: u128) -> RangeInclusive<u128> {
        let behind = self.0.partition_point(|first| *first <= number);
        let first = behind.checked_sub(1).and_then(|place| self.0.get(place));
        let next = self.0.get(behind);
        first.copied().unwrap_or(0)..=next.map_or(u128::MAX, |next| next - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::answer::address;

    fn cut(prefixes: &[&str]) -> Boundaries {
        let mut boundaries = Boundaries::default();
        for prefix in prefixes {
            let network: ipnet::IpNet = prefix.parse().expect(prefix);
            boundaries.cut(network.addr(), network.prefix_len());
        }
        boundaries
    }

    fn stretches(prefixes: &[&str], intervals: &[(&str, &str)]) -> Vec<(String, u128)> {
        let address = |text: &str| address(text.parse().expect(text));
        let intervals = intervals.iter().map(|(a, b)| (address(a), address(b)));
        let stretches = cut(prefixes).stretches(intervals);
        let text = |a: Address| IpAddr::from(a.octets()).to_canonical().to_string();
        stretches
            .iter()
            .map(|stretch| (text(stretch.sample), stretch.targets))
            .collect()
    }

    #[test]
    fn a_more_specific_route_cuts_a_wider_one_in_three() {
        let routes = ["0.0.0.0/0", "10.0.0.0/16", "10.0.7.0/24", "::/0"];
        let targets = [
            ("9.0.0.0", "9.0.0.9"),
            ("9.255.255.250", "10.0.7.3"),
            ("10.0.7.9", "10.0.7.9"),
            ("10.0.8.0", "10.1.0.0"),
            ("2600::", "2600::9"),
        ];
        let expected = [
            ("9.0.0.0", 16),
            ("10.0.0.0", 0x700),
            ("10.0.7.0", 5),
            ("10.0.8.0", 0xf800),
            ("10.1.0.0", 1),
            ("2600::", 10),
        ];
        let expected = expected.map(|(text, count)| (text.to_owned(), count));
        assert_eq!(stretches(&routes, &targets), expected);
    }

    #[test]
    fn without_prefixes_all_is_one_stretch_to_its_very_end() {
        let everything = [("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")];
        assert_eq!(stretches(&[], &everything), [("::".to_owned(), u128::MAX)]);
        assert_eq!(stretches(&["::/0"], &everything).len(), 1);
        assert_eq!(stretches(&["8000::/1"], &everything).len(), 2);
        assert_eq!(stretches(&["10.0.0.0/8"], &[]), []);
    }

    proptest! {
        #[test]
        fn all_addresses_of_a_stretch_are_in_the_same_prefixes(
            prefixes in prop::collection::vec((any::<[u8; 2]>(), 0..=16u8), 0..12),
            targets in prop::collection::btree_set(any::<[u8; 2]>(), 1..200),
        ) {
            let ip = |[a, b]: [u8; 2]| IpAddr::from([a, b, 0, 0]);
            let nets: Vec<_> = prefixes
                .iter()
                .map(|(octets, length)| ipnet::IpNet::new(ip(*octets), *length).expect("a network"))
                .collect();
            let mut boundaries = Boundaries::default();
            nets.iter().for_each(|net| boundaries.cut(net.addr(), net.prefix_len()));
            let ends = targets.iter().map(|octets| (address(ip(*octets)), address(ip(*octets))));
            let stretches = boundaries.stretches(ends);
            let total: u128 = stretches.iter().map(|stretch| stretch.targets).sum();
            prop_assert_eq!(total, targets.len() as u128);
            let within = |ip: IpAddr| nets.iter().map(|net| net.contains(&ip)).collect::<Vec<_>>();
            for target in targets {
                let target = ip(target);
                let place = stretches.partition_point(|s| s.first <= number(address(target)));
                let sample = IpAddr::from(stretches[place - 1].sample.octets()).to_canonical();
                prop_assert_eq!(within(target), within(sample));
            }
        }
    }
}
