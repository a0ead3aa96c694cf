//! Interfaces and links: what many paths together show of a network.

use std::{collections::HashSet, net::IpAddr};

use probe_common::lab::{Internet, Request};

use super::truth;

/// Interfaces, and links between those that answered one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// All that answered.
    pub interfaces: HashSet<IpAddr>,
    /// Nearer and further end.
    pub links: HashSet<(IpAddr, IpAddr)>,
}

/// How much of another map one has: shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Of its interfaces.
    pub interfaces: f64,
    /// Of its links.
    pub links: f64,
}

/// A reply as far as it tells of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Of the probe: target and flow.
    pub path: (IpAddr, u16),
    /// Of the probe.
    pub ttl: u8,
    /// Who answered.
    pub responder: IpAddr,
    /// The path ends there.
    pub is_end: bool,
}

impl Map {
    /// What ICMP probes with all TTLs up to `last_ttl` would show of the simulated
    /// internet.
    pub fn of_truth(
        internet: &Internet,
        source: IpAddr,
        targets: impl IntoIterator<Item = IpAddr>,
        last_ttl: u8,
    ) -> Self {
        let mut map = Self::default();
        for target in targets {
            let flow = truth::Flow {
                source,
                target,
                request: Request::Echo,
                ports: [0, 0],
            };
            let mut path = flow.path(internet);
            path.truncate(last_ttl.into());
            map.add(&path);
        }
        map
    }

    /// What replies show.
    pub fn of_sightings(mut sightings: Vec<Sighting>) -> Self {
        sightings.sort_unstable();
        let mut map = Self::default();
        for path in sightings.chunk_by(|a, b| a.path == b.path) {
            let mut hops = Vec::new();
            for sighting in path {
                hops.resize(usize::from(sighting.ttl) - 1, None);
                hops.push(Some(sighting.responder));
                if sighting.is_end {
                    break;
                }
            }
            map.add(&hops);
        }
        map
    }

    /// How much of `whole` is here.
    pub fn coverage(&self, whole: &Self) -> Coverage {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        Coverage {
            interfaces: share(
                self.interfaces.intersection(&whole.interfaces).count(),
                whole.interfaces.len(),
            ),
            links: share(
                self.links.intersection(&whole.links).count(),
                whole.links.len(),
            ),
        }
    }

    /// Adds a path: who answered at each TTL from 1 on.
    fn add(&mut self, hops: &[Option<IpAddr>]) {
        self.interfaces.extend(hops.iter().flatten());
        for pair in hops.windows(2) {
            if let [Some(near), Some(far)] = pair {
                self.links.insert((*near, *far));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn sighting(ttl: u8, responder: u8, is_end: bool) -> Sighting {
        Sighting {
            path: (address(200), 0),
            ttl,
            responder: address(responder),
            is_end,
        }
    }

    #[test]
    fn links_join_what_answered_one_after_another_up_to_the_end() {
        let map = Map::of_sightings(vec![
            sighting(5, 200, true),
            sighting(1, 1, false),
            sighting(4, 4, false),
            sighting(2, 2, false),
            // An echo of the end.
            sighting(9, 200, true),
        ]);
        let links = [(1, 2), (4, 200)].map(|(near, far)| (address(near), address(far)));
        assert_eq!(map.links, HashSet::from(links));
        assert_eq!(map.interfaces.len(), 4);
    }

    #[test]
    fn a_map_covers_itself_and_half_of_one_twice_as_large() {
        let half = Map::of_sightings(vec![sighting(1, 1, false), sighting(2, 2, false)]);
        let mut all = half.clone();
        all.add(&[Some(address(3)), Some(address(4))]);
        let coverage = half.coverage(&all);
        assert_eq!((coverage.interfaces, coverage.links), (0.5, 0.5));
        assert_eq!(all.coverage(&all).links, 1.0);
    }
}
