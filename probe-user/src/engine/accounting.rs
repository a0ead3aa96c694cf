//! Nothing is lost in silence: the counters of a run, and the identities that
//! hold between them.

use std::collections::BTreeMap;

use probe_common::abi::{Counter, Counters};
use serde::{Deserialize, Serialize};

/// The counters of a run, by the names used in every output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Probes that the plan asked for.
    pub planned: u64,
    /// Planned, and not tried, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Tried, and not stamped: by errno name, or `vanished` (taken by the kernel,
    /// never seen at the stamp).
    pub failed: BTreeMap<String, u64>,
    /// Stamped on their way out.
    pub stamped: u64,
    /// Stamped, then refused by the qdisc or driver.
    pub dropped_after_stamp: u64,
    /// Left this host.
    pub sent: u64,
    /// Answered within the timeout.
    pub answered: u64,
    /// Answered after the timeout only.
    pub late_only: u64,
    /// Not answered.
    pub unanswered: u64,
    /// Packets that could be replies.
    pub candidates: u64,
    /// Candidates that could not be read, by reason.
    pub malformed: BTreeMap<String, u64>,
    /// Candidates that answer no probe of this run.
    pub foreign: u64,
    /// Candidates that answer a slot's earlier probe.
    pub stale: u64,
    /// Candidates with a wrong nonce.
    pub bad_nonce: u64,
    /// Candidates with a right short nonce and a wrong destination.
    pub bad_destination: u64,
    /// First replies within the timeout.
    pub valid: u64,
    /// First replies after the timeout.
    pub late: u64,
    /// Further replies.
    pub duplicate: u64,
    /// Replies handed over by the kernel.
    pub delivered: u64,
    /// Replies that found their ring full.
    pub ring_full: u64,
    /// Replies that went into the results.
    pub recorded: u64,
    /// Replies that the selection of records left out.
    pub filtered: u64,
    /// Replies dropped because a sink could not keep up.
    pub backlog: u64,
    /// Replies that could not be written.
    pub unwritten: u64,
}

/// What userspace knows of the replies that name no slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Matched, first, in time.
    pub valid: u64,
    /// Matched, first, late.
    pub late: u64,
    /// Not matched.
    pub foreign: u64,
}

impl Accounting {
    /// Takes over the kernel's counters. Replies without an index that the
    /// reader matched count as it says; those that found the ring full count as
    /// valid, for they came to a port of ours.
    pub fn read_kernel(&mut self, counters: &Counters, settled: Settled) {
        let get = |counter| counters.get(counter);
        let seen = settled.valid + settled.late + settled.foreign;
        let unseen = get(Counter::Unindexed).saturating_sub(seen);
        self.stamped = get(Counter::Stamped);
        self.candidates = get(Counter::Candidates);
        self.foreign = get(Counter::Foreign) + settled.foreign;
        self.stale = get(Counter::Stale);
        self.bad_nonce = get(Counter::BadNonce);
        self.bad_destination = get(Counter::BadDestination);
        self.valid = get(Counter::Valid) + settled.valid + unseen;
        self.late = get(Counter::Late) + settled.late;
        self.duplicate = get(Counter::Duplicate);
        self.delivered = get(Counter::Delivered).saturating_sub(settled.foreign);
        self.ring_full = get(Counter::RingFull);
        for &counter in Counter::ALL {
            if let Some(reason) = counter.name().strip_prefix("malformed_") {
                self.malformed.insert(reason.into(), get(counter));
            }
        }
    }

    /// The identities that do not hold, each as one line; none if all do.
    pub fn violations(&self) -> Vec<String> {
        let sum = |parts: &BTreeMap<String, u64>| parts.values().sum::<u64>();
        let checks = [
            (
                "planned = skipped + failed + stamped",
                self.planned,
                sum(&self.skipped) + sum(&self.failed) + self.stamped,
            ),
            (
                "stamped = dropped_after_stamp + sent",
                self.stamped,
                self.dropped_after_stamp + self.sent,
            ),
            (
                "sent = answered + late_only + unanswered",
                self.sent,
                self.answered + self.late_only + self.unanswered,
            ),
            (
                "candidates = malformed + foreign + stale + bad_nonce + bad_destination + valid + late + duplicate",
                self.candidates,
                sum(&self.malformed)
                    + self.foreign
                    + self.stale
                    + self.bad_nonce
                    + self.bad_destination
                    + self.valid
                    + self.late
                    + self.duplicate,
            ),
            (
                "valid + late + duplicate = delivered + ring_full",
                self.valid + self.late + self.duplicate,
                self.delivered + self.ring_full,
            ),
            (
                "delivered = recorded + filtered + backlog + unwritten",
                self.delivered,
                self.recorded + self.filtered + self.backlog + self.unwritten,
            ),
            ("answered = valid", self.answered, self.valid),
            ("late_only = late", self.late_only, self.late),
        ];
        checks
            .into_iter()
            .filter(|(_, left, right)| left != right)
            .map(|(identity, left, right)| format!("{identity}: {left} is not {right}"))
            .collect()
    }
}
