//! What happens to this host as a whole while a run goes on.

use std::{collections::BTreeMap, time::Duration};

use super::{
    describe::Describe,
    drive::{Driver, notify},
};
use crate::{
    engine::{report::Host, time::Moment},
    io::{
        bpf::Attachment,
        clock,
        network::{Drops, Network},
    },
};

impl<S: Describe> Driver<'_, S> {
    /// Looks at the counters of devices.
    pub(super) async fn look_at_host(&mut self, network: &Network) {
        let devices = &self.receiver.attachments;
        self.host.look(network, devices, clock::now()).await;
    }

    /// What was under way while the host slept is nobody's loss.
    pub(super) fn look_at_clocks(&mut self) {
        if let Some(suspension) = self.journal.tick() {
            let (from, until) = suspension.into();
            self.engine.handle_suspended(from, until);
            let slept = Duration::from_millis(suspension.slept_ns / 1_000_000);
            let slept = humantime::format_duration(slept);
            notify(
                self.plan,
                &format!("this host slept for {slept}; what was under way then is no loss"),
            );
        }
    }
}

/// Time between two looks at the counters of devices.
const EVERY: Duration = Duration::from_secs(1);

/// Drops of the devices that probes leave by, since the run began.
#[derive(Debug, Default)]
pub(super) struct HostWatch {
    /// What each device's counters were when it was first looked at.
    before: BTreeMap<u32, Drops>,
    dropped: BTreeMap<u32, Drops>,
    looked: Moment,
}

impl HostWatch {
    /// Whether it is time for another look.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        now.since(self.looked) >= EVERY
    }

    /// Looks at the counters of devices. One that is gone counts what it had by then.
    pub(super) async fn look(&mut self, network: &Network, devices: &[Attachment], now: Moment) {
        self.looked = now;
        // Each look is a question to the kernel, which the loop waits for.
        for device in devices.iter().filter(|device| device.sends) {
            if let Ok(drops) = network.drops(device.ifindex).await {
                let before = *self.before.entry(device.ifindex).or_insert(drops);
                self.dropped.insert(device.ifindex, drops.since(before));
            }
        }
    }

    /// What there is to tell.
    pub(super) fn report(&self, suspended_ns: u64) -> Option<Host> {
        let sum = |of: fn(&Drops) -> u64| self.dropped.values().map(of).sum();
        let host = Host {
            rx_dropped: sum(|drops| drops.received),
            tx_dropped: sum(|drops| drops.to_be_sent),
            suspended_ns,
        };
        host.if_any()
    }
}
