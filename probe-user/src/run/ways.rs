//! Targets and the ways to them.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use futures_util::{StreamExt as _, stream};
use probe_common::Address;

use crate::{
    engine::{
        answer::address,
        plan::{Plan, Target, TargetSpec},
    },
    error::{Error, Result},
    io::{
        names,
        network::{Link, NO_ANSWER, Network, Path, RouteResult, Via, WayMap},
    },
};

/// Route look-ups under way at once.
const LOOKUPS: usize = 64;

/// Targets that are looked up each on its own; of more, those that no route tells apart
/// go one way.
const ONE_BY_ONE: usize = 1_000;

/// A target and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) target: Target,
    /// Mostly that of many.
    pub(super) path: Arc<Path>,
    /// Why nothing can be sent there for now: what the kernel says to a packet.
    pub(super) blocked: Option<i32>,
}

impl Way {
    /// Where probes go.
    pub(super) fn address(&self) -> Address {
        address(self.target.address)
    }
}

/// The ways found, and a line for each target that has none, and for each of those found
/// whose next hop is silent.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) found: Vec<Way>,
    pub(super) lost: Vec<Error>,
    pub(super) silent: Vec<Error>,
}

impl Ways {
    /// Whether nothing can be sent to any target for now.
    pub(super) fn are_blocked(&self) -> bool {
        self.found.iter().all(|way| way.blocked.is_some())
    }
}

/// Resolves names and routes. One target of several may fail; the only one may not.
pub(super) async fn find(plan: &Plan, targets: Vec<TargetSpec>, network: &Network) -> Result<Ways> {
    let resolved = names::resolve(&targets, plan.path.family).await;
    drop(targets);
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
    let addresses = targets.iter().map(|target| target.address).collect();
    let shared = match plan.dry_run {
        true => None,
        false => shared(addresses, network, &via).await?,
    };
    ways.found.reserve_exact(targets.len());
    drop(seen);
    let mut results = stream::iter(targets)
        .map(|target| {
            let (via, shared) = (&via, &shared);
            async move {
                let path = match plan.dry_run {
                    // Not even neighbours are asked.
                    true => network.resolve_unasked(target.address, via).await,
                    false => look_up(target.address, network, via, shared).await,
                };
                (target, path)
            }
        })
        .buffered(LOOKUPS);
    while let Some((target, path)) = results.next().await {
        match path {
            Ok(path) => {
                let path = share(path, ways.found.last().map(|way| &way.path));
                ways.found.push(Way {
                    target,
                    path,
                    blocked: None,
                });
            }
            Err(error) if error.is_silence() => match silent(target, network, &via).await {
                Some(way) => {
                    ways.found.push(way);
                    ways.silent.push(error.into());
                }
                None => ways.lost.push(error.into()),
            },
            Err(error) => ways.lost.push(error.into()),
        }
    }
    if ways.are_blocked() {
        ways.lost.extend(ways.silent);
        return Err(nothing_left(ways.lost));
    }
    Ok(ways)
}

/// The way to a target whose next hop does not answer yet.
async fn silent(target: Target, network: &Network, via: &Via) -> Option<Way> {
    let path = network.resolve_unasked(target.address, via).await.ok()?;
    Some(Way {
        target,
        path: Arc::new(path),
        blocked: Some(NO_ANSWER),
    })
}

/// Looks all ways up again. Where only the next hop is silent, packets go on as before.
/// Gives lines that say what has changed.
pub(super) async fn renew(plan: &Plan, network: &Network, ways: &mut Ways) -> Vec<String> {
    let via = via(plan);
    let addresses = ways.found.iter().map(|way| way.target.address).collect();
    let Ok(shared) = shared(addresses, network, &via).await else {
        return Vec::new();
    };
    let mut before: Option<Arc<Path>> = None;
    let (mut lost, mut back) = (Vec::new(), Vec::new());
    for way in &mut ways.found {
        match look_up(way.target.address, network, &via, &shared).await {
            Ok(path) => {
                way.path = share(path, before.as_ref());
                before = Some(way.path.clone());
                if way.blocked.take().is_some() {
                    back.push(format!("there is a way to {} now", way.target.address));
                }
            }
            Err(error) => {
                let errno = error.errno();
                if errno.is_some() && way.blocked.is_none() {
                    let target = way.target.address;
                    lost.push(format!("nothing can be sent to {target} for now: {error}"));
                }
                way.blocked = errno.or(way.blocked);
            }
        }
    }
    [lost, back].into_iter().filter_map(first_of).collect()
}

/// The first line, and how many are like it.
fn first_of(lines: Vec<String>) -> Option<String> {
    let more = lines.len().saturating_sub(1);
    let first = lines.into_iter().next()?;
    Some(match more {
        0 => first,
        more => format!("{first} (and so for {more} more)"),
    })
}

/// The path before, if this is the same.
fn share(path: Path, before: Option<&Arc<Path>>) -> Arc<Path> {
    match before {
        Some(before) if **before == path => before.clone(),
        _ => Arc::new(path),
    }
}

/// The ways that very many targets share; `None`: there are few.
async fn shared(addresses: Vec<IpAddr>, network: &Network, via: &Via) -> Result<Option<WayMap>> {
    if addresses.len() <= ONE_BY_ONE {
        return Ok(None);
    }
    let mut addresses = addresses;
    addresses.sort_unstable();
    let intervals = addresses.into_iter().map(address).map(|one| (one, one));
    Ok(Some(network.map_ways(intervals, via).await?))
}

/// The way to one target. Hosts of this host's own links have each their own.
async fn look_up(
    target: IpAddr,
    network: &Network,
    via: &Via,
    shared: &Option<WayMap>,
) -> RouteResult<Path> {
    let shared = shared.as_ref().and_then(|map| map.path(address(target)));
    match shared {
        Some(path) if matches!(path.link, Link::Ethernet { .. }) => Ok(*path),
        _ => network.resolve(target, via).await,
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
