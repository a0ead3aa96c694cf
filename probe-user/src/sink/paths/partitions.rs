//! Records, apart by their target: in memory, and on disk beyond a limit.

use std::{io, net::IpAddr};

use super::record::Record;
use crate::io::spill::{Extent, Spill};

/// Parts that all targets fall into. One has to fit into memory as a whole.
pub(super) const PARTITIONS: usize = 256;

/// Octets held in memory: each partition then goes to disk in blocks of a size that
/// disks like.
pub(super) const HELD_OCTETS: usize = 64 << 20;

pub(super) struct Partitions {
    partitions: Vec<Partition>,
    held_octets: usize,
    most_held: usize,
    spill: Spill,
}

#[derive(Default)]
struct Partition {
    held: Vec<u8>,
    spilt: Vec<Extent>,
}

impl Partitions {
    /// `most_held`: octets in memory.
    pub(super) fn new(spill: Spill, most_held: usize) -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            held_octets: 0,
            most_held,
            spill,
        }
    }

    /// Holds no more than that, for tests.
    #[cfg(test)]
    pub(super) fn limit(&mut self, most_held: usize) {
        self.most_held = most_held;
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Those of the disk. The record is then held, and so are those that were.
    pub(super) fn add(&mut self, record: &Record) -> io::Result<()> {
        let Some(partition) = self.partitions.get_mut(index(record.target)) else {
            return Ok(());
        };
        let before = partition.held.len();
        record.encode(&mut partition.held);
        self.held_octets += partition.held.len() - before;
        if self.held_octets < self.most_held {
            return Ok(());
        }
        for partition in &mut self.partitions {
            let extent = self.spill.append(&partition.held)?;
            partition.spilt.push(extent);
            self.held_octets -= partition.held.len();
            partition.held.clear();
        }
        Ok(())
    }

    /// Takes the records of the partition out, in no order.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn take(&mut self, index: usize, records: &mut Vec<Record>) -> io::Result<()> {
        records.clear();
        let Some(partition) = self.partitions.get_mut(index) else {
            return Ok(());
        };
        let partition = std::mem::take(partition);
        let mut octets = Vec::new();
        for extent in partition.spilt {
            octets.clear();
            self.spill.read(extent, &mut octets)?;
            decode(&octets, records);
        }
        decode(&partition.held, records);
        Ok(())
    }
}

fn decode(mut octets: &[u8], records: &mut Vec<Record>) {
    records.extend(std::iter::from_fn(|| Record::decode(&mut octets)));
}

/// The partition of a target: neighbours fall apart.
fn index(target: IpAddr) -> usize {
    let number = match target {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 ^ v6.to_bits() as u64,
    };
    // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn neighbours_spread_over_all_partitions() {
        let v4 = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n));
        let v4_prefix = |n: u32| IpAddr::from(Ipv4Addr::from_bits(n << 8));
        let v6 = |n: u32| IpAddr::from(Ipv6Addr::from_bits(u128::from(n) << 64));
        for address in [v4, v4_prefix, v6] {
            let mut counts = [0_u32; PARTITIONS];
            for number in 0..100 * PARTITIONS as u32 {
                counts[index(address(number))] += 1;
            }
            assert!(
                counts.iter().all(|count| (50..200).contains(count)),
                "{counts:?}"
            );
        }
    }
}
