//! Route lookups (RTM_GETROUTE).

use std::{io, net::IpAddr};

use rtnetlink::{
    Handle,
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia},
    },
};

use super::{RouteError, RouteResult, netlink::ask};

/// What is asked of the routing tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// Where to.
    pub(super) target: IpAddr,
    /// Index of the device to leave by.
    pub(super) interface: Option<u32>,
    /// Source address.
    pub(super) source: Option<IpAddr>,
}

/// What they answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    /// Unicast, local, ...
    pub(super) kind: RouteType,
    /// The device to leave by.
    pub(super) ifindex: u32,
    /// Preferred source.
    pub(super) source: Option<IpAddr>,
    /// Next hop, where that is not the target. IPv6 also for IPv4 (RFC 5549).
    pub(super) gateway: Option<IpAddr>,
    /// Whether the route adds a tunnel header, which a packet socket would not.
    pub(super) encapsulated: bool,
}

impl Query {
    /// Refuses what no route can mend.
    pub(super) fn check(&self) -> RouteResult<()> {
        let target = self.target;
        if target.is_unspecified() {
            return Err(RouteError::Unspecified { target });
        }
        if target.is_multicast() {
            return Err(RouteError::Multicast { target });
        }
        if let IpAddr::V6(address) = target
            && address.is_unicast_link_local()
            && self.interface.is_none()
        {
            return Err(RouteError::LinkLocal { target });
        }
        match self.source {
            Some(source_address) if source_address.is_ipv4() != target.is_ipv4() => {
                Err(RouteError::OtherFamily {
                    target,
                    source_address,
                })
            }
            _ => Ok(()),
        }
    }

    /// Asks the kernel, which chooses among the paths of a multipath route.
    pub(super) async fn lookup(&self, handle: &Handle) -> RouteResult<Route> {
        let question = RouteNetlinkMessage::GetRoute(self.message());
        let answer = ask(handle, question, 0).await;
        let route = match answer.map_err(|error| self.refusal(error))? {
            Some(RouteNetlinkMessage::NewRoute(message)) => Route::from(&message),
            _ => return Err(self.refusal(io::ErrorKind::InvalidData.into())),
        };
        let target = self.target;
        match route.kind {
            RouteType::Broadcast => Err(RouteError::Broadcast { target }),
            RouteType::Multicast => Err(RouteError::Multicast { target }),
            RouteType::Unreachable => Err(RouteError::Unreachable { target }),
            RouteType::Prohibit => Err(RouteError::Prohibited { target }),
            RouteType::BlackHole => Err(RouteError::Blackhole { target }),
            _ => Ok(route),
        }
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        let (family, bits) = match self.target {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        message.header.address_family = family;
        message.header.destination_prefix_length = bits;
        let destination = RouteAttribute::Destination(self.target.into());
        message.attributes.push(destination);
        if let Some(source) = self.source {
            message.header.source_prefix_length = bits;
            message
                .attributes
                .push(RouteAttribute::Source(source.into()));
        }
        let interface = self.interface.map(RouteAttribute::Oif);
        message.attributes.extend(interface);
        message
    }

    /// The kernel tells a route's type by errno (fib_props in
    /// net/ipv4/fib_semantics.c, ip6_rt_type_to_error in net/ipv6/route.c).
    fn refusal(&self, error: io::Error) -> RouteError {
        let target = self.target;
        match error.raw_os_error() {
            Some(libc::ENETUNREACH) => RouteError::NoRoute { target },
            Some(libc::EHOSTUNREACH) => RouteError::Unreachable { target },
            Some(libc::EACCES) => RouteError::Prohibited { target },
            Some(libc::EINVAL) => RouteError::Blackhole { target },
            _ => RouteError::Netlink {
                subject: target.to_string(),
                request: "a route lookup",
                error,
            },
        }
    }
}

impl Route {
    /// Whether packets never leave this host.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.kind, RouteType::Local | RouteType::Anycast)
    }

    /// What it means that the first hop on the way does not answer.
    pub(super) fn without_neighbour(&self, target: IpAddr, interface: String) -> RouteError {
        match self.gateway {
            Some(gateway) => RouteError::NoGateway {
                target,
                gateway,
                interface,
            },
            None => RouteError::NoNeighbour { target, interface },
        }
    }
}

impl From<&RouteMessage> for Route {
    fn from(message: &RouteMessage) -> Self {
        let mut route = Self {
            kind: message.header.kind,
            ifindex: 0,
            source: None,
            gateway: None,
            encapsulated: false,
        };
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Oif(index) => route.ifindex = *index,
                RouteAttribute::PrefSource(address) => route.source = ip(address),
                RouteAttribute::Gateway(address) => route.gateway = ip(address),
                RouteAttribute::Via(RouteVia::Inet(a)) => route.gateway = Some((*a).into()),
                RouteAttribute::Via(RouteVia::Inet6(a)) => route.gateway = Some((*a).into()),
                RouteAttribute::Encap(_) | RouteAttribute::EncapType(_) => {
                    route.encapsulated = true;
                }
                _ => {}
            }
        }
        route
    }
}

/// An IP address of a route.
pub(super) fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(a) => Some((*a).into()),
        RouteAddress::Inet6(a) => Some((*a).into()),
        _ => None,
    }
}
