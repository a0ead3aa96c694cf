//! The truth about a lab: what a correct trace across it reports.

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::{Context as _, Result, bail, ensure};

use super::{address::Family, routes::Routes};

/// Every path from the vantage point to the target, by answering address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Allowed addresses for each TTL, the first for TTL 1; the last is the target.
    pub hops: Vec<BTreeSet<IpAddr>>,
    /// Allowed pairs of addresses at consecutive TTLs: the links of the topology.
    pub links: BTreeSet<(IpAddr, IpAddr)>,
    /// The target's address.
    pub target: IpAddr,
}

impl Path {
    pub(crate) fn new(routes: &Routes, family: Family) -> Result<Self> {
        let address = |node| routes.address(family, node).context("a node without links");
        let mut path = Self {
            hops: Vec::new(),
            links: BTreeSet::new(),
            target: address(routes.topology.nodes().len() - 1)?,
        };
        let mut reached = BTreeSet::from([0]);
        loop {
            let mut next = BTreeSet::new();
            for &node in &reached {
                for hop in routes.successors(node) {
                    next.insert(hop.node);
                    if node != 0 {
                        path.links.insert((address(node)?, address(hop.node)?));
                    }
                }
            }
            if next.is_empty() {
                return Ok(path);
            }
            path.hops.push(
                next.iter()
                    .map(|node| address(*node))
                    .collect::<Result<_>>()?,
            );
            reached = next;
        }
    }

    /// The addresses in order, if there is but one path.
    ///
    /// # Errors
    ///
    /// If the topology has arms.
    pub fn addresses(&self) -> Result<Vec<IpAddr>> {
        self.hops
            .iter()
            .map(|hop| match Vec::from_iter(hop).as_slice() {
                [address] => Ok(**address),
                _ => bail!("this topology has arms: use Path::check"),
            })
            .collect()
    }

    /// Checks that what a trace reported is one of the paths, from TTL 1 to the
    /// target, without a hop too many, too few or that the topology has not.
    ///
    /// # Errors
    ///
    /// Says which hop or link is not in the topology.
    pub fn check(&self, trace: &[IpAddr]) -> Result<()> {
        let (Some(first), Some(last)) = (trace.first(), trace.last()) else {
            bail!("an empty trace");
        };
        ensure!(
            self.hops.first().is_some_and(|hop| hop.contains(first)),
            "{first} is not a first hop; trace: {trace:?}"
        );
        for pair in trace.windows(2) {
            ensure!(
                self.links.contains(&(pair[0], pair[1])),
                "there is no link {} - {}; trace: {trace:?}",
                pair[0],
                pair[1]
            );
        }
        ensure!(
            *last == self.target,
            "the trace ends at {last}, not at {}; trace: {trace:?}",
            self.target
        );
        Ok(())
    }
}
