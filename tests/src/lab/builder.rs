//! From a topology to namespaces, devices, addresses and routes.

use anyhow::Result;
use aya::programs::TcAttachType;
use probe_common::abi::lab::FORGET_HASH;

use super::{
    Lab,
    address::{self, Family, Side},
    namespace::Namespace,
    programs,
    routes::{NextHop, Routes},
    topology::Topology,
    wire::{RunningWire, Wire},
};

/// Lets routers forward, lets both families work at once (no duplicate address
/// detection) and lets replies come back another way than requests went.
const HOST: [(&str, &str); 4] = [
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
];
const ROUTER: [(&str, &str); 2] = [("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")];
/// The kernel's limits on ICMP, lifted.
const NO_ICMP_LIMITS: [(&str, &str); 4] = [
    ("ipv4/icmp_ratelimit", "0"),
    ("ipv4/icmp_msgs_per_sec", "1000000"),
    ("ipv4/icmp_msgs_burst", "10000"),
    ("ipv6/icmp/ratelimit", "0"),
];

/// A lab still to be built.
#[derive(Debug)]
pub struct LabBuilder {
    topology: Result<Topology>,
    wires: Vec<(String, String, Wire)>,
    tunnels: Vec<(String, String)>,
    has_icmp_limits: bool,
    hash_policy: u8,
}

impl LabBuilder {
    pub(crate) fn new(topology: Result<Topology>) -> Self {
        Self {
            topology,
            wires: Vec::new(),
            tunnels: Vec::new(),
            has_icmp_limits: false,
            hash_policy: 1,
        }
    }

    /// Keeps the kernel's default limits on ICMP at the routers and the target:
    /// one error a second for each prober, after a burst.
    #[must_use]
    pub fn default_icmp_limits(mut self) -> Self {
        self.has_icmp_limits = true;
        self
    }

    /// What routers choose an arm by (`fib_multipath_hash_policy`): 0, addresses;
    /// 1 (the default here), also protocol and ports.
    #[must_use]
    pub fn hash_policy(mut self, policy: u8) -> Self {
        self.hash_policy = policy;
        self
    }

    /// Makes the link between two nodes a wire that delays, loses or doubles.
    #[must_use]
    pub fn wire(mut self, a: &str, b: &str, wire: Wire) -> Self {
        self.wires.push((a.to_owned(), b.to_owned(), wire));
        self
    }

    /// Makes the link between two nodes a tunnel (VXLAN-GPE), whose devices have
    /// no Ethernet header (`ARPHRD_NONE`).
    #[must_use]
    pub fn tunnel(mut self, a: &str, b: &str) -> Self {
        self.tunnels.push((a.to_owned(), b.to_owned()));
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// If the topology is wrong, a link named here is not in it, or a command
    /// fails; without root.
    pub fn build(self) -> Result<Lab> {
        let topology = self.topology?;
        let find = |(a, b): &(String, String)| topology.link(a, b);
        let tunnels = self.tunnels.iter().map(find).collect::<Result<_>>()?;
        let mut wires = Vec::new();
        for (a, b, wire) in &self.wires {
            wires.push((topology.link(a, b)?, *wire));
        }
        let nodes = topology.nodes().iter().map(|name| Namespace::new(name));
        let mut lab = Lab {
            nodes: nodes.collect::<Result<_>>()?,
            routes: Routes { topology, tunnels },
            wires: Vec::new(),
            programs: None,
        };
        lab.set_parameters(self.has_icmp_limits, self.hash_policy)?;
        lab.make_devices(&wires)?;
        lab.make_tunnels()?;
        lab.set_addresses()?;
        lab.set_routes()?;
        lab.forget_hashes()?;
        Ok(lab)
    }
}

impl Lab {
    fn set_parameters(&self, has_icmp_limits: bool, hash_policy: u8) -> Result<()> {
        let policy = hash_policy.to_string();
        let forks = [
            ("ipv4/fib_multipath_hash_policy", policy.as_str()),
            ("ipv6/fib_multipath_hash_policy", policy.as_str()),
        ];
        for (index, node) in self.nodes.iter().enumerate() {
            node.sysctl(&HOST)?;
            node.sysctl(&forks)?;
            if !self.routes.topology.is_host(index) {
                node.sysctl(&ROUTER)?;
            }
            if index != 0 && !has_icmp_limits {
                node.sysctl(&NO_ICMP_LIMITS)?;
            }
        }
        Ok(())
    }

    fn make_devices(&mut self, wires: &[(usize, Wire)]) -> Result<()> {
        for (link, &(near, far)) in self.routes.topology.links().iter().enumerate() {
            let (near, far) = (&self.nodes[near], &self.nodes[far]);
            let prefix = self.device_prefix(link);
            let near_device = format!("{prefix}{}", far.name());
            let far_device = format!("{prefix}{}", near.name());
            match wires.iter().find(|(place, _)| *place == link) {
                None => near.ip([veth(&near_device, &far_device, far)])?,
                Some((_, wire)) => {
                    let middle = Namespace::new(&format!("{}-{}", near.name(), far.name()))?;
                    near.ip([veth(&near_device, "near", &middle)])?;
                    far.ip([veth(&far_device, "far", &middle)])?;
                    self.wires.push(RunningWire::start(middle, *wire)?);
                }
            }
        }
        Ok(())
    }

    /// What stands before the neighbour's name in the names of a link's veths.
    fn device_prefix(&self, link: usize) -> &'static str {
        if self.routes.tunnels.contains(&link) {
            "u-"
        } else {
            ""
        }
    }

    fn make_tunnels(&self) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            let mut ends = self.routes.ends(index);
            ends.retain(|(hop, _)| self.routes.tunnels.contains(&hop.link));
            let commands = ends.into_iter().flat_map(|(hop, side)| {
                let device = self.nodes[hop.node].name();
                let outer = address::of_underlay(hop.link, side);
                let port = 4790 + hop.link;
                [
                    format!("link set u-{device} mtu 1600 up"),
                    format!("addr add {outer}/24 dev u-{device}"),
                    format!("link add {device} mtu 1500 type vxlan gpe external dstport {port}"),
                ]
            });
            node.ip(commands)?;
        }
        Ok(())
    }

    fn set_addresses(&self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|index| self.set_node_addresses(index))
    }

    fn set_routes(&self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|index| self.set_node_routes(index))
    }

    /// Lets routers that choose between arms choose by what is on the wire alone.
    fn forget_hashes(&mut self) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            let (out, back) = (
                self.routes.successors(index),
                self.routes.predecessors(index),
            );
            if self.routes.topology.is_host(index) || (out.len() < 2 && back.len() < 2) {
                continue;
            }
            let neighbours = out.iter().chain(&back);
            let devices: Vec<_> = neighbours.map(|hop| self.nodes[hop.node].name()).collect();
            let programs = match &mut self.programs {
                Some(programs) => programs,
                none => none.insert(programs::load()?),
            };
            programs::attach(programs, FORGET_HASH, TcAttachType::Ingress, node, &devices)?;
        }
        Ok(())
    }

    fn set_node_addresses(&self, index: usize) -> Result<()> {
        let ends = self.routes.ends(index).into_iter();
        self.nodes[index].ip(ends.flat_map(|(hop, side)| self.device_commands(hop, side)))
    }

    fn set_node_routes(&self, index: usize) -> Result<()> {
        let families = Family::ALL.into_iter();
        self.nodes[index].ip(families.flat_map(|family| self.routes.commands(family, index)))
    }

    /// Gives a node its devices' addresses and its routes again.
    pub(super) fn restore(&self, index: usize) -> Result<()> {
        self.set_node_addresses(index)?;
        self.set_node_routes(index)
    }

    /// The commands that make the device towards `hop` ready at this `side` of it.
    fn device_commands(&self, hop: NextHop, side: Side) -> Vec<String> {
        let device = self.nodes[hop.node].name();
        let is_tunnel = self.routes.tunnels.contains(&hop.link);
        let mut commands = vec![format!("link set {device} up")];
        for family in Family::ALL {
            let address = address::of_link(family, hop.link, side);
            let bits = if is_tunnel {
                family.host_bits()
            } else {
                family.link_bits()
            };
            let flags = if family == Family::V6 { " nodad" } else { "" };
            commands.push(format!("addr replace {address}/{bits} dev {device}{flags}"));
        }
        commands
    }
}

fn veth(device: &str, peer: &str, peer_namespace: &Namespace) -> String {
    let path = peer_namespace.path();
    let path = path.display();
    format!("link add {device} type veth peer name {peer} netns {path}")
}
