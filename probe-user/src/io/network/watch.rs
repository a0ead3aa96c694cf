//! What changes in the network while a run lasts.

use std::{future::ready, net::IpAddr, pin::Pin};

use futures_util::{Stream, StreamExt};
use rtnetlink::{
    MulticastGroup,
    packet_core::{NetlinkMessage, NetlinkPayload},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        link::{LinkFlags, LinkMessage},
        neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage},
    },
};

use super::{Mac, neighbour::usable_address};
use crate::error::{Error, Result};

/// A change of the network's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A device is down or has no carrier.
    LinkDown {
        /// The device.
        ifindex: u32,
    },
    /// A device was deleted, or moved to another namespace.
    LinkGone {
        /// The device.
        ifindex: u32,
    },
    /// The kernel's knowledge of a neighbour was renewed.
    Neighbour {
        /// The device that it is on.
        ifindex: u32,
        /// Its IP address.
        address: IpAddr,
        /// Its MAC address; `None` if the kernel knows none any more.
        mac: Option<Mac>,
    },
    /// Routes, addresses or rules are others; or so much changed at once that
    /// what exactly is not known.
    RoutesChanged,
}

/// Changes as they come. Ends only if the netlink socket fails.
pub type Changes = Pin<Box<dyn Stream<Item = Change> + Send>>;

const GROUPS: [MulticastGroup; 6] = [
    MulticastGroup::Link,
    MulticastGroup::Neigh,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Rule,
];

/// Subscribes to the changes of the thread's network namespace.
pub(super) fn watch() -> Result<Changes> {
    let (connection, _, messages) =
        rtnetlink::new_multicast_connection(&GROUPS).map_err(|error| {
            Error::Environment(format!(
                "cannot watch the network for changes: {error}; a sandbox may forbid AF_NETLINK"
            ))
        })?;
    tokio::spawn(connection);
    Ok(messages
        .filter_map(|(message, _)| ready(Change::of(&message)))
        .boxed())
}

impl Change {
    fn of(message: &NetlinkMessage<RouteNetlinkMessage>) -> Option<Self> {
        let inner = match &message.payload {
            NetlinkPayload::InnerMessage(inner) => inner,
            NetlinkPayload::Overrun(_) => return Some(Self::RoutesChanged),
            _ => return None,
        };
        match inner {
            RouteNetlinkMessage::NewLink(link) => Self::link(link, false),
            RouteNetlinkMessage::DelLink(link) => Self::link(link, true),
            RouteNetlinkMessage::NewNeighbour(entry) => {
                Self::neighbour(entry, usable_address(entry))
            }
            RouteNetlinkMessage::DelNeighbour(entry) => Self::neighbour(entry, None),
            RouteNetlinkMessage::NewRoute(_)
            | RouteNetlinkMessage::DelRoute(_)
            | RouteNetlinkMessage::NewRule(_)
            | RouteNetlinkMessage::DelRule(_) => Some(Self::RoutesChanged),
            _ => None,
        }
    }

    /// A bridge port's messages (AF_BRIDGE) say nothing of the device itself.
    fn link(message: &LinkMessage, deleted: bool) -> Option<Self> {
        let header = &message.header;
        if header.interface_family != AddressFamily::Unspec {
            return None;
        }
        let ifindex = header.index;
        if deleted {
            return Some(Self::LinkGone { ifindex });
        }
        let usable = LinkFlags::Up | LinkFlags::LowerUp;
        (!header.flags.contains(usable)).then_some(Self::LinkDown { ifindex })
    }

    fn neighbour(message: &NeighbourMessage, mac: Option<Mac>) -> Option<Self> {
        let address = message.attributes.iter().find_map(|a| match a {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(a)) => Some((*a).into()),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(a)) => Some((*a).into()),
            _ => None,
        })?;
        Some(Self::Neighbour {
            ifindex: message.header.ifindex,
            address,
            mac,
        })
    }
}
