//! Addresses, all derived from the number of a link.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::Serialize;

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// As an option of `ip`.
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::V4 => "-4",
            Self::V6 => "-6",
        }
    }

    /// The length of a host's prefix, bits.
    pub(crate) const fn host_bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The length of a link's prefix, bits.
    pub(crate) const fn link_bits(self) -> u8 {
        match self {
            Self::V4 => 24,
            Self::V6 => 64,
        }
    }

    /// The prefix that holds every address.
    pub(crate) const fn everything(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end towards the vantage point: host number 1.
    Near,
    /// The end towards the target: host number 2.
    Far,
}

/// Number of the network that a delay responder answers for.
const RESPONDER: u8 = 255;

/// The address of an end of the link with this place in
/// [`super::Topology::links`]: `10.N.0.1` and `.2`, `fd00:0:0:N::1` and `::2`,
/// where N is the place plus 1.
pub fn of_link(family: Family, link: usize, side: Side) -> IpAddr {
    let host = match side {
        Side::Near => 1,
        Side::Far => 2,
    };
    in_network(family, network(link), host)
}

/// A further host on a link: `10.N.0.HOST`.
pub(crate) fn on_link(family: Family, link: usize, host: u16) -> IpAddr {
    in_network(family, network(link), host)
}

/// The network of a link, as a prefix.
pub(crate) fn link_prefix(family: Family, link: usize) -> String {
    prefix(family, network(link))
}

/// An address that a delay responder answers for.
pub(crate) fn of_responder(family: Family, host: u16) -> IpAddr {
    in_network(family, RESPONDER, host)
}

/// The network of the delay responder: `10.255.0.0/16`, `fd00:0:0:ff::/64`.
pub(crate) fn responder_prefix(family: Family) -> String {
    match family {
        Family::V4 => format!("10.{RESPONDER}.0.0/16"),
        Family::V6 => prefix(family, RESPONDER),
    }
}

/// The outer addresses of a tunnel that takes the place of a link.
pub(crate) fn of_underlay(link: usize, side: Side) -> Ipv4Addr {
    match side {
        Side::Near => Ipv4Addr::new(172, 16, network(link), 1),
        Side::Far => Ipv4Addr::new(172, 16, network(link), 2),
    }
}

/// Topologies have fewer links than there are octets.
fn network(link: usize) -> u8 {
    u8::try_from(link + 1).unwrap_or(u8::MAX)
}

fn in_network(family: Family, network: u8, host: u16) -> IpAddr {
    let [high, low] = host.to_be_bytes();
    match family {
        Family::V4 => Ipv4Addr::new(10, network, high, low).into(),
        Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, network.into(), 0, 0, 0, host).into(),
    }
}

fn prefix(family: Family, network: u8) -> String {
    format!("{}/{}", in_network(family, network, 0), family.link_bits())
}
