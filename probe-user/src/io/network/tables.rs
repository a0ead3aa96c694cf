//! The prefixes that the kernel's answers hang on: those of routes, rules and
//! what chooses source addresses.

use std::{io, net::IpAddr};

use probe_common::Address;
use rtnetlink::{
    Handle,
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        address::{AddressAttribute, AddressMessage},
        addrlabel::{AddrLabelAttribute, AddrLabelMessage},
        route::{RouteAttribute, RouteMessage},
        rule::{RuleAttribute, RuleMessage},
    },
};

use super::{RouteError, RouteResult, boundaries::Boundaries, netlink::ask_for_all, route::ip};

/// What the kernel or [`super::route::Query`] takes apart before any table:
/// unspecified, loopback, link-local, site-local and multicast addresses, and the
/// limited broadcast address.
const APART: [(&str, u8); 11] = [
    ("0.0.0.0", 0),
    ("0.0.0.0", 8),
    ("0.0.0.0", 32),
    ("127.0.0.0", 8),
    ("224.0.0.0", 4),
    ("255.255.255.255", 32),
    ("::", 96),
    ("::", 128),
    ("fe80::", 10),
    ("fec0::", 10),
    ("ff00::", 8),
];

/// Reads the tables of one IP version.
///
/// # Errors
/// If the kernel refuses them.
pub(super) async fn read(
    handle: &Handle,
    version: Version,
    boundaries: &mut Boundaries,
) -> RouteResult<()> {
    for question in version.questions() {
        let answer = ask_for_all(handle, question, |message| cut(&message, boundaries)).await;
        answer.map_err(|error| version.refusal(error))?;
    }
    for (prefix, length) in APART {
        // All of them parse, as a test shows.
        if let Ok(prefix) = prefix.parse() {
            boundaries.cut(prefix, length);
        }
    }
    Ok(())
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

impl Version {
    /// Whether an address is of this version.
    pub(super) fn has(self, address: Address) -> bool {
        address.is_v4() == (self == Self::V4)
    }

    /// In IPv6 the kernel chooses the source address for each destination anew:
    /// by the prefix that it shares with each of the host's own, and by labels
    /// (RFC 6724; ipv6_get_saddr_eval() in net/ipv6/addrconf.c). In IPv4 it
    /// belongs to the route.
    fn questions(self) -> Vec<RouteNetlinkMessage> {
        let family = match self {
            Self::V4 => AddressFamily::Inet,
            Self::V6 => AddressFamily::Inet6,
        };
        let mut route = RouteMessage::default();
        route.header.address_family = family;
        let mut rule = RuleMessage::default();
        rule.header.family = family;
        let mut questions = vec![
            RouteNetlinkMessage::GetRoute(route),
            RouteNetlinkMessage::GetRule(rule),
        ];
        if self == Self::V6 {
            let mut address = AddressMessage::default();
            address.header.family = family;
            let mut label = AddrLabelMessage::default();
            label.header.family = family;
            questions.push(RouteNetlinkMessage::GetAddress(address));
            questions.push(RouteNetlinkMessage::GetAddrLabel(label));
        }
        questions
    }

    fn refusal(self, error: io::Error) -> RouteError {
        let subject = match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        };
        RouteError::Netlink {
            subject: subject.to_owned(),
            request: "its routing tables",
            error,
        }
    }
}

/// Cuts where the prefix of a message begins and ends.
fn cut(message: &RouteNetlinkMessage, boundaries: &mut Boundaries) {
    match message {
        RouteNetlinkMessage::NewRoute(route) => {
            if let Some(prefix) = route.attributes.iter().find_map(route_destination) {
                boundaries.cut(prefix, route.header.destination_prefix_length);
            }
        }
        RouteNetlinkMessage::NewRule(rule) => {
            if let Some(prefix) = rule.attributes.iter().find_map(rule_destination) {
                boundaries.cut(prefix, rule.header.dst_len);
            }
        }
        RouteNetlinkMessage::NewAddress(address) => {
            for own in address.attributes.iter().filter_map(own_address) {
                boundaries.cut_nested(own, address.header.prefix_len);
            }
        }
        RouteNetlinkMessage::NewAddrLabel(label) => {
            if let Some(prefix) = label.attributes.iter().find_map(labelled) {
                boundaries.cut(prefix, label.header.prefix_len);
            }
        }
        _ => {}
    }
}

fn route_destination(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Destination(address) => ip(address),
        _ => None,
    }
}

fn rule_destination(attribute: &RuleAttribute) -> Option<IpAddr> {
    match attribute {
        RuleAttribute::Destination(address) => Some(*address),
        _ => None,
    }
}

fn own_address(attribute: &AddressAttribute) -> Option<IpAddr> {
    match attribute {
        AddressAttribute::Address(address) | AddressAttribute::Local(address) => Some(*address),
        _ => None,
    }
}

fn labelled(attribute: &AddrLabelAttribute) -> Option<IpAddr> {
    match attribute {
        AddrLabelAttribute::Address(address) => Some(*address),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_apart_are_prefixes() {
        for (prefix, length) in APART {
            let address: IpAddr = prefix.parse().expect(prefix);
            let network = ipnet::IpNet::new(address, length).expect(prefix);
            assert_eq!(network.trunc(), network);
        }
    }
}
