//! The routers of the tree and their addresses.

use super::{
    Internet, Net,
    internet::{Purpose, below},
};
use crate::Address;

/// What routers' IPv6 addresses begin with.
const V6_ROUTERS: u64 = 0xfd40_0000_0000_0000;

/// A router on the way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Router {
    /// Its distance from the prober, from 1 on.
    pub level: u32,
    /// The first bits of the numbers of the networks behind it.
    pub prefix: u32,
    /// Whether it serves one network alone and is the last before it.
    pub last: bool,
    /// Which of the parallel ones it is, 0 to 2.
    pub arm: u32,
    /// Whether it speaks IPv6 here.
    pub v6: bool,
}

impl Internet {
    /// The router at a level below a network's distance, on the path of a flow.
    #[inline(always)]
    pub const fn router(&self, net: Net, distance: u32, level: u32, flow: u32) -> Router {
        let last = level + 1 == distance;
        let bits = if last {
            net.bits
        } else {
            self.prefix_bits(level, net)
        };
        Router {
            level,
            prefix: prefix(net, bits),
            last,
            arm: self.arm(net, level, flow),
            v6: net.v6,
        }
    }

    /// Which of the parallel routers of a level a flow takes: the router before
    /// them chooses, if it balances.
    #[inline(always)]
    const fn arm(&self, net: Net, level: u32, flow: u32) -> u32 {
        if level < self.shared_hops + 2 {
            return 0;
        }
        let before = level - 1;
        let chooser = prefix(net, self.prefix_bits(before, net)) as u64 | (before as u64) << 32;
        if !self.befalls(self.balanced, Purpose::Balanced, chooser) {
            return 0;
        }
        let width = 2 + (self.draw(Purpose::Arm, chooser) & 1);
        below(
            self.draw(Purpose::Arm, chooser ^ (flow as u64) << 20),
            width,
        )
    }

    /// Whether a router never answers.
    #[inline(always)]
    pub(super) const fn is_silent(&self, router: Router) -> bool {
        router.level > self.shared_hops && self.befalls(self.silent, Purpose::Silent, router.code())
    }

    /// Whether a router quotes more than it must.
    #[inline(always)]
    pub(super) const fn quotes_long(&self, router: Router) -> bool {
        self.befalls(self.long_quotes, Purpose::LongQuote, router.code())
    }
}

impl Router {
    /// The address that it answers from. No two routers have the same: the first
    /// octet tells level and kind (64 + level; the last before a network: 96 +
    /// level), the other three the prefix and, in two bits that are never zero, the
    /// arm.
    #[inline(always)]
    pub const fn address(self) -> Address {
        let code = self.code() as u32;
        if !self.v6 {
            return Address::from_v4(code.to_be_bytes());
        }
        let high = V6_ROUTERS | (code >> 24) as u64;
        let low = code as u64 & 0xff_ffff;
        Address::from_halves(high.to_be_bytes(), low.to_be_bytes())
    }

    /// A number that no other router has.
    #[inline(always)]
    pub(super) const fn code(self) -> u64 {
        let kind = if self.last { 96 } else { 64 };
        ((kind + (self.level & 31)) << 24 | (self.prefix & 0x3f_ffff) << 2 | (self.arm + 1)) as u64
    }
}

/// The first bits of a network's number.
#[inline(always)]
const fn prefix(net: Net, bits: u32) -> u32 {
    net.number >> (net.bits.wrapping_sub(bits) & 31)
}
