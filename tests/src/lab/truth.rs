//! What the simulated internet must show, as a list of expectations.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result};
use probe_common::{
    Address,
    lab::{Answer, Internet, Query, Reply, Request, flow_of},
    wire::ip::protocol,
};

/// Numbers that are taken from one network to the next, so that few targets spread
/// over all regions.
const STRIDE: u32 = 0x9e37_79b1;

/// Addresses of targets, each in another network as long as there are enough, the
/// live and the dead.
pub fn targets_v4(internet: &Internet, count: u32) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let (base, bits) = (internet.v4_network, 24 - internet.v4_bits);
    (0..count).map(move |place| {
        let net = place.wrapping_mul(STRIDE) & ((1 << bits) - 1);
        let host = 1 + (place >> bits).wrapping_add(net) % 254;
        Ipv4Addr::from(base | net << 8 | host)
    })
}

/// The same of version 6.
pub fn targets_v6(internet: &Internet, count: u32) -> impl Iterator<Item = Ipv6Addr> + use<> {
    let (base, bits) = (internet.v6_network, 48 - internet.v6_bits);
    (0..count).map(move |place| {
        let net = u64::from(place.wrapping_mul(STRIDE) & ((1 << bits) - 1));
        let high = u128::from(base | net << 16) << 64;
        Ipv6Addr::from(high | u128::from(1 + (place >> bits)))
    })
}

/// As many addresses of version 6 as a network of version 4 has, in networks as far
/// away: a /120 for each /24, a line each.
///
/// # Errors
///
/// If it is no network of targets.
pub fn twins_v6(internet: &Internet, network: &str) -> Result<String> {
    let parsed = network.split_once('/').and_then(|(address, bits)| {
        let address: Ipv4Addr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 24)?;
        Some((address, bits))
    });
    let (address, bits) = parsed.with_context(|| format!("{network} has no /24"))?;
    let first = internet.locate(mapped(address.into()));
    let first = first.with_context(|| format!("{network} has no targets"))?;
    let twins = (first.number..).take(1 << (24 - bits)).map(|number| {
        let high = internet.v6_network | u64::from(number) << 16;
        format!("{}/120\n", Ipv6Addr::from(u128::from(high) << 64))
    });
    Ok(twins.collect())
}

/// Probes to one target that belong to one flow.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Where they come from.
    pub source: IpAddr,
    /// Where they go to.
    pub target: IpAddr,
    /// What they ask.
    pub request: Request,
    /// Source and destination port; of no account for ICMP.
    pub ports: [u16; 2],
}

impl Flow {
    /// What the probe of this flow with this TTL gets.
    pub fn answer(&self, internet: &Internet, ttl: u8) -> Answer {
        let (source, destination) = (mapped(self.source), mapped(self.target));
        let number = match (self.request, self.target) {
            (Request::Echo, IpAddr::V4(_)) => protocol::ICMP,
            (Request::Echo, IpAddr::V6(_)) => protocol::ICMPV6,
            (Request::Udp, _) => protocol::UDP,
            (Request::Syn(_) | Request::Ack, _) => protocol::TCP,
        };
        internet.answer(&Query {
            destination,
            flow: flow_of(source, destination, number, self.ports),
            ttl,
            request: self.request,
        })
    }

    /// Hops to the target.
    pub fn distance(&self, internet: &Internet) -> Option<u8> {
        let net = internet.locate(mapped(self.target))?;
        u8::try_from(internet.distance(net)).ok()
    }

    /// Who answers at each TTL from 1 to the target's own; `None`: nobody.
    pub fn path(&self, internet: &Internet) -> Vec<Option<IpAddr>> {
        let responder = |ttl| match self.answer(internet, ttl) {
            Answer::Reply(Reply { responder, .. }) => Some(unmapped(responder)),
            Answer::Elsewhere | Answer::SilentRouter | Answer::DeadTarget => None,
        };
        let distance = self.distance(internet).unwrap_or(0);
        (1..=distance).map(responder).collect()
    }
}

/// An address as the kernel programs hold it.
pub fn mapped(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => Address::from_v4(address.octets()),
        IpAddr::V6(address) => Address::from_v6(address.octets()),
    }
}

/// An address as the rest of the world writes it.
pub fn unmapped(address: Address) -> IpAddr {
    match address.v4() {
        Some(octets) => octets.into(),
        None => address.octets().into(),
    }
}
