//! Static routes: from every node to every link, and to both hosts by every arm.

use super::{
    address::{self, Family, Side},
    topology::Topology,
};

/// A way out of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextHop {
    /// Place of the link in [`Topology::links`].
    pub(crate) link: usize,
    /// The node at its other end.
    pub(crate) node: usize,
    /// The end of the link at which that node is.
    pub(crate) side: Side,
}

/// A topology with what routing needs to know about its links.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) topology: Topology,
    /// Places of the links that are tunnels.
    pub(crate) tunnels: Vec<usize>,
}

impl Routes {
    /// The neighbours of a node on the target's side.
    pub(crate) fn successors(&self, node: usize) -> Vec<NextHop> {
        self.next_hops(node, |hop| hop.side == Side::Far)
    }

    /// The neighbours of a node on the vantage point's side.
    pub(crate) fn predecessors(&self, node: usize) -> Vec<NextHop> {
        self.next_hops(node, |hop| hop.side == Side::Near)
    }

    /// A node's links: what is at the other end, and which side this end is.
    pub(crate) fn ends(&self, node: usize) -> Vec<(NextHop, Side)> {
        let here = |hop: NextHop| match hop.side {
            Side::Far => (hop, Side::Near),
            Side::Near => (hop, Side::Far),
        };
        self.next_hops(node, |_| true)
            .into_iter()
            .map(here)
            .collect()
    }

    /// The address that a node answers the vantage point from: that of its first
    /// inward interface (the vantage point's own: of its first interface).
    pub(crate) fn address(&self, family: Family, node: usize) -> Option<std::net::IpAddr> {
        if let Some(inward) = self.predecessors(node).first() {
            return Some(address::of_link(family, inward.link, Side::Far));
        }
        let outward = self.successors(node);
        Some(address::of_link(family, outward.first()?.link, Side::Near))
    }

    /// The `ip` commands that give `node` its routes.
    pub(crate) fn commands(&self, family: Family, node: usize) -> Vec<String> {
        let links = 0..self.topology.links().len();
        links
            .filter_map(|link| self.to_link(family, node, link))
            .chain(self.to_hosts(family, node))
            .collect()
    }

    /// Routes to a prefix behind a node: the `ip` command for each other node.
    pub(crate) fn behind(
        &self,
        family: Family,
        prefix: &str,
        owner: usize,
    ) -> Vec<(usize, String)> {
        let distances = self.distances(&[owner]);
        let others = (0..self.topology.nodes().len()).filter(|node| *node != owner);
        others
            .filter_map(|node| {
                let hops = self.downhill(node, &distances);
                Some((node, self.route(family, node, prefix, &hops)?))
            })
            .collect()
    }

    /// Both hosts, by every arm (a neighbour is reached without a gateway); a host
    /// sends all else that way too.
    fn to_hosts(&self, family: Family, node: usize) -> Vec<String> {
        let target = self.topology.nodes().len() - 1;
        let mut commands = Vec::new();
        for (host, hops) in [
            (target, self.successors(node)),
            (0, self.predecessors(node)),
        ] {
            let Some(address) = self.address(family, host) else {
                continue;
            };
            let prefix = format!("{address}/{}", family.host_bits());
            let is_beyond = |hop: &NextHop| {
                let gateway = address::of_link(family, hop.link, hop.side);
                gateway != address || self.tunnels.contains(&hop.link)
            };
            let hops_beyond: Vec<_> = hops.iter().copied().filter(is_beyond).collect();
            commands.extend(self.route(family, node, &prefix, &hops_beyond));
            if self.topology.is_host(node) {
                commands.extend(self.route(family, node, family.everything(), &hops));
            }
        }
        commands
    }

    /// The network of a link, by the shortest ways that cross routers only.
    fn to_link(&self, family: Family, node: usize, link: usize) -> Option<String> {
        let (near, far) = self.topology.links()[link];
        let prefix = address::link_prefix(family, link);
        if node == near || node == far {
            // The addresses of a tunnel's ends are not on a network.
            let here = self.next_hops(node, |hop| hop.link == link);
            let is_tunnel = self.tunnels.contains(&link);
            return is_tunnel.then(|| self.route(family, node, &prefix, &here))?;
        }
        let mut ends = vec![near, far];
        if ends.iter().any(|end| !self.topology.is_host(*end)) {
            ends.retain(|end| !self.topology.is_host(*end));
        }
        let hops = self.downhill(node, &self.distances(&ends));
        self.route(family, node, &prefix, &hops)
    }

    /// `route replace PREFIX …`; `None` without a way there.
    fn route(&self, family: Family, node: usize, prefix: &str, hops: &[NextHop]) -> Option<String> {
        let is_inward = hops.iter().all(|hop| hop.side == Side::Near);
        let source = match self.address(family, node) {
            Some(address) if is_inward || node == 0 => format!(" src {address}"),
            _ => String::new(),
        };
        let ways: Vec<_> = hops.iter().map(|hop| self.way(family, *hop)).collect();
        match ways.as_slice() {
            [] => None,
            [way] => Some(format!("route replace {prefix}{source} {way}")),
            _ => {
                let ways = ways.join(" nexthop ");
                Some(format!("route replace {prefix}{source} nexthop {ways}"))
            }
        }
    }

    /// A next hop in the words of `ip route`.
    fn way(&self, family: Family, hop: NextHop) -> String {
        let device = &self.topology.nodes()[hop.node];
        if self.tunnels.contains(&hop.link) {
            let outer = address::of_underlay(hop.link, hop.side);
            return format!("encap ip id 1 dst {outer} dev {device}");
        }
        let gateway = address::of_link(family, hop.link, hop.side);
        format!("via {gateway} dev {device}")
    }

    fn next_hops(&self, node: usize, is_wanted: impl Fn(&NextHop) -> bool) -> Vec<NextHop> {
        let links = self.topology.links().iter().enumerate();
        links
            .filter_map(|(link, &(near, far))| match node {
                _ if node == near => Some((link, far, Side::Far)),
                _ if node == far => Some((link, near, Side::Near)),
                _ => None,
            })
            .map(|(link, node, side)| NextHop { link, node, side })
            .filter(is_wanted)
            .collect()
    }

    /// Hops from each node to the nearest of `goals`, through routers only.
    fn distances(&self, goals: &[usize]) -> Vec<Option<usize>> {
        let mut distances = vec![None; self.topology.nodes().len()];
        let mut edge = goals.to_vec();
        let mut distance = 0;
        while !edge.is_empty() {
            edge.retain(|node| distances[*node].is_none());
            for node in &edge {
                distances[*node] = Some(distance);
            }
            distance += 1;
            // A host is where a way may begin or end, never on the way.
            let crossed = edge
                .iter()
                .filter(|node| goals.contains(node) || !self.topology.is_host(**node));
            edge = crossed
                .flat_map(|node| self.next_hops(*node, |_| true))
                .map(|hop| hop.node)
                .collect();
        }
        distances
    }

    /// The neighbours that are one hop nearer and forward, or are the goal.
    fn downhill(&self, node: usize, distances: &[Option<usize>]) -> Vec<NextHop> {
        let Some(nearer) = distances[node].and_then(|distance| distance.checked_sub(1)) else {
            return Vec::new();
        };
        self.next_hops(node, |hop| {
            let leads_on = nearer == 0 || !self.topology.is_host(hop.node);
            leads_on && distances[hop.node] == Some(nearer)
        })
    }
}
