//! A plan's probes as numbers: (target, TTL, flow) in one index.

use bytemuck::{Pod, Zeroable};

/// The probes of one round: every target at every TTL in every flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Space {
    /// Targets.
    pub targets: u32,
    /// TTLs, from `first_ttl` on.
    pub ttls: u16,
    /// Flows for each target.
    pub flows: u16,
    /// The first TTL.
    pub first_ttl: u8,
    /// Explicit padding.
    pub reserved: [u8; 7],
}

/// A probe of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the target.
    pub target: u32,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Flow.
    pub flow: u16,
}

impl Space {
    /// All targets at the TTLs `first_ttl..=last_ttl` in `flows` flows.
    pub const fn new(targets: u32, first_ttl: u8, last_ttl: u8, flows: u16) -> Self {
        Self {
            targets,
            ttls: (last_ttl.saturating_sub(first_ttl)) as u16 + 1,
            flows,
            first_ttl,
            reserved: [0; 7],
        }
    }

    /// How many probes there are: below 2^50.
    #[inline(always)]
    pub const fn length(&self) -> u64 {
        self.targets as u64 * self.cells()
    }

    /// The probe with this index; `None`: beyond the last.
    #[inline(always)]
    pub const fn place(&self, index: u64) -> Option<Place> {
        let cells = self.cells();
        let ttls = self.ttls as u32;
        // Both, for the sake of a compiler that must see that nothing divides by zero.
        if cells == 0 || ttls == 0 || index >= self.length() {
            return None;
        }
        // Remainders by multiplication: a processor divides slowly.
        let target = index / cells;
        let cell = (index - target * cells) as u32;
        let flow = cell / ttls;
        let ttl = cell - flow * ttls;
        Some(Place {
            target: target as u32,
            ttl: self.first_ttl.wrapping_add(ttl as u8),
            flow: flow as u16,
        })
    }

    /// Probes of one target.
    #[inline(always)]
    const fn cells(&self) -> u64 {
        self.ttls as u64 * self.flows as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_target_ttl_and_flow_has_one_index() {
        let space = Space::new(7, 3, 22, 5);
        let places: HashSet<Place> = (0..space.length())
            .filter_map(|index| space.place(index))
            .collect();
        assert_eq!(places.len(), 7 * 20 * 5);
        let within = |p: &Place| p.target < 7 && (3..=22).contains(&p.ttl) && p.flow < 5;
        assert!(places.iter().all(within));
        assert_eq!(space.place(space.length()), None);
    }

    #[test]
    fn the_largest_plan_fits() {
        let space = Space::new(u32::MAX, 1, 255, 1_024);
        assert!(space.length() < 1 << 50);
        let last = Place {
            target: u32::MAX - 1,
            ttl: 255,
            flow: 1_023,
        };
        assert_eq!(space.place(space.length() - 1), Some(last));
    }
}
