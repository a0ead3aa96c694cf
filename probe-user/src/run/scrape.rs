//! What Prometheus is told: figures of sessions, added up by group.

use std::collections::BTreeMap;

use super::ways::Ways;
use crate::{
    engine::{
        answer::Answer,
        plan::{Plan, Prometheus},
        report::Totals,
    },
    error::{Error, Result},
    io::http::{Scrape, Scrapes},
    sink::prometheus::{Exposition, Group},
};

/// The page and who asks for it.
pub(super) struct Scraped {
    scrapes: Scrapes,
    exposition: Exposition,
    /// The group of each session.
    group_of: Vec<usize>,
    groups: usize,
}

impl Scraped {
    /// Listens, if the plan says so. Session n goes to target n.
    ///
    /// # Errors
    /// [`Error::Usage`] if the address cannot be bound.
    pub(super) async fn open(plan: &Plan, ways: &Ways) -> Result<Option<Self>> {
        let Some(Prometheus { address, by_target }) = plan.output.prometheus else {
            return Ok(None);
        };
        let wrong = |error: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "cannot serve {address}: {error}; check --prometheus"
            ))
        };
        let groups: Vec<Group> = ways
            .found
            .iter()
            .map(|way| Group {
                group: way.target.group.clone().unwrap_or_default(),
                target: by_target.then(|| way.target.address.to_string()),
            })
            .collect();
        let mut places: BTreeMap<&Group, usize> = groups.iter().map(|group| (group, 0)).collect();
        (0..)
            .zip(places.values_mut())
            .for_each(|(n, place)| *place = n);
        let group_of = groups.iter().filter_map(|group| places.get(group).copied());
        let names: Vec<Group> = places.keys().map(|group| (*group).clone()).collect();
        Ok(Some(Self {
            group_of: group_of.collect(),
            groups: names.len(),
            exposition: Exposition::new(&names).map_err(|error| wrong(&error))?,
            scrapes: Scrapes::listen(address)
                .await
                .map_err(|error| wrong(&error))?,
        }))
    }

    /// The next who asks; `None`: nobody will any more.
    pub(super) async fn next(&mut self) -> Option<Scrape> {
        self.scrapes.next().await
    }

    /// A valid reply of a session's target.
    pub(super) fn observe(&mut self, session: u32, answer: &Answer) {
        if let Some(group) = self.group_of.get(session as usize) {
            self.exposition.observe(*group, answer.rtt_ns, answer.stamp);
        }
    }

    /// Answers, with the totals of all sessions in their order.
    pub(super) fn answer(&mut self, scrape: Scrape, sessions: impl Iterator<Item = Totals>) {
        let mut totals = vec![Totals::default(); self.groups];
        for (group, session) in self.group_of.iter().zip(sessions) {
            if let Some(sum) = totals.get_mut(*group) {
                *sum = sum.with(session);
            }
        }
        if let Ok(page) = self.exposition.text(&totals) {
            // Who has gone meanwhile needs no page.
            drop(scrape.send(page));
        }
    }
}
