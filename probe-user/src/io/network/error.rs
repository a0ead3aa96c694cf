//! Why there is no way to a target.

use std::{io, net::IpAddr};

use crate::error::Error;

/// What a question about the network comes to.
pub type RouteResult<T> = Result<T, RouteError>;

/// Why there is no way to a target: one line that names it and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The routing tables know no way (ENETUNREACH).
    #[error(
        "{target}: no route; see `ip route get {target}`, and add a route or a default gateway"
    )]
    NoRoute {
        /// The target.
        target: IpAddr,
    },
    /// A route of type `unreachable` (EHOSTUNREACH).
    #[error("{target}: a route of this host says unreachable; see `ip route get {target}`")]
    Unreachable {
        /// The target.
        target: IpAddr,
    },
    /// A route or rule of type `prohibit` (EACCES).
    #[error(
        "{target}: a route of this host prohibits it; see `ip route get {target}` and `ip rule`"
    )]
    Prohibited {
        /// The target.
        target: IpAddr,
    },
    /// A route of type `blackhole` (EINVAL).
    #[error(
        "{target}: a blackhole route of this host drops it; see `ip route show match {target}`"
    )]
    Blackhole {
        /// The target.
        target: IpAddr,
    },
    /// A broadcast address.
    #[error("{target} is a broadcast address; name a single host")]
    Broadcast {
        /// The target.
        target: IpAddr,
    },
    /// A multicast address.
    #[error("{target} is a multicast address; name a single host")]
    Multicast {
        /// The target.
        target: IpAddr,
    },
    /// `0.0.0.0` or `::`.
    #[error("{target} is no host's address; for this host name 127.0.0.1 or ::1")]
    Unspecified {
        /// The target.
        target: IpAddr,
    },
    /// A link-local IPv6 address, and no device to go by.
    #[error("{target} is link-local: say on which link, with --interface")]
    LinkLocal {
        /// The target.
        target: IpAddr,
    },
    /// The device that would be left by has no address of the target's family.
    #[error("{target}: this host has no address to send from; add one, or give --source")]
    NoSource {
        /// The target.
        target: IpAddr,
    },
    /// Source and target are of different families.
    #[error(
        "{target}: the source address {source_address} is of the other IP version; give --source of the same, or use -4 or -6"
    )]
    OtherFamily {
        /// The target.
        target: IpAddr,
        /// The source asked for.
        source_address: IpAddr,
    },
    /// The source address is not this host's.
    #[error("{source_address} is not an address of this host; `ip address` lists them")]
    NotOurs {
        /// The source asked for.
        source_address: IpAddr,
    },
    /// No device has this name.
    #[error("no interface {name}; `ip link` lists those of this network namespace")]
    NoSuchInterface {
        /// The name asked for.
        name: String,
    },
    /// The device is gone.
    #[error("interface {ifindex} is gone; `ip link` lists those of this network namespace")]
    InterfaceGone {
        /// Its index.
        ifindex: u32,
    },
    /// The device is not up.
    #[error("interface {name} is down; bring it up with `ip link set {name} up`")]
    InterfaceDown {
        /// Its name.
        name: String,
    },
    /// The device is up and has no carrier.
    #[error("interface {name} has no carrier; connect it, or bring its other end up")]
    NoCarrier {
        /// Its name.
        name: String,
    },
    /// The target is on a link of this host and does not answer ARP or neighbour
    /// discovery.
    #[error(
        "{target} does not answer on {interface}, where it should be; check that host and the link"
    )]
    NoNeighbour {
        /// The target.
        target: IpAddr,
        /// The device's name.
        interface: String,
    },
    /// The gateway does not answer ARP or neighbour discovery.
    #[error(
        "{target}: its gateway {gateway} does not answer on {interface}; check the gateway and the link"
    )]
    NoGateway {
        /// The target.
        target: IpAddr,
        /// The gateway.
        gateway: IpAddr,
        /// The device's name.
        interface: String,
    },
    /// The kernel refused a request, or did not answer it.
    #[error("{subject}: the kernel refused {request}: {error}")]
    Netlink {
        /// The target, address or device that was asked about.
        subject: String,
        /// What was asked.
        request: &'static str,
        /// What it said.
        error: io::Error,
    },
}

/// What the kernel says to packets whose next hop does not answer: EHOSTUNREACH.
pub const NO_ANSWER: i32 = libc::EHOSTUNREACH;

impl RouteError {
    /// The next hop does not answer; the way there is known.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::NoNeighbour { .. } | Self::NoGateway { .. })
    }

    /// What the kernel would say to a packet that it is to send there; `None` where it
    /// would try.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::NoRoute { .. } => Some(libc::ENETUNREACH),
            Self::Unreachable { .. } => Some(libc::EHOSTUNREACH),
            Self::Prohibited { .. } | Self::Broadcast { .. } => Some(libc::EACCES),
            Self::Blackhole { .. } => Some(libc::EINVAL),
            Self::NoSource { .. } | Self::NotOurs { .. } => Some(libc::EADDRNOTAVAIL),
            Self::NoSuchInterface { .. } | Self::InterfaceGone { .. } => Some(libc::ENODEV),
            Self::InterfaceDown { .. } | Self::NoCarrier { .. } => Some(libc::ENETDOWN),
            Self::NoNeighbour { .. }
            | Self::NoGateway { .. }
            | Self::Multicast { .. }
            | Self::Unspecified { .. }
            | Self::LinkLocal { .. }
            | Self::OtherFamily { .. }
            | Self::Netlink { .. } => None,
        }
    }
}

impl From<RouteError> for Error {
    /// What the user gave is wrong, or the network is.
    fn from(error: RouteError) -> Self {
        let line = error.to_string();
        match error {
            RouteError::Broadcast { .. }
            | RouteError::Multicast { .. }
            | RouteError::Unspecified { .. }
            | RouteError::LinkLocal { .. }
            | RouteError::OtherFamily { .. } => Self::Usage(line),
            _ => Self::Environment(line),
        }
    }
}
