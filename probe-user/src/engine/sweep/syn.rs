//! One SYN at a time to each target, and none beyond it.
//!
//! A host that has a half-open connection answers a second SYN of the same
//! addresses and ports by RST or a challenge ACK (RFC 9293, 3.10.7.4; RFC 5961,
//! section 4): an open port would read as closed. Which probe reaches the target
//! nobody knows beforehand, so the next one waits for what became of the last.

use std::{
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use probe_common::abi::Kind;

use crate::engine::time::{Moment, nanoseconds};

/// How long this host's RST, which ends a half-open connection, may take to get there.
const RESET: Duration = Duration::from_millis(10);

/// What is known of each target: 16 bytes.
#[derive(Debug)]
pub struct SynGuard {
    targets: Vec<Target>,
    timeout: Duration,
}

#[derive(Debug)]
struct Target {
    /// No SYN before this, CLOCK_MONOTONIC, nanoseconds.
    busy_until: AtomicU64,
    /// Least TTL that the target itself answered at.
    reached_at: AtomicU8,
}

impl SynGuard {
    /// For so many targets; a SYN that nobody answers is done with after `timeout`.
    pub fn new(targets: u32, timeout: Duration) -> Self {
        let target = |_| Target {
            busy_until: AtomicU64::new(0),
            reached_at: AtomicU8::new(u8::MAX),
        };
        Self {
            targets: (0..targets).map(target).collect(),
            timeout,
        }
    }

    /// Whether a SYN may be sent to the target now.
    pub fn is_free(&self, target: u32, now: Moment) -> bool {
        let target = self.targets.get(target as usize);
        target.is_none_or(|target| target.busy_until.load(Relaxed) <= now.0)
    }

    /// Takes the right to send one; false if another lane was first, or one is under way.
    pub fn claim(&self, target: u32, now: Moment) -> bool {
        let Some(target) = self.targets.get(target as usize) else {
            return true;
        };
        let busy_until = target.busy_until.load(Relaxed);
        let until = now.0.saturating_add(nanoseconds(self.timeout));
        busy_until <= now.0
            && target
                .busy_until
                .compare_exchange(busy_until, until, Relaxed, Relaxed)
                .is_ok()
    }

    /// Something answered a SYN that left with this TTL.
    pub fn answered(&self, target: u32, ttl: u8, kind: Kind, now: Moment) {
        let Some(target) = self.targets.get(target as usize) else {
            return;
        };
        let mut until = now;
        if kind.reaches_target() {
            target.reached_at.fetch_min(ttl, Relaxed);
            until = now + RESET;
        }
        target.busy_until.store(until.0, Relaxed);
    }

    /// Whether a probe with a lower TTL than this one was answered by the target.
    pub fn is_beyond(&self, target: u32, ttl: u8) -> bool {
        let target = self.targets.get(target as usize);
        target.is_some_and(|target| ttl > target.reached_at.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000_000);
    const TIMEOUT: Duration = Duration::from_secs(1);

    #[test]
    fn a_second_syn_waits_for_what_became_of_the_first() {
        let guard = SynGuard::new(2, TIMEOUT);
        assert!(guard.claim(1, NOW));
        assert!(!guard.is_free(1, NOW) && !guard.claim(1, NOW));
        assert!(guard.claim(0, NOW));
        // A router answered: it never got to the target.
        guard.answered(1, 3, Kind::TimeExceeded, NOW);
        assert!(guard.claim(1, NOW));
        // The target answered: this host's RST must get there first.
        guard.answered(1, 9, Kind::SynAck, NOW);
        assert!(!guard.is_free(1, NOW + Duration::from_millis(9)));
        assert!(guard.claim(1, NOW + Duration::from_millis(10)));
    }

    #[test]
    fn a_syn_that_nobody_answers_holds_until_the_timeout() {
        let guard = SynGuard::new(1, TIMEOUT);
        assert!(guard.claim(0, NOW));
        assert!(!guard.is_free(0, NOW + Duration::from_millis(999)));
        assert!(guard.is_free(0, NOW + TIMEOUT));
    }

    #[test]
    fn what_lies_behind_the_target_is_known_once_it_answered() {
        let guard = SynGuard::new(2, TIMEOUT);
        assert!(!guard.is_beyond(1, 30));
        guard.answered(1, 12, Kind::SynAck, NOW);
        guard.answered(1, 15, Kind::Rst, NOW);
        assert!(guard.is_beyond(1, 13) && !guard.is_beyond(1, 12));
        assert!(!guard.is_beyond(0, 30) && !guard.is_beyond(9, 30));
    }
}
