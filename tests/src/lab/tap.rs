//! Probes as they come to a node, before anything has changed them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

use anyhow::{Result, bail};

use super::{
    namespace::Namespace,
    packet_socket::{Frames, MAX_FRAME, PacketSocket},
};

/// Octets of an Ethernet and an IPv6 header.
const ETHERNET: usize = 14;
const IPV6: usize = 40;
/// ICMPv6's protocol number.
const ICMPV6: u8 = 58;

/// Reads IPv6 packets along that come in by a device.
#[derive(Debug)]
pub struct Tap(PacketSocket);

impl Tap {
    /// From now on.
    ///
    /// # Errors
    ///
    /// If the node has no such device.
    pub fn at(node: &Namespace, device: &str) -> Result<Self> {
        let socket = node.enter(|| PacketSocket::open(device, Frames::Ipv6))?;
        Ok(Self(socket))
    }

    /// The flow labels of the packets to a target that came since the last look, by
    /// their source port (of an echo: identifier).
    ///
    /// # Errors
    ///
    /// If the target has an IPv4 address, or the socket breaks.
    pub fn flow_labels(&self, target: IpAddr) -> Result<BTreeMap<u16, BTreeSet<u32>>> {
        let IpAddr::V6(target) = target else {
            bail!("{target} has no flow labels");
        };
        let mut buffer = vec![0; MAX_FRAME];
        let mut labels = BTreeMap::<u16, BTreeSet<u32>>::new();
        while let Some(length) = self.0.receive(&mut buffer)? {
            let packet = buffer[..length].get(ETHERNET..).unwrap_or_default();
            if let Some((port, label)) = flow_of(packet, target) {
                labels.entry(port).or_default().insert(label);
            }
        }
        Ok(labels)
    }
}

/// Source port or identifier, and label, of a packet to `target`.
fn flow_of(packet: &[u8], target: Ipv6Addr) -> Option<(u16, u32)> {
    let (header, rest) = packet.split_at_checked(IPV6)?;
    if header.get(24..IPV6)? != target.octets() {
        return None;
    }
    let start = u32::from_be_bytes(header.get(..4)?.try_into().ok()?);
    let place = if header[6] == ICMPV6 { 4 } else { 0 };
    let port = u16::from_be_bytes(rest.get(place..place + 2)?.try_into().ok()?);
    Some((port, start & 0xf_ffff))
}
