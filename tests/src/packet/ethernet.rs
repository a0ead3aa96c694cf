//! Ethernet frames, tagged or not.

use super::Packet;

/// Ethertype of IPv4.
pub const IPV4: u16 = 0x0800;
/// Ethertype of IPv6.
pub const IPV6: u16 = 0x86dd;
/// Tag protocol of a VLAN (IEEE 802.1Q).
pub const VLAN: u16 = 0x8100;
/// Tag protocol of a provider's VLAN (IEEE 802.1ad).
pub const SERVICE_VLAN: u16 = 0x88a8;

/// Locally administered addresses, destination first.
const ADDRESSES: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

/// Puts an IP packet in a frame.
pub fn frame(packet: Packet) -> Packet {
    tagged(&[], packet)
}

/// Puts an IP packet in a frame with tags, the outermost first.
pub fn tagged(tags: &[u16], packet: Packet) -> Packet {
    let v6 = packet.0.first().and_then(|layer| layer.first());
    let ethertype = if v6.is_some_and(|first| first >> 4 == 6) {
        IPV6
    } else {
        IPV4
    };
    of_type(tags, ethertype, packet)
}

/// Puts anything in a frame that says it is of this ethertype.
pub fn of_type(tags: &[u16], ethertype: u16, payload: Packet) -> Packet {
    let mut header = ADDRESSES.to_vec();
    for (number, tag) in tags.iter().enumerate() {
        header.extend(tag.to_be_bytes());
        header.extend([0, 100 + number as u8]);
    }
    header.extend(ethertype.to_be_bytes());
    let mut layers = vec![header];
    layers.extend(payload.0);
    Packet(layers)
}
