//! Lost probes, each by one cause, and what this host itself may have lost.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// Probes without a reply in time, by cause: they add up to `sent − received`, less what
/// is still waited for. Names that the run's counters have mean the same here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes(pub Vec<(&'static str, u64)>);

impl Causes {
    /// Answered after the timeout.
    pub const LATE: &'static str = "late";
    /// A router said that the probe cannot go on, where the target was asked.
    pub const ICMP_ERROR: &'static str = "icmp_error";
    /// The responder answers only so often; at a hop: hops behind it answered.
    pub const RATE_LIMITED: &'static str = "rate_limited";
    /// Lost on the way there or back.
    pub const PATH: &'static str = "path";
    /// Nothing ever came from there: no answer tells its silence from loss.
    pub const SILENT: &'static str = "silent";

    /// Adds a cause, if it has probes.
    pub fn add(&mut self, cause: &'static str, probes: u64) {
        if probes > 0 {
            self.0.push((cause, probes));
        }
    }

    /// Whether no probe is lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Probes of a cause.
    pub fn of(&self, cause: &str) -> u64 {
        let same = self.0.iter().filter(|(name, _)| *name == cause);
        same.map(|(_, probes)| probes).sum()
    }
}

impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (cause, probes) in &self.0 {
            map.serialize_entry(cause, probes)?;
        }
        map.end()
    }
}

/// What happened to this host as a whole since the run began, and may explain losses of
/// any target: how many of them, nobody can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Packets that the interfaces received and dropped, of whatever kind.
    pub rx_dropped: u64,
    /// Packets that the interfaces were to send and dropped, of whatever kind.
    pub tx_dropped: u64,
    /// For how long the host slept.
    pub suspended_ns: u64,
}

impl Host {
    /// Itself, if there is anything to tell.
    pub fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}
