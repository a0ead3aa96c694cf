//! `probe trace` across real routers: what it says is what the network is.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

mod causes;
mod chains;
mod diamonds;
mod ends;
mod flow_labels;
mod limits;
mod output;
mod silence;
mod targets;
mod tcp;
mod tells;
mod tools;
mod udp;

/// The protocols, as arguments.
const PROTOCOLS: [&str; 3] = ["--icmp", "--udp", "--tcp"];

/// Waits no longer than the lab can take.
const SOON: [&str; 2] = ["--timeout", "500ms"];

/// Sends as fast as may be.
const FAST: [&str; 2] = ["--interval", "10ms"];
