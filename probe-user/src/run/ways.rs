//! Targets and the ways to them.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use probe_common::Address;

use crate::{
    engine::{
        answer::address,
        plan::{Plan, Target},
    },
    error::{Error, Result},
    io::{
        names,
        network::{Network, Path, Via},
    },
};

/// Route look-ups under way at once.
const LOOKUPS: usize = 64;

/// A target and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) target: Target,
    pub(super) address: Address,
    pub(super) path: Path,
}

/// The ways found, and a line for each target that has none.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) found: Vec<Way>,
    pub(super) lost: Vec<Error>,
}

/// Resolves names and routes. One target of several may fail; the only one may not.
pub(super) async fn find(plan: &Plan, network: &Network) -> Result<Ways> {
    let resolved = names::resolve(&plan.targets, plan.path.family).await;
    let mut ways = Ways {
        lost: resolved.failures.into_iter().map(Error::Usage).collect(),
        ..Ways::default()
    };
    let mut targets = resolved.targets;
    // Two names of one address are one target: their probes could not be told apart
    // where a reply names no slot.
    let mut seen = HashSet::new();
    targets.retain(|target| !plan.excludes(target.address) && seen.insert(target.address));
    let via = via(plan);
    let mut results = stream::iter(targets)
        .map(|target| {
            let via = &via;
            async move {
                let path = network.resolve(target.address, via).await;
                (target, path)
            }
        })
        .buffered(LOOKUPS);
    while let Some((target, path)) = results.next().await {
        match path {
            Ok(path) => ways.found.push(Way {
                address: address(target.address),
                target,
                path,
            }),
            Err(error) => ways.lost.push(error.into()),
        }
    }
    if ways.found.is_empty() {
        return Err(nothing_left(ways.lost));
    }
    Ok(ways)
}

/// Looks all ways up again; one that is lost stays as it was.
pub(super) async fn renew(plan: &Plan, network: &Network, ways: &mut Ways) {
    let via = via(plan);
    for way in &mut ways.found {
        if let Ok(path) = network.resolve(way.target.address, &via).await {
            way.path = path;
        }
    }
}

/// What the user asked of the way out.
fn via(plan: &Plan) -> Via {
    Via {
        interface: plan.path.interface.clone(),
        source: plan.path.source,
    }
}

fn nothing_left(mut lost: Vec<Error>) -> Error {
    match lost.len() {
        0 => Error::Usage("nothing left to probe: every target is excluded".into()),
        1 => lost.remove(0),
        count => Error::Environment(format!(
            "nothing left to probe: none of {count} targets has a name and a route; the first: {}",
            lost.remove(0)
        )),
    }
}
