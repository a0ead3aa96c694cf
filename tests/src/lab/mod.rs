//! The lab: networks of real Linux routers in namespaces of this machine.
//!
//! A topology is a line of text; both families get addresses and routes; the truth
//! (which addresses and links a trace must report) is derived from the same line.
//! Needs root, iproute2 and util-linux; nftables for [`Lab::filter`]. Nothing has
//! a name in the file system, and processes started in the lab die with it: when
//! the process that holds a [`Lab`] ends, even by SIGKILL, all of it is gone.
//!
//! ```no_run
//! use probe_tests::lab::{Family, Lab, Wire};
//! use std::time::Duration;
//!
//! # fn main() -> anyhow::Result<()> {
//! // Two arms of equal length, and 25 ms each way on the last link.
//! let lab = Lab::parse("vantage r1 (a2 | b2) r3 target")
//!     .wire("r3", "target", Wire::delay(Duration::from_millis(25)))
//!     .build()?;
//! let _service = lab.listen_tcp(80)?;
//!
//! let target = lab.address(Family::V6, "target")?.to_string();
//! let output = lab.vantage().run("traceroute", &["-n", "-T", &target])?;
//! println!("{output}");
//! println!("expected: {:?}", lab.path(Family::V6)?);
//! # Ok(())
//! # }
//! ```
//!
//! Devices are named after the node at their other end: in `vantage`, the device
//! towards `r1` is `r1`. A router answers the vantage point from the address of its
//! first inward interface, also where several arms join.

pub mod address;
mod builder;
pub(crate) mod echo;
mod hold;
mod impairment;
pub(crate) mod internet;
mod mangling;
mod map;
mod namespace;
pub(crate) mod packet_socket;
mod path;
mod permuter;
pub(crate) mod programs;
mod responder;
mod routes;
mod service;
mod tap;
mod topology;
pub mod truth;
mod wire;
mod worker;

use std::{fmt, net::IpAddr};

use anyhow::{Context as _, Result};

pub use self::{
    address::Family,
    builder::LabBuilder,
    hold::HoldTimes,
    impairment::{Hook, LinkState, Macvlan, Refusal},
    internet::{Capture, Guard, InternetLab},
    mangling::Mangling,
    map::{Coverage, Map, Sighting},
    namespace::Namespace,
    path::Path,
    permuter::Permuter,
    responder::{DelayResponder, HoldTime},
    service::Service,
    tap::Tap,
    topology::Topology,
    wire::Wire,
};
use self::{routes::Routes, wire::RunningWire};

/// A running network; dropping it takes it down.
pub struct Lab {
    routes: Routes,
    /// In the order of [`Topology::nodes`].
    nodes: Vec<Namespace>,
    /// Held for their threads.
    wires: Vec<RunningWire>,
    /// Held for its links: at routers that choose between arms, if there are any.
    programs: Option<aya::Ebpf>,
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lab({})", self.topology())
    }
}

impl Lab {
    /// A lab after a description, see [`Topology`].
    pub fn parse(description: &str) -> LabBuilder {
        LabBuilder::new(description.parse())
    }

    /// `vantage r1 … rN target`.
    pub fn chain(routers: usize) -> LabBuilder {
        LabBuilder::new(Topology::chain(routers))
    }

    /// `vantage r1 (m1 | … | mN) r2 target`.
    pub fn diamond(width: usize) -> LabBuilder {
        LabBuilder::new(Topology::diamond(width))
    }

    /// What was built.
    pub fn topology(&self) -> &Topology {
        &self.routes.topology
    }

    /// The node that probes are sent from.
    pub fn vantage(&self) -> &Namespace {
        &self.nodes[0]
    }

    /// The node that probes are sent to.
    pub fn target(&self) -> &Namespace {
        &self.nodes[self.nodes.len() - 1]
    }

    /// The node of that name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn node(&self, name: &str) -> Result<&Namespace> {
        Ok(&self.nodes[self.topology().index(name)?])
    }

    /// The address that a node answers the vantage point from.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn address(&self, family: Family, node: &str) -> Result<IpAddr> {
        let index = self.topology().index(node)?;
        self.routes
            .address(family, index)
            .with_context(|| format!("{node} has no links"))
    }

    /// The truth: every path from the vantage point to the target.
    ///
    /// # Errors
    ///
    /// If a node has no links.
    pub fn path(&self, family: Family) -> Result<Path> {
        Path::new(&self.routes, family)
    }

    /// Routes for a further prefix behind a node, at all other nodes.
    ///
    /// # Errors
    ///
    /// If there is no such node, or `ip` refuses the prefix.
    pub fn route_to(&self, node: &str, family: Family, prefix: &str) -> Result<()> {
        let owner = self.topology().index(node)?;
        for (index, command) in self.routes.behind(family, prefix, owner) {
            self.nodes[index].ip([command])?;
        }
        Ok(())
    }
}
