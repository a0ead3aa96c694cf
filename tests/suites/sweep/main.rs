//! `probe sweep`: all probes of a plan, once each, counted and written.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

mod adaptive;
mod backlog;
mod ends;
mod generator;
mod internet;
mod output;
mod pace;
mod qdisc;
mod resume;
mod routers;
mod scope;
mod stack;
mod stamps;
mod status;
mod tcp;
mod tells;
mod uplinks;

use std::collections::BTreeMap;

use probe_tests::{
    lab::Family,
    probe::{Reply, Run},
};

/// The protocols, as arguments.
const PROTOCOLS: [&str; 3] = ["--icmp", "--udp", "--tcp"];

/// Both back ends with both families.
const BACK_ENDS: [(&str, Family); 4] = [
    ("raw", Family::V4),
    ("xdp", Family::V4),
    ("raw", Family::V6),
    ("xdp", Family::V6),
];

/// Waits no longer than the lab can take.
const SOON: [&str; 2] = ["--timeout", "300ms"];

/// How often each (target, TTL, round) is among the replies.
fn places(replies: &[Reply]) -> BTreeMap<(String, u8, u32), u32> {
    let mut places = BTreeMap::new();
    for reply in replies {
        let place = (reply.target.to_string(), reply.ttl, reply.round);
        *places.entry(place).or_default() += 1;
    }
    places
}

/// Everything that was sent was answered, and nothing else came. Late is what a host
/// that stalls calls its replies.
fn assert_clean(run: &Run) {
    let counters = run.counters().unwrap();
    assert_eq!(counters.sent, counters.answered(), "{counters:#?}");
    assert_eq!(counters.rejected(), 0, "{counters:#?}");
    assert_eq!(counters.duplicate, 0, "{counters:#?}");
}
