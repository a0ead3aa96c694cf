//! The ways to any number of targets, without a question for each.
//!
//! The prefixes of all routes and rules cut the address space into stretches. A
//! routing table cannot tell two addresses of a stretch apart, so that the kernel
//! is asked about one for all. Where it would spread a stretch over the paths of
//! a multipath route, all of it goes the one way that it names for that address;
//! where it has learnt another way to a single host (a redirect), that is passed
//! over.

use std::iter;

use futures_util::{StreamExt as _, stream};
use probe_common::Address;

use super::{
    Network, Path, RouteError, RouteResult, Via,
    boundaries::{Boundaries, Stretch, number},
    tables::{self, Version},
};
use crate::engine::answer::ip;

/// Route look-ups under way at once.
const LOOKUPS: usize = 64;

/// The ways to a set of targets.
#[derive(Debug, Default)]
pub struct WayMap {
    paths: Vec<Path>,
    /// First numbers of stretches of one answer, ascending.
    firsts: Vec<u128>,
    /// The path of each, by its place in `paths`; `None`: no way.
    answers: Vec<Option<usize>>,
    unroutable: u128,
    first_error: Option<RouteError>,
    lookups: usize,
}

impl WayMap {
    /// All ways, each once.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter()
    }

    /// The way to a target; `None` if there is none. Only what the map was made
    /// for has an answer that means anything.
    #[inline]
    pub fn path(&self, target: Address) -> Option<&Path> {
        if let [only] = self.answers.as_slice() {
            return self.paths.get((*only)?);
        }
        let target = number(target);
        let behind = self.firsts.partition_point(|first| *first <= target);
        let answer = *self.answers.get(behind.checked_sub(1)?)?;
        self.paths.get(answer?)
    }

    /// The stretches of addresses that go one way, in order: the first number of each
    /// (IPv4 in its mapped form), and the place of its way among [`Self::paths`].
    pub fn stretches(&self) -> impl Iterator<Item = (u128, Option<usize>)> {
        self.firsts
            .iter()
            .copied()
            .zip(self.answers.iter().copied())
    }

    /// How many targets there is no way to.
    pub fn unroutable(&self) -> u128 {
        self.unroutable
    }

    /// Why there is no way to the first of those.
    pub fn first_error(&self) -> Option<&RouteError> {
        self.first_error.as_ref()
    }

    /// The same, for good.
    pub fn into_first_error(self) -> Option<RouteError> {
        self.first_error
    }

    /// How many route look-ups it took.
    pub fn lookups(&self) -> usize {
        self.lookups
    }

    fn new(mut answers: Vec<(Stretch, RouteResult<Path>)>) -> Self {
        let mut map = Self {
            lookups: answers.len(),
            ..Self::default()
        };
        answers.sort_by_key(|(stretch, _)| stretch.first);
        for (stretch, answer) in answers {
            let answer = match answer {
                Ok(path) => Some(map.place(path)),
                Err(error) => {
                    map.unroutable = map.unroutable.saturating_add(stretch.targets);
                    map.first_error.get_or_insert(error);
                    None
                }
            };
            if map.answers.last() != Some(&answer) {
                map.firsts.push(stretch.first);
                map.answers.push(answer);
            }
        }
        map
    }

    /// Ways as a test wants them: the first number of each stretch, and its path.
    #[cfg(test)]
    pub(crate) fn of(stretches: &[(u128, Option<Path>)]) -> Self {
        let mut map = Self::default();
        for (first, path) in stretches {
            let answer = path.map(|path| map.place(path));
            map.firsts.push(*first);
            map.answers.push(answer);
        }
        map
    }

    fn place(&mut self, path: Path) -> usize {
        if let Some(place) = self.paths.iter().position(|known| *known == path) {
            return place;
        }
        self.paths.push(path);
        self.paths.len() - 1
    }
}

impl Network {
    /// The ways to all addresses of `intervals`: first and last of each, IPv4
    /// before IPv6. Hosts of this host's own links go by [`super::Link::Kernel`]:
    /// each has an address of its own to be resolved, which the kernel does.
    ///
    /// # Errors
    /// If the kernel refuses its tables, or what `via` asks for does not exist.
    /// That there is no way to some targets, or to all, is no error.
    pub async fn map_ways(
        &self,
        intervals: impl Iterator<Item = (Address, Address)>,
        via: &Via,
    ) -> RouteResult<WayMap> {
        let mut intervals = intervals.peekable();
        let mut stretches = Vec::new();
        for version in [Version::V4, Version::V6] {
            let of_version = |(first, _): &(Address, Address)| version.has(*first);
            if intervals.peek().is_some_and(of_version) {
                let mut boundaries = Boundaries::default();
                tables::read(&self.handle, version, &mut boundaries).await?;
                let intervals = iter::from_fn(|| intervals.next_if(of_version));
                stretches.append(&mut boundaries.stretches(intervals));
            }
        }
        let mut lookups = stream::iter(stretches)
            .map(async |stretch| (stretch, self.resolve_shared(ip(stretch.sample), via).await))
            .buffered(LOOKUPS);
        let mut answers = Vec::new();
        while let Some((stretch, answer)) = lookups.next().await {
            let answer = match answer {
                Err(error) => Err(lost(error)?),
                found => found,
            };
            answers.push((stretch, answer));
        }
        Ok(WayMap::new(answers))
    }
}

/// What is wrong with a target, not with the question.
fn lost(error: RouteError) -> RouteResult<RouteError> {
    match error {
        RouteError::Netlink { .. }
        | RouteError::NotOurs { .. }
        | RouteError::NoSuchInterface { .. } => Err(error),
        _ => Ok(error),
    }
}
