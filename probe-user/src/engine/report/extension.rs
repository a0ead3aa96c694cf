//! What routers say behind the quotes of their errors (RFC 4884).

use std::net::IpAddr;

use serde::Serialize;

/// An entry of an MPLS label stack (RFC 4950, RFC 3032).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MplsLabel {
    /// The label.
    pub label: u32,
    /// Traffic class.
    pub tc: u8,
    /// Whether it is the last of its stack.
    pub s: bool,
    /// TTL.
    pub ttl: u8,
}

/// What a router says of an interface (RFC 5837).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// `ifIndex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its MTU, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// Interfaces by what they are to the probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interfaces {
    /// The probe came in by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoming: Option<Interface>,
    /// Its part below IP that the probe came in by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_ip: Option<Interface>,
    /// The probe would have gone out by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<Interface>,
    /// The next hop that the probe would have gone to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<Interface>,
}

/// Extension structures that replies came with, by what became of them. What stands
/// where older routers put one, and is none, does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExtensionCounts {
    /// Read.
    pub read: u64,
    /// Not read.
    pub unread: Unread,
}

/// Structures that were passed over, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Shorter than a header, longer than what is copied, or not to be copied.
    pub length: u64,
    /// Of another version, or no structures.
    pub version: u64,
    /// With a wrong checksum.
    pub checksum: u64,
    /// With an object that lies about its length, or holds less than it says.
    pub object: u64,
}

impl Unread {
    /// All of them.
    pub const fn sum(&self) -> u64 {
        self.length + self.version + self.checksum + self.object
    }
}

impl std::ops::AddAssign for ExtensionCounts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.unread.length += other.unread.length;
        self.unread.version += other.unread.version;
        self.unread.checksum += other.unread.checksum;
        self.unread.object += other.unread.object;
    }
}

/// All that one reply says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The label stack that the probe came in with, the outermost entry first.
    pub mpls: Vec<MplsLabel>,
    /// Interfaces, if the router says anything of them.
    pub interface: Option<Interfaces>,
}
