//! What is known of one path, and which probe is next.

use bytemuck::{Pod, Zeroable};

/// The last TTL that a trail can hold: a bit for each.
pub const MAX_TTL: u8 = 32;

/// Hops beyond the distance of a neighbouring target at which this one is looked for
/// while its path is not known to be longer.
const BEYOND_NEIGHBOUR: u32 = 1;

/// A trail in memory that sender and receiver share: words, each written by one of
/// them alone, but for those that both only add bits to. 64 bytes: a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Trail {
    /// Whose it is, see [`owner`]; 0: nobody's. By the sender.
    pub owner: u64,
    /// TTLs probed (a bit for each, 1 in the lowest), the first of them from bit 32
    /// on, and the neighbour's distance from bit 40 on. By the sender.
    pub probed: u64,
    /// TTLs that a router answered, and from bit 32 on those whose router is in the
    /// stop set. By the receiver.
    pub heard: u64,
    /// TTLs at which the path ended, and from bit 32 on those at which the target itself
    /// said so. By the receiver.
    pub reached: u64,
    /// The distance that the target's reply tells; 0: none. By the receiver.
    pub estimate: u64,
    /// The target's address as a number, if the generator sends: its high half.
    pub high: u64,
    /// Its low half; all of an IPv4 address.
    pub low: u64,
    /// The step of the schedule that the trail came from. By the sender.
    pub cursor: u64,
}

/// Names the path of a target in a flow.
#[inline(always)]
pub const fn owner(target: u32, flow: u16) -> u64 {
    (target as u64) << 32 | (flow as u64) << 16 | 1
}

/// Bounds of all paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Rules {
    /// First TTL, at least 1.
    pub first_ttl: u8,
    /// Last TTL, at most [`MAX_TTL`].
    pub last_ttl: u8,
    /// Silent hops in a row after which no more are looked for.
    pub gap_limit: u8,
    /// Explicit padding.
    pub reserved: [u8; 5],
}

impl Rules {
    /// The TTLs `first_ttl..=last_ttl`, kept within what a trail can hold.
    pub const fn new(first_ttl: u8, last_ttl: u8, gap_limit: u8) -> Self {
        Self {
            first_ttl: if first_ttl == 0 { 1 } else { first_ttl },
            last_ttl: if last_ttl > MAX_TTL {
                MAX_TTL
            } else {
                last_ttl
            },
            gap_limit,
            reserved: [0; 5],
        }
    }

    /// The bits of all TTLs.
    #[inline(always)]
    const fn range(self) -> u32 {
        up_to(self.last_ttl) & !up_to(self.first_ttl.wrapping_sub(1))
    }

    /// How many TTLs there are.
    #[inline(always)]
    pub const fn ttls(self) -> u32 {
        self.range().count_ones()
    }

    /// Where a path is begun: where the nearest of its neighbours was found (the first
    /// of `hints` that is not 0), else in the middle.
    #[inline(always)]
    pub const fn start(self, [network, region, anywhere]: [u8; 3]) -> u8 {
        let middle = (self.first_ttl as u32 + self.last_ttl as u32).div_ceil(2) as u8;
        let hint = match (network, region, anywhere) {
            (0, 0, 0) => middle,
            (0, 0, hint) | (0, hint, _) | (hint, _, _) => hint,
        };
        if hint < self.first_ttl {
            self.first_ttl
        } else if hint > self.last_ttl {
            self.last_ttl
        } else {
            hint
        }
    }
}

/// What a trail says. TTLs are bits: 1 the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Probed.
    pub probed: u32,
    /// Answered by a router.
    pub heard: u32,
    /// Of these, by a router of the stop set.
    pub known: u32,
    /// Answered by the target, or for it.
    pub reached: u32,
    /// Of these, by the target itself.
    pub target: u32,
    /// The TTL of the first probe.
    pub start: u8,
    /// Distance of a target of the same network; 0: none known.
    pub neighbour: u8,
    /// Distance by the target's own reply; 0: none.
    pub estimate: u8,
}

/// TTLs of a finished trail that were not probed, by the reason why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spared {
    /// The path ended at a lower one.
    pub target_reached: u32,
    /// Behind a gap of silence.
    pub gap_limit: u32,
    /// Before a router that is known at its distance.
    pub known_path: u32,
}

impl Trail {
    /// An empty one.
    pub const NOBODYS: Self = Self {
        owner: 0,
        probed: 0,
        heard: 0,
        reached: 0,
        estimate: 0,
        high: 0,
        low: 0,
        cursor: 0,
    };

    /// Reads the words that decide. What was not probed cannot be answered: that is
    /// left of the path that had the place before.
    #[inline(always)]
    pub const fn state(probed: u64, heard: u64, reached: u64, estimate: u64) -> State {
        let sent = probed as u32;
        State {
            probed: sent,
            heard: heard as u32 & sent,
            known: (heard >> 32) as u32 & sent,
            reached: reached as u32 & sent,
            target: (reached >> 32) as u32 & sent,
            start: (probed >> 32) as u8,
            neighbour: (probed >> 40) as u8,
            estimate: estimate as u8,
        }
    }

    /// The sender's word of a trail that begins.
    #[inline(always)]
    pub const fn beginning(start: u8, neighbour: u8) -> u64 {
        (neighbour as u64) << 40 | (start as u64) << 32
    }
}

impl State {
    /// The TTL of the next probe; `None`: the path is known as far as it will be.
    #[inline(always)]
    pub const fn next(&self, rules: Rules) -> Option<u8> {
        if self.probed == 0 {
            return Some(self.start);
        }
        let open = rules.range() & !self.probed;
        let found = if self.reached != 0 {
            self.next_before(open)
        } else {
            self.next_beyond(open, rules)
        };
        let found = match found {
            0 => self.next_back(open),
            found => found,
        };
        if found == 0 { None } else { Some(found) }
    }

    /// The path ended: where the target's reply says, then on from the last router
    /// before, or down to one.
    #[inline(always)]
    const fn next_before(&self, open: u32) -> u8 {
        let open = open & self.before_end();
        if bit(self.estimate) & open != 0 {
            return self.estimate;
        }
        let heard = self.heard & self.before_end();
        if heard == 0 {
            return highest(open);
        }
        lowest(open & !up_to(highest(heard)))
    }

    /// Nobody answered for the target: down to the first router that answers, then on
    /// from there.
    #[inline(always)]
    const fn next_beyond(&self, open: u32, rules: Rules) -> u8 {
        if self.heard == 0 {
            let down = highest(open & up_to(self.start));
            if down != 0 {
                return down;
            }
        }
        lowest(open & up_to(self.limit(rules)) & !up_to(self.last_heard(rules)))
    }

    /// Back from the last router until one that is known.
    #[inline(always)]
    const fn next_back(&self, open: u32) -> u8 {
        let known = self.known & self.before_end();
        let back = open & up_to(highest(self.heard & self.before_end()));
        highest(back & !up_to(highest(known)))
    }

    /// TTLs before that at which the path ended.
    #[inline(always)]
    const fn before_end(&self) -> u32 {
        match lowest(self.reached) {
            0 => u32::MAX,
            end => up_to(end.wrapping_sub(1)),
        }
    }

    /// The highest TTL that a router answered; the one before the first if none did.
    #[inline(always)]
    const fn last_heard(&self, rules: Rules) -> u8 {
        match highest(self.heard) {
            0 => rules.first_ttl.wrapping_sub(1),
            heard => heard,
        }
    }

    /// The last TTL at which a silent target is looked for.
    #[inline(always)]
    const fn limit(&self, rules: Rules) -> u8 {
        let heard = self.last_heard(rules);
        let limit = heard as u32 + rules.gap_limit as u32;
        let neighbour = self.neighbour as u32 + BEYOND_NEIGHBOUR;
        if self.neighbour > heard && neighbour < limit {
            return neighbour as u8;
        }
        if limit > MAX_TTL as u32 {
            MAX_TTL
        } else {
            limit as u8
        }
    }

    /// How far away the target is; 0: it did not answer itself, or the hop before it is
    /// not probed.
    #[inline(always)]
    pub const fn distance(&self) -> u8 {
        let end = lowest(self.reached);
        if self.target & bit(end) == 0 {
            return 0;
        }
        if end > 1 && self.probed & bit(end.wrapping_sub(1)) == 0 {
            return 0;
        }
        end
    }

    /// What was not probed, and why, once there is no next probe.
    #[inline(always)]
    pub const fn spared(&self, rules: Rules) -> Spared {
        let open = rules.range() & !self.probed;
        let beyond = open & !self.before_end();
        let behind = open & !beyond & !up_to(highest(self.heard));
        Spared {
            target_reached: beyond.count_ones(),
            gap_limit: behind.count_ones(),
            known_path: (open & !beyond & !behind).count_ones(),
        }
    }
}

/// The bit of a TTL; none of 0 and of what a trail cannot hold.
#[inline(always)]
pub const fn bit(ttl: u8) -> u32 {
    if ttl > MAX_TTL {
        return 0;
    }
    ((1u64 << (ttl & 63)) >> 1) as u32
}

/// The bits of all TTLs up to this one.
#[inline(always)]
const fn up_to(ttl: u8) -> u32 {
    if ttl > MAX_TTL {
        return u32::MAX;
    }
    ((1u64 << (ttl & 63)).wrapping_sub(1)) as u32
}

/// The highest TTL of a set; 0: it is empty.
#[inline(always)]
const fn highest(set: u32) -> u8 {
    32u32.wrapping_sub(set.leading_zeros()) as u8
}

/// The lowest TTL of a set; 0: it is empty.
#[inline(always)]
const fn lowest(set: u32) -> u8 {
    if set == 0 {
        0
    } else {
        set.trailing_zeros().wrapping_add(1) as u8
    }
}

#[cfg(test)]
mod tests;
