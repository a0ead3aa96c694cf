//! Where frames go: two banks of ways, of which one is in use while the other is
//! filled.

use std::sync::atomic::Ordering::Relaxed;

use probe_common::{
    abi::generator::{Lane, MOST_STRETCHES, MOST_WAYS, Stretch, Way},
    wire::eth,
};

use crate::{
    engine::answer::address,
    io::{
        mapped::Mapped,
        network::{Link, Path, WayMap},
    },
};

const WAY_WORDS: usize = size_of::<Way>() / 8;
const STRETCH_WORDS: usize = size_of::<Stretch>() / 8;

/// The banks, mapped.
#[derive(Debug)]
pub(super) struct Banks {
    pub(super) ways: Mapped,
    pub(super) stretches: Mapped,
}

/// Why the generator cannot go by some ways.
pub fn unfit(map: &WayMap) -> Option<String> {
    let kernel = map.paths().find(|path| path.link == Link::Kernel);
    if let Some(path) = kernel {
        return Some(format!(
            "some packets leave by the kernel's own way (source {})",
            path.source
        ));
    }
    // One place is for what has no way.
    let fits = map.paths().count() < MOST_WAYS as usize
        && map.stretches().count() <= MOST_STRETCHES as usize;
    (!fits).then(|| "there are too many different ways".to_owned())
}

impl Banks {
    /// Fills a bank; gives the word that makes lanes use it.
    pub(super) fn fill(&self, map: &WayMap, second: bool) -> u64 {
        let (first_way, first_stretch) = if second {
            (MOST_WAYS as usize, MOST_STRETCHES as usize)
        } else {
            (0, 0)
        };
        store(
            &self.ways,
            first_way,
            bytemuck::cast::<_, [u64; WAY_WORDS]>(Way::default()),
        );
        for (place, path) in (first_way + 1..).zip(map.paths()) {
            store(
                &self.ways,
                place,
                bytemuck::cast::<_, [u64; WAY_WORDS]>(way(path)),
            );
        }
        let mut count = 0;
        for (first, path) in map.stretches() {
            let (high, low) = halves(first);
            let way = path.map_or(0, |path| path as u64 + 1);
            let stretch = Stretch { high, low, way };
            let words = bytemuck::cast::<_, [u64; STRETCH_WORDS]>(stretch);
            store(&self.stretches, first_stretch + count, words);
            count += 1;
        }
        let bank = if second { Lane::SECOND_BANK } else { 0 };
        count as u64 | bank
    }
}

fn store<const N: usize>(array: &Mapped, place: usize, words: [u64; N]) {
    let Some(record) = array.record::<N>(place) else {
        return;
    };
    for (target, word) in record.iter().zip(words) {
        target.store(word, Relaxed);
    }
}

fn way(path: &Path) -> Way {
    match path.link {
        Link::Ethernet {
            source,
            destination,
        } => {
            let ethertype = if path.source.is_ipv4() {
                eth::IPV4
            } else {
                eth::IPV6
            };
            let header = eth::header(destination, source, ethertype);
            Way {
                source: address(path.source),
                ifindex: path.ifindex,
                reserved: 0,
                header: overlapping(header),
            }
        }
        Link::Kernel => Way::default(),
    }
}

/// A header as two words: its first eight octets, and its last.
fn overlapping(header: [u8; eth::LENGTH]) -> [[u8; 8]; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = header;
    [[a, b, c, d, e, f, g, h], [g, h, i, j, k, l, m, n]]
}

/// A number as the program has it: IPv4 in the low half alone.
pub(super) fn halves(number: u128) -> (u64, u64) {
    let (high, low) = ((number >> 64) as u64, number as u64);
    if high == 0 && low >> 32 == 0xffff {
        return (0, low & 0xffff_ffff);
    }
    (high, low)
}
