//! Where targets are, as far as replies tell: by themselves, or by their neighbours'
//! (a table of words, by prefix, in which the last who was found stands).

use crate::{
    Address,
    abi::Kind,
    reply_ttl::{hops, initial},
};

/// How much neighbours have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// An IPv4 /24, an IPv6 /48: mostly one site.
    Network,
    /// An IPv4 /16, an IPv6 /32: mostly one provider.
    Region,
}

/// The bits of a word that are the distance; the others tell whose it is.
const DISTANCE: u64 = 0xff;

/// The name of an address's prefix.
#[inline(always)]
pub const fn name(address: Address, prefix: Prefix) -> u64 {
    let (high, low) = address.halves();
    let (high, low) = (u64::from_be_bytes(high), u64::from_be_bytes(low));
    let kept = match (address.is_v4(), prefix) {
        (true, Prefix::Network) => (low & 0xffff_ffff) >> 8 | 1 << 56,
        (true, Prefix::Region) => (low & 0xffff_ffff) >> 16 | 2 << 56,
        (false, Prefix::Network) => high >> 16 | 3 << 56,
        (false, Prefix::Region) => high >> 32 | 4 << 56,
    };
    let x = (kept ^ (kept >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// The place of a name in a table of `mask + 1` words.
#[inline(always)]
pub const fn place(name: u64, mask: u32) -> u32 {
    (name >> 32) as u32 & mask
}

/// The word that says a prefix's distance.
#[inline(always)]
pub const fn word(name: u64, distance: u8) -> u64 {
    name & !DISTANCE | distance as u64
}

/// The distance that a word says of a prefix; 0: nothing, or that of another.
#[inline(always)]
pub const fn distance(word: u64, name: u64) -> u8 {
    if word & !DISTANCE == name & !DISTANCE {
        (word & DISTANCE) as u8
    } else {
        0
    }
}

/// What a reply tells of its probe's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// A router is there, and the path goes on.
    Router,
    /// The target is there, and by its reply its distance is this; 0: it does not say.
    Target(u8),
    /// The path ends there: somebody refuses for the target.
    Refusal,
}

impl Lesson {
    /// Reads a reply of a kind to a probe that left with `ttl`; `reply_ttl` is what is
    /// left of its own, `quoted_ttl` what was left of the probe's. The way to the target
    /// may be as long as the way back.
    #[inline(always)]
    pub const fn of(kind: Kind, ttl: u8, reply_ttl: u8, quoted_ttl: u8) -> Self {
        match kind {
            Kind::TimeExceeded | Kind::PacketTooBig | Kind::ParameterProblem => Self::Router,
            Kind::PortUnreachable => Self::Target(forward(ttl, quoted_ttl)),
            Kind::Unreachable => Self::Refusal,
            Kind::EchoReply | Kind::SynAck | Kind::Rst | Kind::Ack | Kind::UdpReply => {
                Self::Target(hops(initial(reply_ttl), reply_ttl))
            }
        }
    }
}

/// Hops to where a probe ended.
#[inline(always)]
const fn forward(ttl: u8, quoted_ttl: u8) -> u8 {
    if quoted_ttl == 0 || quoted_ttl > ttl {
        0
    } else {
        ttl.wrapping_sub(quoted_ttl).wrapping_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn v4(a: u8, b: u8, c: u8, d: u8) -> Address {
        Address::from_v4([a, b, c, d])
    }

    #[test]
    fn neighbours_share_a_prefix_and_families_share_none() {
        let of = |address, prefix| name(address, prefix);
        let (a, b, c) = (v4(10, 1, 2, 3), v4(10, 1, 2, 200), v4(10, 1, 3, 3));
        assert_eq!(of(a, Prefix::Network), of(b, Prefix::Network));
        assert_ne!(of(a, Prefix::Network), of(c, Prefix::Network));
        assert_eq!(of(a, Prefix::Region), of(c, Prefix::Region));
        assert_ne!(of(a, Prefix::Region), of(v4(10, 2, 2, 3), Prefix::Region));
        let site = |last| Address::from_halves([0x20, 1, 0xd, 0xb8, 0, 1, 0, last], [0; 8]);
        assert_eq!(of(site(1), Prefix::Network), of(site(2), Prefix::Network));
    }

    #[test]
    fn a_word_says_the_distance_of_its_own_prefix_only() {
        let (a, b) = (
            name(v4(10, 1, 2, 3), Prefix::Network),
            name(v4(10, 1, 3, 3), Prefix::Network),
        );
        assert_eq!(distance(word(a, 12), a), 12);
        assert_eq!(distance(word(a, 12), b), 0);
        assert_eq!(distance(0, a), 0);
    }

    #[test]
    fn a_reply_tells_how_far_its_sender_is() {
        let of = Lesson::of;
        // Eleven routers took one each of 64.
        assert_eq!(of(Kind::EchoReply, 20, 53, 0), Lesson::Target(12));
        assert_eq!(of(Kind::Rst, 20, 117, 0), Lesson::Target(12));
        assert_eq!(of(Kind::SynAck, 20, 244, 0), Lesson::Target(12));
        // The probe left with 20 and had 9 left.
        assert_eq!(of(Kind::PortUnreachable, 20, 200, 9), Lesson::Target(12));
        assert_eq!(of(Kind::PortUnreachable, 20, 200, 21), Lesson::Target(0));
        assert_eq!(of(Kind::Unreachable, 9, 250, 1), Lesson::Refusal);
        assert_eq!(of(Kind::TimeExceeded, 9, 247, 1), Lesson::Router);
    }
}
