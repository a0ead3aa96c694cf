//! ICMP extensions (RFC 4884): MPLS label stacks (RFC 4950) and information about
//! interfaces (RFC 5837). Read in userspace, from what the kernel copied.

use super::{Bounded, Cursor, SliceCursor, checksum::Sum};
use crate::Address;

/// Octets of a structure's header.
pub const LENGTH: usize = 4;
/// Octets of an object's header.
const OBJECT: u16 = 4;
/// The version that the header states, in its high four bits.
const VERSION: u8 = 2;
/// Most octets of a structure that is read.
pub const MAX_OCTETS: usize = 256;
/// Most objects that fit.
const MAX_OBJECTS: usize = MAX_OCTETS / OBJECT as usize;
/// Most label stack entries that fit.
pub const MAX_LABELS: usize = (MAX_OCTETS - LENGTH - OBJECT as usize) / 4;
/// Most octets of an interface's name (RFC 5837, section 4.3).
pub const MAX_NAME: usize = 63;

const CLASS_MPLS: u8 = 1;
const CLASS_INTERFACE: u8 = 2;
/// An MPLS object of the incoming stack.
const INCOMING_STACK: u8 = 1;

/// What an interface object holds, in this order (its C-type's low four bits).
const HAS_INDEX: u8 = 8;
const HAS_ADDRESS: u8 = 4;
const HAS_NAME: u8 = 2;
const HAS_MTU: u8 = 1;

/// Address families (IANA).
const AFI_IPV4: u16 = 1;
const AFI_IPV6: u16 = 2;

/// Why octets are no extension structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Shorter than a header, or longer than what is read.
    Length,
    /// Another version, or no structure at all.
    Version,
    /// The checksum is wrong; or there is none, and nothing else says that this is a
    /// structure.
    Checksum,
    /// An object that does not end where the structure does, or before.
    Object,
}

/// An entry of a label stack (RFC 3032, section 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Label(pub u32);

impl Label {
    /// The label, 20 bits.
    pub const fn label(self) -> u32 {
        self.0 >> 12
    }

    /// Traffic class, 3 bits.
    pub const fn traffic_class(self) -> u8 {
        (self.0 >> 9) as u8 & 7
    }

    /// Whether it is the last of its stack.
    pub const fn is_bottom(self) -> bool {
        self.0 >> 8 & 1 == 1
    }

    /// TTL.
    pub const fn ttl(self) -> u8 {
        self.0 as u8
    }
}

/// What an interface is to the packet (RFC 5837, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The packet came in by it.
    Incoming,
    /// Its part below IP that the packet came in by.
    SubIp,
    /// The packet would have gone out by it.
    Outgoing,
    /// The next hop that the packet would have gone to.
    NextHop,
}

impl Role {
    /// Every value, by its code.
    pub const ALL: [Self; 4] = [Self::Incoming, Self::SubIp, Self::Outgoing, Self::NextHop];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::SubIp => "sub-ip",
            Self::Outgoing => "outgoing",
            Self::NextHop => "next-hop",
        }
    }
}

/// An interface's name: what its router says, in any octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    octets: [u8; MAX_NAME],
    length: u8,
}

impl Name {
    const EMPTY: Self = Self {
        octets: [0; MAX_NAME],
        length: 0,
    };

    /// The octets, without the padding.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.length as usize).unwrap_or_default()
    }
}

/// Information about an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index (`ifIndex`, RFC 2863).
    pub index: Option<u32>,
    /// Its address.
    pub address: Option<Address>,
    /// Its name.
    pub name: Option<Name>,
    /// Its MTU, octets.
    pub mtu: Option<u32>,
}

/// What a structure holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    labels: [Label; MAX_LABELS],
    label_count: u8,
    interfaces: [Option<Interface>; Role::ALL.len()],
    /// Objects of other classes, which are passed over.
    pub others: u8,
}

impl Extensions {
    const NONE: Self = Self {
        labels: [Label(0); MAX_LABELS],
        label_count: 0,
        interfaces: [None; Role::ALL.len()],
        others: 0,
    };

    /// The label stack that the packet came in with, the outermost entry first.
    pub fn labels(&self) -> &[Label] {
        let count = self.label_count as usize;
        self.labels.get(..count).unwrap_or_default()
    }

    /// The interface of a role.
    pub fn interface(&self, role: Role) -> Option<&Interface> {
        self.interfaces.get(role as usize)?.as_ref()
    }
}

/// Reads a whole structure. `stated`: the message says where it begins; else it was
/// looked for where older routers put it, and only a right checksum proves that it
/// is one (RFC 4884, section 5.5).
///
/// # Errors
///
/// The first thing that is wrong.
pub fn read(octets: &[u8], stated: bool) -> Result<Extensions, Flaw> {
    if octets.len() > MAX_OCTETS {
        return Err(Flaw::Length);
    }
    let mut cursor = Bounded::new(SliceCursor::new(octets), octets.len() as u32);
    let [version, _, c0, c1] = cursor.take().ok_or(Flaw::Length)?;
    if version >> 4 != VERSION {
        return Err(Flaw::Version);
    }
    let sent = [c0, c1] != [0, 0];
    if (!sent && !stated) || (sent && Sum::ZERO.add_bytes(octets).fold() != 0xffff) {
        return Err(Flaw::Checksum);
    }
    let mut extensions = Extensions::NONE;
    for _ in 0..MAX_OBJECTS {
        if cursor.left() == 0 {
            break;
        }
        object(&mut cursor, &mut extensions).ok_or(Flaw::Object)?;
    }
    Ok(extensions)
}

/// Reads one object, and moves past it; `None`: it is none.
fn object<C: Cursor>(cursor: &mut Bounded<C>, extensions: &mut Extensions) -> Option<()> {
    let [l0, l1, class, kind] = cursor.take()?;
    let payload = u16::from_be_bytes([l0, l1]).checked_sub(OBJECT)?;
    let begin = *cursor;
    cursor.skip(payload)?;
    let mut object = begin.truncate(u32::from(payload));
    match (class, kind) {
        (CLASS_MPLS, INCOMING_STACK) => labels(&mut object, extensions),
        (CLASS_INTERFACE, _) => {
            let role = (kind >> 6) as usize;
            let place = extensions.interfaces.get_mut(role)?;
            *place = Some(interface(&mut object, kind)?);
            Some(())
        }
        _ => {
            extensions.others = extensions.others.saturating_add(1);
            Some(())
        }
    }
}

fn labels<C: Cursor>(object: &mut Bounded<C>, extensions: &mut Extensions) -> Option<()> {
    let begin = extensions.label_count as usize;
    let places = extensions.labels.get_mut(begin..)?;
    for place in places {
        if object.left() == 0 {
            break;
        }
        *place = Label(u32::from_be_bytes(object.take()?));
        extensions.label_count += 1;
    }
    (object.left() == 0).then_some(())
}

fn interface<C: Cursor>(object: &mut Bounded<C>, kind: u8) -> Option<Interface> {
    let mut interface = Interface {
        index: None,
        address: None,
        name: None,
        mtu: None,
    };
    if kind & HAS_INDEX != 0 {
        interface.index = Some(u32::from_be_bytes(object.take()?));
    }
    if kind & HAS_ADDRESS != 0 {
        interface.address = Some(address(object)?);
    }
    if kind & HAS_NAME != 0 {
        interface.name = Some(name(object)?);
    }
    if kind & HAS_MTU != 0 {
        interface.mtu = Some(u32::from_be_bytes(object.take()?));
    }
    Some(interface)
}

/// Section 4.2: family, two octets of nothing, address.
fn address<C: Cursor>(object: &mut Bounded<C>) -> Option<Address> {
    let [f0, f1, _, _] = object.take()?;
    match u16::from_be_bytes([f0, f1]) {
        AFI_IPV4 => Some(Address::from_v4(object.take()?)),
        AFI_IPV6 => Some(Address::from_v6(object.take()?)),
        _ => None,
    }
}

/// Section 4.3: the length, itself included, then the name, padded with zeros to a
/// multiple of four.
fn name<C: Cursor>(object: &mut Bounded<C>) -> Option<Name> {
    let [length] = object.take()?;
    let mut name = Name::EMPTY;
    let octets = (length as usize).checked_sub(1)?;
    for place in name.octets.get_mut(..octets)? {
        let [octet] = object.take()?;
        *place = octet;
        if octet != 0 {
            name.length += 1;
        }
    }
    // A zero within the name is no padding, and no name.
    let named = name.octets.get(..name.length as usize)?;
    named.iter().all(|octet| *octet != 0).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// A structure of objects (class, C-type, payload) with its checksum.
    fn structure(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut octets = std::vec![VERSION << 4, 0, 0, 0];
        for (class, kind, payload) in objects {
            octets.extend((OBJECT + payload.len() as u16).to_be_bytes());
            octets.extend([*class, *kind]);
            octets.extend(*payload);
        }
        let checksum = Sum::ZERO.add_bytes(&octets).checksum();
        octets[2..4].copy_from_slice(&checksum.to_be_bytes());
        octets
    }

    fn entry(label: u32, bottom: bool, ttl: u8) -> [u8; 4] {
        (label << 12 | 3 << 9 | u32::from(bottom) << 8 | u32::from(ttl)).to_be_bytes()
    }

    #[test]
    fn a_label_stack_is_read_outermost_first() {
        let stack = [entry(299_776, false, 1), entry(16, true, 254)].concat();
        let octets = structure(&[(1, 1, &stack)]);
        for stated in [true, false] {
            let extensions = read(&octets, stated).unwrap();
            let fields = |label: &Label| {
                let class = label.traffic_class();
                (label.label(), class, label.is_bottom(), label.ttl())
            };
            let found: Vec<_> = extensions.labels().iter().map(fields).collect();
            assert_eq!(found, [(299_776, 3, false, 1), (16, 3, true, 254)]);
        }
    }

    #[test]
    fn interfaces_have_what_their_type_says() {
        let whole = [
            &7u32.to_be_bytes()[..],
            &[0, 1, 0, 0, 192, 0, 2, 1],
            &[8, b'x', b'e', b'-', b'0', b'/', b'0', 0],
            &1_500u32.to_be_bytes(),
        ]
        .concat();
        let v6 = [&[0, 2, 0, 0][..], &[0xfd; 16]].concat();
        let octets = structure(&[(2, 0x0f, &whole), (2, 0x84, &v6), (9, 1, b"what")]);
        let extensions = read(&octets, true).unwrap();
        let incoming = extensions.interface(Role::Incoming).unwrap();
        assert_eq!((incoming.index, incoming.mtu), (Some(7), Some(1_500)));
        assert_eq!(incoming.address, Some(Address::from_v4([192, 0, 2, 1])));
        assert_eq!(incoming.name.unwrap().octets(), b"xe-0/0");
        let outgoing = extensions.interface(Role::Outgoing).unwrap();
        assert_eq!(outgoing.address, Some(Address::from_v6([0xfd; 16])));
        assert_eq!((outgoing.index, outgoing.name), (None, None));
        assert_eq!(extensions.interface(Role::NextHop), None);
        assert_eq!((extensions.labels().len(), extensions.others), (0, 1));
    }

    #[test]
    fn flaws_are_told_apart() {
        let good = structure(&[(1, 1, &entry(16, true, 1))]);
        let mut version = good.clone();
        version[0] = 0x10;
        let mut flipped = good.clone();
        flipped[9] ^= 1;
        let mut unsummed = good.clone();
        unsummed[2..4].fill(0);
        assert_eq!(read(&good[..3], true), Err(Flaw::Length));
        assert_eq!(read(&[0x20; MAX_OCTETS + 1], true), Err(Flaw::Length));
        assert_eq!(read(&version, true), Err(Flaw::Version));
        assert_eq!(read(&flipped, true), Err(Flaw::Checksum));
        assert_eq!(read(&unsummed, false), Err(Flaw::Checksum));
        assert!(read(&unsummed, true).is_ok());
        for payload in [&[0; 3][..], &[0; 6]] {
            let odd = structure(&[(1, 1, payload)]);
            assert_eq!(read(&odd, true), Err(Flaw::Object));
        }
        let no_room = structure(&[(2, 0x08, &[0; 2])]);
        let other_family = structure(&[(2, 0x04, &[0, 9, 0, 0, 1, 2, 3, 4])]);
        let long_name = structure(&[(2, 0x02, &[200; 200])]);
        let split_name = structure(&[(2, 0x02, &[4, b'a', 0, b'b'])]);
        for octets in [no_room, other_family, long_name, split_name] {
            assert_eq!(read(&octets, true), Err(Flaw::Object));
        }
    }

    #[test]
    fn as_many_labels_are_read_as_fit() {
        let stack = [0x11; 4 * MAX_LABELS];
        let octets = structure(&[(1, 1, &stack)]);
        assert_eq!(octets.len(), MAX_OCTETS);
        assert_eq!(read(&octets, true).unwrap().labels().len(), MAX_LABELS);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_in_peace(
            octets in prop::collection::vec(any::<u8>(), 0..300),
            stated in any::<bool>(),
        ) {
            let _ = read(&octets, stated);
        }

        #[test]
        fn any_objects_are_read_in_peace(
            objects in prop::collection::vec((0..4u8, any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 0..4),
        ) {
            let objects: Vec<_> = objects.iter().map(|(c, k, p)| (*c, *k, &p[..])).collect();
            if let Ok(extensions) = read(&structure(&objects), false) {
                prop_assert!(extensions.labels().len() <= MAX_LABELS);
            }
        }
    }
}
