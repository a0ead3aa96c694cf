//! What a run does when the network changes under it.

use std::time::Duration;

use super::{
    attach::{self, attach},
    describe::Describe,
    drive::{Driver, notify},
    equip, ways,
};
use crate::{
    engine::time::Moment,
    error::{Error, Result},
    io::{
        clock,
        network::{Change, Network},
    },
};

/// Least time between two looks at all routes: changes come in bursts.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(100);

/// How much of the time such looks may take of a run with very many targets: one part in
/// so many.
const RENEWAL_SHARE: u32 = 20;

/// How long after the first of several changes of routes the last may come.
const SETTLED_AFTER: Duration = Duration::from_millis(50);

impl<S: Describe> Driver<'_, S> {
    /// Takes note of a change.
    ///
    /// # Errors
    ///
    /// If an interface was lost, and now there is no way left.
    pub(super) async fn follow(&mut self, network: &Network, change: &Change) -> Result<()> {
        let lost = attach::lost(&self.receiver.attachments, change);
        if network.refresh(change).await {
            self.stale_since.get_or_insert(clock::now());
        }
        let Some((_, lost)) = lost else {
            return Ok(());
        };
        match self.renew_ways(network).await {
            Ok(lines) if !self.ways.are_blocked() => self.tell(&lines),
            _ => return Err(Error::CutShort(lost)),
        }
        Ok(())
    }

    /// Looks all ways up again if they may be others, not too often, and not before those
    /// who change routes are done with the next.
    pub(super) async fn keep_ways(&mut self, network: &Network) -> Result<()> {
        let now = clock::now();
        let has_settled = |since: Moment| now.since(since) >= SETTLED_AFTER;
        if self.stale_since.is_some_and(has_settled) && now >= self.next_renewal {
            let lines = self.renew_ways(network).await;
            self.tell(&lines?);
        }
        Ok(())
    }

    /// Looks all ways up again; gives lines that say what has changed.
    async fn renew_ways(&mut self, network: &Network) -> Result<Vec<String>> {
        self.stale_since = None;
        let begin = clock::now();
        let lines = ways::renew(self.plan, network, &mut self.ways).await;
        let end = clock::now();
        self.next_renewal = end + RENEWAL_INTERVAL.max(end.since(begin) * RENEWAL_SHARE);
        let attached = &mut self.receiver.attachments;
        let kernel = &mut self.kernel;
        let used = equip::interfaces_in_use(&self.ways);
        attach(self.plan.path.rx, network, used, kernel, attached).await?;
        Ok(lines)
    }

    fn tell(&self, lines: &[String]) {
        let tell = || lines.iter().for_each(|line| notify(self.plan, line));
        self.status.aside(tell);
    }
}
