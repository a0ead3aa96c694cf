//! The parameters, and what follows from them for a network.

use bytemuck::{Pod, Zeroable};

use crate::Address;

/// Most hops to a target: the level of a router goes into its address.
const MAX_DISTANCE: u32 = 31;
/// Most networks, as a logarithm: their number goes into routers' addresses.
const MAX_NET_BITS: u32 = 22;
/// Length of a network's prefix, bits, and of the number behind it.
const V4_NET: u32 = 24;
const V6_NET: u32 = 48;
/// First octet of routers' addresses: 64 to 127.
const ROUTERS: u32 = 64 << 24;
const ROUTER_MASK: u32 = 0xc000_0000;

/// What a draw decides: no two draws on the same number agree but by chance.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// How far a /16 is away.
    Region = 1,
    /// How far a network is from that.
    Distance,
    /// Whether a target is dead.
    Dead,
    /// Whether a router never answers.
    Silent,
    /// Whether a router balances load.
    Balanced,
    /// Which of its next hops a flow takes.
    Arm,
    /// Whether a router quotes more than it must.
    LongQuote,
    /// Whether a port is open.
    Open,
    /// Whether the reply comes twice.
    Doubled,
    /// Whether the reply shows a wrong nonce.
    Forged,
    /// Whether a router says which labels a probe came with.
    Labelled,
    /// Which they are.
    Label,
}

/// The parameters of a simulated internet. Shares are in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Internet {
    /// Everything that is drawn depends on it.
    pub seed: u64,
    /// Where the IPv6 targets are: the high half of an address, host order.
    pub v6_network: u64,
    /// Where the IPv4 targets are, host order.
    pub v4_network: u32,
    /// Length of the prefix of `v4_network`, bits: 2 to 24.
    pub v4_bits: u32,
    /// Length of the prefix of `v6_network`, bits: 26 to 48.
    pub v6_bits: u32,
    /// First hops that all paths have in common.
    pub shared_hops: u32,
    /// Hops to the nearest targets, at least two more than are shared: a target that
    /// answers to TTL 6 is 6 hops away.
    pub min_distance: u32,
    /// Hops to the furthest targets, at most 31.
    pub max_distance: u32,
    /// Share of targets that never answer.
    pub dead: u32,
    /// Share of routers that never answer, of those that are not shared by all.
    pub silent: u32,
    /// Share of routers that spread flows over two or three next hops, of those that
    /// are not shared by all.
    pub balanced: u32,
    /// Share of routers that quote 20 octets behind the IP header, not 8.
    pub long_quotes: u32,
    /// Share of TCP ports of live targets that are open.
    pub open: u32,
    /// Share of replies that come twice.
    pub doubled: u32,
    /// Share of replies that show a wrong nonce.
    pub forged: u32,
    /// Share of routers that say which MPLS labels a probe came with.
    pub labelled: u32,
}

const _: () = assert!(size_of::<Internet>() == 72);

/// A network with targets: its number among all of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// Counted from the first.
    pub number: u32,
    /// How many bits the number has.
    pub bits: u32,
    /// Whether its addresses are of version 6.
    pub v6: bool,
}

impl Internet {
    /// Targets in 10.0.0.0/8 and fd10::/32, 6 to 18 hops away, 30 % of them dead;
    /// some routers silent, some balancing; no impairments.
    pub const DEFAULT: Self = Self {
        seed: 1,
        v6_network: 0xfd10_0000_0000_0000,
        v4_network: 0x0a00_0000,
        v4_bits: 8,
        v6_bits: 32,
        shared_hops: 3,
        min_distance: 6,
        max_distance: 18,
        dead: 300,
        silent: 50,
        balanced: 30,
        long_quotes: 300,
        open: 300,
        doubled: 0,
        forged: 0,
        labelled: 0,
    };

    /// What is wrong with the parameters, if anything is.
    pub const fn fault(&self) -> Option<&'static str> {
        if self.v4_bits > V4_NET || self.v4_bits + MAX_NET_BITS < V4_NET {
            return Some("v4_bits must be 2 to 24");
        }
        if self.v6_bits > V6_NET || self.v6_bits + MAX_NET_BITS < V6_NET {
            return Some("v6_bits must be 26 to 48");
        }
        if self.v4_network & ROUTER_MASK == ROUTERS {
            return Some("the targets lie among the routers, in 64.0.0.0/2");
        }
        if self.v4_network.trailing_zeros() < 32 - self.v4_bits
            || self.v6_network.trailing_zeros() < 64 - self.v6_bits
        {
            return Some("a network has bits behind its prefix");
        }
        if self.shared_hops == 0 || self.min_distance < self.shared_hops + 2 {
            return Some("one hop at least is shared, and the nearest target is two hops on");
        }
        if self.max_distance < self.min_distance || self.max_distance > MAX_DISTANCE {
            return Some("max_distance must be min_distance to 31");
        }
        None
    }

    /// The network that an address lies in; `None`: it is no target's.
    #[inline(always)]
    pub const fn locate(&self, address: Address) -> Option<Net> {
        let (outside, bits, number, v6) = if let Some(octets) = address.v4() {
            let offset = u32::from_be_bytes(octets) ^ self.v4_network;
            let bits = V4_NET.wrapping_sub(self.v4_bits) & 31;
            let number = offset >> (32 - V4_NET);
            (number >> bits != 0, bits, number, false)
        } else {
            let (high, _) = address.halves();
            let offset = u64::from_be_bytes(high) ^ self.v6_network;
            let bits = V6_NET.wrapping_sub(self.v6_bits) & 31;
            let number = offset >> (64 - V6_NET);
            (number >> bits != 0, bits, number as u32, true)
        };
        if outside {
            return None;
        }
        Some(Net { number, bits, v6 })
    }

    /// Hops to the targets of a network. Near networks are about equally far.
    #[inline(always)]
    pub const fn distance(&self, net: Net) -> u32 {
        let span = self.max_distance.wrapping_sub(self.min_distance);
        let own = span / 3;
        let region = self.draw(Purpose::Region, (net.number >> 8) as u64);
        let network = self.draw(Purpose::Distance, net.number as u64);
        self.min_distance + below(region, span.wrapping_sub(own) + 1) + below(network, own + 1)
    }

    /// How many bits of a network's number tell the router at this level of the tree
    /// that its path takes: none at shared hops, all at the furthest.
    #[inline(always)]
    pub(super) const fn prefix_bits(&self, level: u32, net: Net) -> u32 {
        let begin = self.shared_hops;
        let levels = self.max_distance.wrapping_sub(1).wrapping_sub(begin);
        if level <= begin || levels == 0 {
            return 0;
        }
        let bits = (level - begin).wrapping_mul(net.bits) / levels;
        if bits < net.bits { bits } else { net.bits }
    }

    /// Whether what has a share in thousandths befalls this number.
    #[inline(always)]
    pub(super) const fn befalls(&self, share: u32, purpose: Purpose, number: u64) -> bool {
        share != 0 && below(self.draw(purpose, number), 1_000) < share
    }

    /// 32 bits drawn for a purpose and a number.
    #[inline(always)]
    pub(super) const fn draw(&self, purpose: Purpose, number: u64) -> u32 {
        let mut x = number ^ self.seed.wrapping_add((purpose as u64) << 56);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x >> 32) as u32
    }
}

/// A number below `bound` from a drawn one.
#[inline(always)]
pub(super) const fn below(drawn: u32, bound: u32) -> u32 {
    ((drawn as u64 * bound as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn v4(a: u8, b: u8, c: u8, d: u8) -> Address {
        Address::from_v4([a, b, c, d])
    }

    #[test]
    fn targets_are_told_from_all_others() {
        let internet = Internet::DEFAULT;
        assert_eq!(internet.fault(), None);
        let net = internet.locate(v4(10, 1, 2, 3)).unwrap();
        assert_eq!((net.number, net.bits), (0x0102, 16));
        assert_eq!(internet.locate(v4(11, 1, 2, 3)), None);
        assert_eq!(internet.locate(v4(65, 0, 0, 1)), None);
        let target = Address::from_halves([0xfd, 0x10, 0, 0, 1, 2, 3, 4], [0; 8]);
        let net = internet.locate(target).unwrap();
        assert_eq!((net.number, net.bits, net.v6), (0x0102, 16, true));
        let other = Address::from_halves([0xfd, 0x10, 0, 1, 1, 2, 3, 4], [0; 8]);
        assert_eq!(internet.locate(other), None);
    }

    #[test]
    fn distances_cover_their_range_and_hardly_differ_nearby() {
        let internet = Internet::DEFAULT;
        let distance = |number| {
            let net = Net {
                number,
                bits: 16,
                v6: false,
            };
            internet.distance(net)
        };
        let all = 0..1 << 16;
        assert_eq!(all.clone().map(distance).min(), Some(6));
        assert_eq!(all.map(distance).max(), Some(18));
        for region in 0..256 {
            let near = (region << 8)..(region + 1) << 8;
            let (least, most) = (near.clone().map(distance).min(), near.map(distance).max());
            assert!(most.unwrap() - least.unwrap() <= 4);
        }
    }

    #[test]
    fn faults_are_named() {
        let faults = [
            Internet {
                v4_bits: 1,
                ..Internet::DEFAULT
            },
            Internet {
                v4_network: 0x4000_0000,
                ..Internet::DEFAULT
            },
            Internet {
                v4_network: 0x0a00_0001,
                ..Internet::DEFAULT
            },
            Internet {
                min_distance: 4,
                ..Internet::DEFAULT
            },
            Internet {
                max_distance: 32,
                ..Internet::DEFAULT
            },
        ];
        assert!(faults.iter().all(|internet| internet.fault().is_some()));
    }
}
