//! Sets against a model of addresses one by one, and at their limits.

use std::{collections::BTreeSet, num::NonZeroU32};

use proptest::prelude::*;

use super::*;

/// Where the model's addresses lie: across several sampled prefixes.
const V4: u32 = 0x0a00_0000;
const V6: u128 = 0x2001_0db8 << 96;

/// A range of a small address space, of either family.
#[derive(Clone, Copy, Debug)]
struct Span {
    v6: bool,
    first: u16,
    length: u16,
}

impl Span {
    fn numbers(self) -> impl Iterator<Item = u16> {
        self.first..=self.first + self.length
    }

    fn addresses(self) -> impl Iterator<Item = Address> {
        self.numbers().map(move |number| address(self.v6, number))
    }
}

/// Four numbers of each sampled IPv6 prefix, at its beginning.
fn v6(number: u16) -> u128 {
    V6 + (u128::from(number / 4) << 64) + u128::from(number % 4)
}

fn address(is_v6: bool, number: u16) -> Address {
    if is_v6 {
        v6(number).address()
    } else {
        (V4 + u32::from(number)).address()
    }
}

fn spans(longest: u16) -> impl Strategy<Value = Vec<Span>> {
    let span = (any::<bool>(), 0..1_500u16, 0..longest).prop_map(|(v6, first, length)| Span {
        v6,
        first,
        length,
    });
    prop::collection::vec(span, 0..40)
}

fn ranges(spans: &[Span]) -> RangeSet {
    let mut builder = RangeSetBuilder::default();
    for span in spans {
        if span.v6 {
            span.numbers()
                .for_each(|number| builder.add_v6(v6(number), v6(number)));
        } else {
            let first = V4 + u32::from(span.first);
            builder.add_v4(first, first + u32::from(span.length));
        }
    }
    let added: u128 = spans.iter().map(|s| u128::from(s.length) + 1).sum();
    assert_eq!(builder.added(), added);
    builder.finish()
}

/// In the order of the indices.
type Model = BTreeSet<(bool, [u8; 16])>;

fn model(spans: &[Span]) -> Model {
    let addresses = spans.iter().flat_map(|span| span.addresses());
    addresses.map(|a| (!a.is_v4(), a.octets())).collect()
}

fn v4_set(parts: &[(u32, u32)]) -> TargetSet {
    let mut builder = RangeSetBuilder::default();
    parts
        .iter()
        .for_each(|(first, last)| builder.add_v4(*first, *last));
    TargetSet::new(builder.finish()).expect("few enough")
}

fn addresses(set: &TargetSet) -> Vec<Address> {
    let all = (0..set.len()).map(|index| set.get(index).expect("a target"));
    all.collect()
}

fn per_prefix(ranges: &RangeSet, count: u32, seed: u64) -> TargetSet {
    let count = NonZeroU32::new(count).expect("not zero");
    TargetSet::per_prefix(ranges, count, seed).expect("few enough")
}

proptest! {
    #[test]
    fn a_set_is_what_was_added_less_what_was_taken_out(
        wanted in spans(100),
        holes in spans(20),
    ) {
        let mut left = model(&wanted);
        let before = left.len();
        model(&holes).iter().for_each(|hole| { left.remove(hole); });

        let mut set = ranges(&wanted);
        let taken = set.subtract(&ranges(&holes));
        prop_assert_eq!(taken, (before - left.len()) as u128);
        prop_assert_eq!(set.is_empty(), left.is_empty());
        let set = TargetSet::new(set).expect("few enough");
        let held: Vec<_> = addresses(&set).iter().map(|a| (!a.is_v4(), a.octets())).collect();
        prop_assert_eq!(held, left.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_address_has_one_index_and_every_index_one_address(
        wanted in spans(200),
        probes in spans(1),
    ) {
        let set = TargetSet::new(ranges(&wanted)).expect("few enough");
        for (index, address) in (0..).zip(addresses(&set)) {
            prop_assert_eq!(set.index_of(address), Some(index));
        }
        prop_assert_eq!(set.get(set.len()), None);
        let model = model(&wanted);
        for address in probes.iter().flat_map(|span| span.addresses()) {
            let held = model.contains(&(!address.is_v4(), address.octets()));
            prop_assert_eq!(set.index_of(address).is_some(), held);
        }
    }

    #[test]
    fn intervals_are_the_same_addresses_and_as_long_as_can_be(wanted in spans(60)) {
        let set = TargetSet::new(ranges(&wanted)).expect("few enough");
        let mut all = Vec::new();
        let mut previous: Option<Address> = None;
        for (first, last) in set.intervals() {
            let (first, last) = (set.index_of(first), set.index_of(last));
            let run: Vec<_> = (first.expect("held")..=last.expect("held"))
                .filter_map(|index| set.get(index))
                .collect();
            let touches = |previous: Address| {
                previous.is_v4() == run[0].is_v4()
                    && of_v6(previous).after() == Some(of_v6(run[0]))
            };
            prop_assert!(!previous.is_some_and(touches));
            prop_assert_eq!(of_v6(run[run.len() - 1]) - of_v6(run[0]), run.len() as u128 - 1);
            previous = run.last().copied();
            all.extend(run);
        }
        prop_assert_eq!(all, addresses(&set));
    }

    #[test]
    fn some_of_every_prefix_are_chosen_among_those_held(
        wanted in spans(600),
        holes in spans(20),
        count in 1..300u32,
        seed in any::<u64>(),
    ) {
        let mut held = ranges(&wanted);
        held.subtract(&ranges(&holes));
        let all = TargetSet::new(held.clone()).expect("few enough");
        let chosen = per_prefix(&held, count, seed);
        prop_assert_eq!(chosen.digest(), per_prefix(&held, count, seed).digest());

        let prefix = |a: Address| match of_v4(a) {
            Some(v4) => (false, u128::from(v4 >> 8)),
            None => (true, of_v6(a) >> 64),
        };
        let mut room = std::collections::BTreeMap::new();
        addresses(&all).into_iter().for_each(|a| *room.entry(prefix(a)).or_insert(0u32) += 1);
        let whole = |key: &(bool, u128)| !key.0 && room[key] == 256;
        let mut taken = std::collections::BTreeMap::new();
        for address in addresses(&chosen) {
            prop_assert!(all.index_of(address).is_some());
            *taken.entry(prefix(address)).or_insert(0u32) += 1;
            if whole(&prefix(address)) {
                let last = address.octets()[15];
                prop_assert!(last != 0 && last != 255);
            }
        }
        for (key, room) in &room {
            let room = if whole(key) { 254 } else { *room };
            prop_assert_eq!(taken.get(key).copied(), Some(count.min(room)));
        }
    }
}

#[test]
fn a_large_network_less_some_holes_takes_little_memory_and_is_indexed_to_its_ends() {
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(0, u32::MAX);
    let mut all = builder.finish();
    let mut holes = RangeSetBuilder::default();
    for net in 0..1_000u32 {
        holes.add_v4(net * net * 4_000, net * net * 4_000 + 300);
    }
    let holes = holes.finish();
    assert_eq!(all.subtract(&holes), holes.count());
    let set = TargetSet::new(all).expect("holes make room for an index each");
    assert_eq!(u128::from(set.len()) + holes.count(), 1 << 32);
    assert!(set.memory_bytes() < 100_000, "{}", set.memory_bytes());
    assert_eq!(set.get(set.len() - 1), Some(u32::MAX.address()));
    assert_eq!(set.get(0), Some(301u32.address()));
    for index in (0..set.len()).step_by(999_983) {
        let address = set.get(index).expect("below the length");
        assert!(!holes.covers((address, address)));
        assert_eq!(set.index_of(address), Some(index));
    }
}

#[test]
fn scattered_addresses_take_four_bytes_each_and_sixteen_in_ipv6() {
    let mut builder = RangeSetBuilder::default();
    for number in 0..10_000u32 {
        builder.add_v4(number * 3, number * 3);
        builder.add_v6(V6 + u128::from(number * 3), V6 + u128::from(number * 3));
    }
    let set = TargetSet::new(builder.finish()).expect("few enough");
    let overhead = set.memory_bytes() - 10_000 * 20;
    assert!(overhead < 256, "{overhead}");
}

#[test]
fn more_targets_than_indices_are_refused() {
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(0, u32::MAX);
    let mut all = builder.finish();
    let error = TargetSet::new(all.clone()).expect_err("one too many");
    assert_eq!(error.count, 1 << 32);
    assert!(error.to_string().contains("--per-prefix"), "{error}");
    let mut one = RangeSetBuilder::default();
    one.add_v4(7, 7);
    all.subtract(&one.finish());
    assert_eq!(TargetSet::new(all).map(|set| set.len()), Ok(u32::MAX));

    let mut builder = RangeSetBuilder::default();
    builder.add_v6(0, u128::MAX);
    let all = builder.finish();
    let one = NonZeroU32::MIN;
    assert!(TargetSet::per_prefix(&all, one, 0).is_err_and(|error| error.count > 1 << 63));
    assert!(TargetSet::new(all).is_err());
}

#[test]
fn mapped_addresses_are_ipv4_and_no_part_of_an_ipv6_network() {
    let mut builder = RangeSetBuilder::default();
    builder.add_v6(0xffff_0a00_0001, 0xffff_0a00_0002);
    let set = TargetSet::new(builder.finish()).expect("few enough");
    assert!(set.is_v4_only());
    assert_eq!(set.get(1), Some(Address::from_v4([10, 0, 0, 2])));

    let mut builder = RangeSetBuilder::default();
    builder.add_v6(0xfffe_ffff_ffff, 0x1_0000_0000_0000);
    let set = TargetSet::new(builder.finish()).expect("few enough");
    assert_eq!(set.len(), 2);
    assert!(addresses(&set).iter().all(|address| !address.is_v4()));
}

#[test]
fn a_digest_knows_the_contents_and_not_how_they_came() {
    let set = v4_set(&[(1, 50), (70, 70)]);
    assert_eq!(
        set.digest(),
        v4_set(&[(70, 70), (20, 50), (1, 30)]).digest()
    );
    assert_ne!(set.digest(), v4_set(&[(1, 50), (71, 71)]).digest());
    assert_ne!(set.digest(), v4_set(&[(1, 51), (70, 70)]).digest());
    // What a checkpoint of an earlier version holds must still be right.
    assert_eq!(set.digest(), 16_746_707_830_202_456_833);
    assert_eq!(v4_set(&[]).digest(), 16_294_208_416_658_607_535);
}

#[test]
fn seeds_choose_differently_and_each_prefix_for_itself() {
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(V4, V4 + 0xffff);
    builder.add_v6(V6, V6 + (1 << 72) - 1);
    let both = builder.finish();
    let chosen = per_prefix(&both, 3, 1);
    assert_eq!(chosen.len(), 3 * 2 * 256);
    assert_ne!(chosen.digest(), per_prefix(&both, 3, 2).digest());
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(V4 + 256, V4 + 511);
    let alone = addresses(&per_prefix(&builder.finish(), 3, 1));
    assert_eq!(alone, addresses(&chosen)[3..6]);
}
