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
    /// Takes over the kernel's counters. Replies without an index count as the
    /// reader says; of those that found the ring full nobody can say what they
    /// answered, so they are foreign.
    pub fn read_kernel(&mut self, counters: &Counters, settled: Settled) {
        let get = |counter| counters.get(counter);
        let seen = settled.valid + settled.late + settled.foreign;
        let unseen = get(Counter::Unindexed).saturating_sub(seen);
        self.stamped = get(Counter::Stamped);
        self.candidates = get(Counter::Candidates);
        self.foreign = get(Counter::Foreign) + settled.foreign + unseen;
        self.stale = get(Counter::Stale);
        self.bad_nonce = get(Counter::BadNonce);
        self.bad_destination = get(Counter::BadDestination);
        self.valid = get(Counter::Valid) + settled.valid;
        self.late = get(Counter::Late) + settled.late;
        self.duplicate = get(Counter::Duplicate);
        self.delivered = get(Counter::Delivered).saturating_sub(settled.foreign);
        self.ring_full = get(Counter::RingFull).saturating_sub(unseen);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which everything happened, and nothing is missing.
    fn sound() -> Accounting {
        let reasons = |pairs: &[(&str, u64)]| {
            let pairs = pairs
                .iter()
                .map(|(reason, count)| ((*reason).into(), *count));
            pairs.collect::<BTreeMap<String, u64>>()
        };
        Accounting {
            planned: 100,
            skipped: reasons(&[("slots_busy", 3)]),
            failed: reasons(&[("ENOBUFS", 2), ("vanished", 1)]),
            stamped: 94,
            dropped_after_stamp: 4,
            sent: 90,
            answered: 70,
            late_only: 5,
            unanswered: 15,
            candidates: 101,
            malformed: reasons(&[("truncated", 1), ("header", 2)]),
            foreign: 6,
            stale: 4,
            bad_nonce: 3,
            bad_destination: 2,
            valid: 70,
            late: 5,
            duplicate: 8,
            delivered: 80,
            ring_full: 3,
            recorded: 75,
            filtered: 3,
            backlog: 1,
            unwritten: 1,
        }
    }

    #[test]
    fn a_sound_account_breaks_no_identity() {
        assert_eq!(sound().violations(), [""; 0]);
    }

    #[test]
    fn every_counter_that_is_one_off_breaks_an_identity() {
        let numbers = serde_json::to_value(sound()).expect("JSON");
        let numbers = numbers.as_object().expect("an object");
        for (name, value) in numbers {
            let mut off = numbers.clone();
            let changed = match value {
                serde_json::Value::Object(reasons) => {
                    let mut reasons = reasons.clone();
                    for count in reasons.values_mut() {
                        *count = (count.as_u64().expect("a count") + 1).into();
                    }
                    reasons.into()
                }
                count => (count.as_u64().expect("a count") + 1).into(),
            };
            off.insert(name.clone(), changed);
            let off: Accounting = serde_json::from_value(off.into()).expect("an account");
            let violations = off.violations();
            assert!(!violations.is_empty(), "{name} may be anything");
            let named = violations.iter().any(|line| line.contains(name.as_str()));
            assert!(named, "{name}: {violations:?}");
        }
    }

    #[test]
    fn replies_without_an_index_are_settled_by_the_reader() {
        let mut counters = Counters::ZERO;
        let mut set = |counter: Counter, count: u64| counters.0[counter as usize] = count;
        // Of 20 replies without an index, 3 found the ring full; of the other 17,
        // 10 answered a probe, 2 late, and 5 nothing.
        set(Counter::Stamped, 40);
        set(Counter::Candidates, 51);
        set(Counter::MalformedHeader, 1);
        set(Counter::Foreign, 2);
        set(Counter::Valid, 25);
        set(Counter::Late, 1);
        set(Counter::Duplicate, 2);
        set(Counter::Unindexed, 20);
        set(Counter::Delivered, 44);
        set(Counter::RingFull, 4);
        let settled = Settled {
            valid: 10,
            late: 2,
            foreign: 5,
        };
        let mut account = Accounting {
            planned: 40,
            sent: 40,
            answered: 35,
            late_only: 3,
            unanswered: 2,
            recorded: 39,
            ..Accounting::default()
        };
        account.read_kernel(&counters, settled);
        assert_eq!(account.violations(), [""; 0]);
        assert_eq!((account.valid, account.late, account.foreign), (35, 3, 10));
    }
}
