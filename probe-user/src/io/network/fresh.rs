//! Next hops that stay what they are believed to be.

use std::{sync::Arc, time::Duration};

use super::{Network, neighbour};

/// How often the kernel is reminded of neighbours: it asks one again five seconds after
/// (`delay_first_probe_time`).
const REMIND_EVERY: Duration = Duration::from_secs(3);

impl Network {
    /// Has the kernel ask all next hops again from time to time, as long as this is there.
    /// It would not by itself: that a packet socket sends to them does not count as use,
    /// and one whose address has changed would never be found out. [`super::Changes`] tell
    /// what comes of it.
    pub fn keep_neighbours_fresh(&self) {
        let handle = self.handle.clone();
        let neighbours = Arc::downgrade(&self.neighbours);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REMIND_EVERY).await;
                let Some(neighbours) = neighbours.upgrade() else {
                    break;
                };
                let known: Vec<_> = neighbours.lock().await.keys().copied().collect();
                drop(neighbours);
                for (ifindex, address) in known {
                    // A device that is gone has no neighbours.
                    let _ = neighbour::revalidate(&handle, ifindex, address).await;
                }
            }
        });
    }
}
