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

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, os::fd::AsFd as _};

    use super::*;

    fn array(words: usize) -> Mapped {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(8 * words as u64).expect("so long");
        Mapped::new(file.as_fd(), words).expect("mapped")
    }

    fn banks() -> Banks {
        Banks {
            ways: array(2 * MOST_WAYS as usize * WAY_WORDS),
            stretches: array(2 * MOST_STRETCHES as usize * STRETCH_WORDS),
        }
    }

    fn words<const N: usize>(array: &Mapped, place: usize) -> [u64; N] {
        let record = array.record::<N>(place).expect("a record");
        std::array::from_fn(|word| record[word].load(Relaxed))
    }

    fn way_at(banks: &Banks, place: usize) -> Way {
        bytemuck::cast(words::<WAY_WORDS>(&banks.ways, place))
    }

    fn stretch_at(banks: &Banks, place: usize) -> Stretch {
        bytemuck::cast(words::<STRETCH_WORDS>(&banks.stretches, place))
    }

    fn path(ifindex: u32) -> Path {
        Path {
            ifindex,
            source: IpAddr::from([192, 0, 2, 1]),
            link: Link::Ethernet {
                source: [2, 0, 0, 0, 0, 1],
                destination: [2, 0, 0, 0, 0, 2],
            },
        }
    }

    /// Where IPv4 addresses begin among all numbers.
    const V4: u128 = 0xffff << 32;

    #[test]
    fn an_address_is_two_halves_and_ipv4_the_low_one_alone() {
        assert_eq!(halves(V4 | 0x0a00_0001), (0, 0x0a00_0001));
        assert_eq!(halves(0xfd10 << 112 | 7), (0xfd10 << 48, 7));
        // What only looks like IPv4 in its low half.
        assert_eq!(halves(1 << 64 | V4), (1, V4 as u64));
        assert_eq!(halves(0), (0, 0));
    }

    #[test]
    fn a_header_is_two_words_that_overlap() {
        let header = std::array::from_fn(|place| place as u8);
        let [begin, end] = overlapping(header);
        assert_eq!(begin, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(end, [6, 7, 8, 9, 10, 11, 12, 13]);
    }

    #[test]
    fn each_stretch_has_its_way_and_where_there_is_none_no_interface() {
        let banks = banks();
        let map = WayMap::of(&[
            (V4, Some(path(3))),
            (V4 + 256, None),
            (V4 + 512, Some(path(4))),
            (V4 + 768, Some(path(3))),
        ]);
        assert_eq!(banks.fill(&map, false), 4);
        let found: Vec<_> = (0..4)
            .map(|place| {
                let Stretch { high, low, way } = stretch_at(&banks, place);
                (high, low, way_at(&banks, way as usize).ifindex)
            })
            .collect();
        assert_eq!(found, [(0, 0, 3), (0, 256, 0), (0, 512, 4), (0, 768, 3)]);
        let way = way_at(&banks, 1);
        assert_eq!(way.source, address(path(3).source));
        assert_eq!(way.header[1], [2, 0, 0, 0, 0, 1, 8, 0]);
    }

    #[test]
    fn filling_one_bank_leaves_the_other_as_it_is() {
        let banks = banks();
        let first = banks.fill(&WayMap::of(&[(V4, Some(path(3)))]), false);
        let second = banks.fill(&WayMap::of(&[(V4 + 9, Some(path(4)))]), true);
        assert_eq!((first, second), (1, 1 | Lane::SECOND_BANK));
        let (ways, stretches) = (MOST_WAYS as usize, MOST_STRETCHES as usize);
        assert_eq!(stretch_at(&banks, 0).low, 0);
        assert_eq!(way_at(&banks, 1).ifindex, 3);
        assert_eq!(stretch_at(&banks, stretches).low, 9);
        assert_eq!(way_at(&banks, ways + 1).ifindex, 4);
    }

    #[test]
    fn ways_that_the_program_cannot_go_are_told() {
        let kernel = Path {
            link: Link::Kernel,
            ..path(3)
        };
        let map = WayMap::of(&[(V4, Some(path(3))), (V4 + 1, Some(kernel))]);
        assert!(unfit(&map).is_some_and(|why| why.contains("192.0.2.1")));
        let many = |count| -> WayMap {
            let stretches: Vec<_> = (0..count)
                .map(|place| (V4 + place, Some(path(1 + place as u32))))
                .collect();
            WayMap::of(&stretches)
        };
        assert_eq!(unfit(&many(u128::from(MOST_WAYS) - 1)), None);
        assert!(unfit(&many(MOST_WAYS.into())).is_some_and(|why| why.contains("too many")));
    }
}
