//! Neighbours (RTM_GETNEIGH, RTM_NEWNEIGH): the MAC address of a next hop.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use rtnetlink::{
    Handle,
    packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        neighbour::{
            NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
        },
    },
};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep},
};

use super::{Interface, Mac, RouteError, RouteResult, netlink::ask};

/// First and longest pause between two looks at an entry being resolved.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// When an IPv6 neighbour is also sent a packet.
const NUDGE_AFTER: Duration = Duration::from_millis(100);

/// The discard port (RFC 863): nobody minds what comes there.
const DISCARD: u16 = 9;

/// Who waits for a neighbour that has to be asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// The caller, so long.
    Until(Duration),
    /// Nobody: the kernel tells whom it concerns. It is asked so long.
    InPassing(Duration),
}

/// The address of the neighbour `address` on `interface`; `None` if it does not
/// answer in time.
pub(super) async fn resolve(
    handle: &Handle,
    interface: &Interface,
    address: IpAddr,
    patience: Patience,
) -> RouteResult<Option<Mac>> {
    let refusal = |error| RouteError::Netlink {
        subject: address.to_string(),
        request: "a neighbour lookup",
        error,
    };
    let ifindex = interface.index;
    let known = find(handle, ifindex, address).await.map_err(refusal)?;
    if let Some(Entry::Usable { mac, fresh: true }) = known {
        return Ok(Some(mac));
    }
    // Also for an entry of some age, so that the kernel learns if it has moved.
    demand(handle, ifindex, address).await.map_err(refusal)?;
    if let Some(Entry::Usable { mac, .. }) = known {
        return Ok(Some(mac));
    }
    match patience {
        Patience::Until(timeout) => {
            let answer = answer(handle, interface, address);
            match tokio::time::timeout(timeout, answer).await {
                Ok(answer) => answer,
                // It may have answered while this host was held up.
                Err(_) => find(handle, ifindex, address).await.map(usable),
            }
            .map_err(refusal)
        }
        Patience::InPassing(timeout) => {
            let (handle, interface) = (handle.clone(), interface.clone());
            tokio::spawn(tokio::time::timeout(timeout, async move {
                answer(&handle, &interface, address).await
            }));
            Ok(None)
        }
    }
}

/// Has the kernel ask a neighbour again whose entry is of some age, or who did not answer.
/// Packet sockets use entries that the kernel does not know to be in use.
pub(super) async fn revalidate(handle: &Handle, ifindex: u32, address: IpAddr) -> io::Result<()> {
    match find(handle, ifindex, address).await? {
        Some(Entry::Usable { fresh: true, .. } | Entry::Incomplete) => Ok(()),
        Some(Entry::Usable { .. } | Entry::Failed) | None => demand(handle, ifindex, address).await,
    }
}

/// Waits until the neighbour answers, or the kernel gives it up.
async fn answer(
    handle: &Handle,
    interface: &Interface,
    address: IpAddr,
) -> io::Result<Option<Mac>> {
    let start = Instant::now();
    let (mut pause, longest) = LOOK_AGAIN;
    let mut nudged = address.is_ipv4();
    loop {
        sleep(pause).await;
        pause = longest.min(pause * 2);
        match find(handle, interface.index, address).await? {
            Some(Entry::Usable { mac, .. }) => return Ok(Some(mac)),
            Some(Entry::Failed) => return Ok(None),
            _ => {}
        }
        if !nudged && start.elapsed() > NUDGE_AFTER {
            nudged = true;
            // What comes of it shows in the neighbour's entry.
            let _ = nudge(interface, address).await;
        }
    }
}

/// The address that the message holds, if the entry may be used.
pub(super) fn usable_address(message: &NeighbourMessage) -> Option<Mac> {
    use NeighbourState::{Delay, Noarp, Permanent, Probe, Reachable, Stale};
    let state = message.header.state;
    if !matches!(state, Reachable | Stale | Delay | Probe | Permanent | Noarp) {
        return None;
    }
    message.attributes.iter().find_map(|attribute| {
        let NeighbourAttribute::LinkLayerAddress(address) = attribute else {
            return None;
        };
        Mac::try_from(address.as_slice()).ok()
    })
}

/// An entry of the neighbour table.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// Its address may be used; `fresh` unless the kernel would check it first.
    Usable { mac: Mac, fresh: bool },
    /// The neighbour did not answer.
    Failed,
    /// The neighbour is being asked.
    Incomplete,
}

/// The address of an entry that may be used.
fn usable(entry: Option<Entry>) -> Option<Mac> {
    match entry? {
        Entry::Usable { mac, .. } => Some(mac),
        Entry::Failed | Entry::Incomplete => None,
    }
}

async fn find(handle: &Handle, ifindex: u32, address: IpAddr) -> io::Result<Option<Entry>> {
    let question = RouteNetlinkMessage::GetNeighbour(message(ifindex, address));
    let message = match ask(handle, question, 0).await {
        Ok(Some(RouteNetlinkMessage::NewNeighbour(message))) => message,
        Ok(_) => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(match usable_address(&message) {
        Some(mac) => Entry::Usable {
            mac,
            fresh: message.header.state != NeighbourState::Stale,
        },
        None if message.header.state == NeighbourState::Failed => Entry::Failed,
        None => Entry::Incomplete,
    }))
}

/// Has the kernel resolve the neighbour as if a packet waited for it
/// (`ip neigh replace ADDRESS dev DEVICE use`).
async fn demand(handle: &Handle, ifindex: u32, address: IpAddr) -> io::Result<()> {
    let mut message = message(ifindex, address);
    message.header.flags = NeighbourFlags::Use;
    let question = RouteNetlinkMessage::NewNeighbour(message);
    let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    ask(handle, question, flags).await.map(|_| ())
}

/// Sends an empty datagram. On demand alone the kernel solicits an IPv6 neighbour
/// from the device's link-local address, and not at all without one
/// (ndisc_ns_create() in net/ipv6/ndisc.c); for a packet it uses that packet's
/// source.
async fn nudge(interface: &Interface, address: IpAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await?;
    socket.bind_device(Some(interface.name.as_bytes()))?;
    let mut neighbour = SocketAddr::new(address, DISCARD);
    if let SocketAddr::V6(neighbour) = &mut neighbour {
        neighbour.set_scope_id(interface.index);
    }
    socket.send_to(&[], neighbour).await.map(|_| ())
}

fn message(ifindex: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    let (family, destination) = match address {
        IpAddr::V4(a) => (AddressFamily::Inet, NeighbourAddress::Inet(a)),
        IpAddr::V6(a) => (AddressFamily::Inet6, NeighbourAddress::Inet6(a)),
    };
    message.header.family = family;
    message.header.ifindex = ifindex;
    let destination = NeighbourAttribute::Destination(destination);
    message.attributes.push(destination);
    message
}
