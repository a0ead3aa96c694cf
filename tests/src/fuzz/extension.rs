//! ICMP extensions: what stands behind a quote.

use probe_common::wire::extension::{self, Extensions, Role};

use crate::{corpus::parse_hex, packet::icmp};

/// Reads a structure: the first octet says whether its message states where it
/// begins, and whether its checksum is to be made right first, so that what lies
/// behind the checksum is tried as well.
pub fn extension(input: &[u8]) {
    let Some((first, octets)) = input.split_first() else {
        return;
    };
    let stated = first & 1 == 1;
    let mut octets = octets.to_vec();
    if first & 2 == 2 {
        icmp::sum_extension(&mut octets);
    }
    let Ok(extensions) = extension::read(&octets, stated) else {
        return;
    };
    assert!(octets.len() >= described(&extensions));
    if !stated {
        let again = extension::read(&octets, true);
        assert_eq!(
            again,
            Ok(extensions),
            "what needs no statement is read with one too"
        );
    }
}

/// Octets that what was read takes at least.
fn described(extensions: &Extensions) -> usize {
    let interfaces = Role::ALL
        .iter()
        .filter_map(|role| extensions.interface(*role));
    let octets = interfaces.map(|interface| {
        let numbers = [interface.index, interface.mtu].into_iter().flatten();
        let address = interface
            .address
            .map_or(0, |a| if a.is_v4() { 8 } else { 20 });
        let name = interface.name.map_or(0, |name| 1 + name.octets().len());
        4 + 4 * numbers.count() + address + name
    });
    let objects = octets.sum::<usize>() + 4 * usize::from(extensions.others);
    extension::LENGTH + objects + 4 * extensions.labels().len()
}

/// Structures of each kind, and near misses.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut structures = vec![icmp::mpls_extension(299_776, 1), vec![0x20, 0, 0, 0]];
    let hex = [
        // Two labels; an interface with all that it can have; one of IPv6; both
        // kinds, and a class that is not known.
        "20000000 000c0101 493000ff 00010101",
        "20000000 0020020f 00000007 00010000 c0000201 0878652d302f3000 000005dc 00000000",
        "20000000 001c0284 00020000 fd000000000000000000000000000001 00000000",
        "20000000 00080101 49300101 000c020a 00000007 04786500 00080901 00000000",
        // Objects that lie about their length.
        "20000000 00030101",
        "20000000 ffff0101 49300101",
        "20000000 00060101 4930",
    ];
    structures.extend(hex.iter().flat_map(|text| parse_hex(text)));
    let firsts = structures
        .iter()
        .flat_map(|structure| (0..4).map(move |first| [&[first], &structure[..]].concat()));
    firsts.collect()
}
