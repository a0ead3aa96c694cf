//! What goes wrong in a network, on demand.

use std::net::IpAddr;

use anyhow::Result;

use super::{
    Lab,
    address::{self, Family},
};

/// Whether a link carries packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It does.
    Up,
    /// Both ends have no carrier.
    Down,
}

/// How a router refuses to forward to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No route: IPv4 net-unreachable, IPv6 no-route.
    NoRoute,
    /// An `unreachable` route: IPv4 host-unreachable, IPv6 no-route.
    Unreachable,
    /// A `prohibit` route: admin-prohibited.
    Prohibit,
    /// A `blackhole` route: no answer.
    Blackhole,
}

/// Where in a router [`Lab::filter`] acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Packets to the node itself.
    Input,
    /// Packets on their way through.
    Forward,
    /// Packets that the node made, among them its ICMP errors.
    Output,
}

impl Hook {
    const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
        }
    }
}

/// A macvlan device over another device of the vantage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macvlan {
    /// Its name.
    pub device: String,
    /// Its IPv4 address.
    pub v4: IpAddr,
    /// Its IPv6 address.
    pub v6: IpAddr,
}

impl Lab {
    /// Sets the link between two neighbours down or up. The kernel drops the IPv6
    /// addresses and the routes of a device that goes down: [`LinkState::Up`] gives
    /// both nodes theirs again.
    ///
    /// # Errors
    ///
    /// If they are no neighbours.
    pub fn set_link(&self, a: &str, b: &str, state: LinkState) -> Result<()> {
        self.topology().link(a, b)?;
        match state {
            LinkState::Down => self.node(a)?.ip([format!("link set {b} down")]),
            LinkState::Up => {
                self.node(a)?.ip([format!("link set {b} up")])?;
                self.restore(self.topology().index(a)?)?;
                self.restore(self.topology().index(b)?)
            }
        }
    }

    /// Puts a queueing discipline on the device of `node` towards `neighbour`, in
    /// the words of `tc`: `tbf rate 1mbit burst 2kb latency 1ms`.
    ///
    /// # Errors
    ///
    /// If they are no neighbours or `tc` refuses.
    pub fn qdisc(&self, node: &str, neighbour: &str, discipline: &str) -> Result<()> {
        self.topology().link(node, neighbour)?;
        let words = ["qdisc", "replace", "dev", neighbour, "root"];
        let words: Vec<_> = words
            .into_iter()
            .chain(discipline.split_whitespace())
            .collect();
        self.node(node)?.run("tc", &words).map(drop)
    }

    /// Adds a macvlan device over the vantage point's device towards `neighbour`,
    /// with addresses of its own and a way to everything (of a worse metric).
    ///
    /// # Errors
    ///
    /// If they are no neighbours, or the kernel has no macvlan.
    pub fn add_macvlan(&self, neighbour: &str) -> Result<Macvlan> {
        let link = self.topology().link(self.vantage().name(), neighbour)?;
        let device = format!("m-{neighbour}");
        // Else the parent, too, answers who has the macvlan's address.
        let ignore = format!("ipv4/conf/{neighbour}/arp_ignore");
        self.vantage().sysctl(&[(&ignore, "1")])?;
        let mut commands = vec![
            format!("link add {device} link {neighbour} type macvlan mode bridge"),
            format!("link set {device} up"),
        ];
        for family in Family::ALL {
            let own = address::on_link(family, link, 3);
            let gateway = address::of_link(family, link, address::Side::Far);
            let (bits, everything) = (family.link_bits(), family.everything());
            let flags = if family == Family::V6 { " nodad" } else { "" };
            commands.extend([
                format!("addr add {own}/{bits} dev {device} metric 9999{flags}"),
                format!("route add {everything} src {own} via {gateway} dev {device} metric 9999"),
            ]);
        }
        self.vantage().ip(commands)?;
        Ok(Macvlan {
            device,
            v4: address::on_link(Family::V4, link, 3),
            v6: address::on_link(Family::V6, link, 3),
        })
    }

    /// Adds a rule, in the words of `nft`, to a node: `icmp type time-exceeded
    /// drop`, `meta l4proto tcp reject with icmpx type admin-prohibited`.
    ///
    /// # Errors
    ///
    /// If there is no such node or `nft` refuses.
    pub fn filter(&self, node: &str, hook: Hook, rule: &str) -> Result<()> {
        let hook = hook.name();
        let chain = format!("add chain inet lab {hook} {{ type filter hook {hook} priority 0; }}");
        let script = format!("add table inet lab; {chain}; add rule inet lab {hook} {rule}");
        self.node(node)?.run("nft", &[&script]).map(drop)
    }

    /// Makes a router keep silent: it forwards, and answers nothing itself.
    ///
    /// # Errors
    ///
    /// If there is no such node or `nft` refuses.
    pub fn silence(&self, router: &str) -> Result<()> {
        self.filter(router, Hook::Output, "icmp type != echo-request drop")?;
        let errors = "{ destination-unreachable, packet-too-big, time-exceeded, echo-reply }";
        self.filter(router, Hook::Output, &format!("icmpv6 type {errors} drop"))
    }

    /// Makes a router refuse to forward to the target.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn refuse(&self, router: &str, refusal: Refusal) -> Result<()> {
        let node = self.node(router)?;
        for family in Family::ALL {
            let target = self.address(family, self.target().name())?;
            let prefix = format!("{target}/{}", family.host_bits());
            let kind = match refusal {
                Refusal::NoRoute => {
                    // The network of the target's link leads there too.
                    for prefix in [prefix, self.target_network(family)?] {
                        node.run("ip", &[family.option(), "route", "flush", "exact", &prefix])?;
                    }
                    continue;
                }
                Refusal::Unreachable => "unreachable",
                Refusal::Prohibit => "prohibit",
                Refusal::Blackhole => "blackhole",
            };
            node.ip([format!("route replace {kind} {prefix}")])?;
        }
        Ok(())
    }

    fn target_network(&self, family: Family) -> Result<String> {
        let target = self.topology().index(self.target().name())?;
        let inward = self.routes.predecessors(target);
        let link = inward.first().map_or(0, |hop| hop.link);
        Ok(address::link_prefix(family, link))
    }
}
