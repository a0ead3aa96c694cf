//! `probe ping`: latency and loss of real targets, and replies that are none.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

mod causes;
mod devices;
mod forged;
mod limits;
mod local;
mod long;
mod many;
mod pace;
mod prometheus;
mod qdisc;
mod refusals;
mod stamps;
mod statistics;
mod targets;
mod wires;

/// The protocols, as arguments.
const PROTOCOLS: [&str; 3] = ["--icmp", "--udp", "--tcp"];

/// Ten probes, quickly.
const TEN: [&str; 4] = ["--count", "10", "--interval", "10ms"];

/// Waits no longer than the lab can take.
const SOON: [&str; 2] = ["--timeout", "500ms"];
