//! Ports that runs can own, and connection tracking that interferes with TCP.

use std::fs;

use super::Check;
use crate::io::ports;

/// Ports of a run with some flows and millions of slots.
const PORTS_OF_A_RUN: u32 = 128;

/// Runs that should find room at a time.
const RUNS: usize = 8;

pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![room()];
    checks.extend(connection_tracking());
    checks
}

fn room() -> Check {
    let name = "ports";
    let remedy = "narrow net.ipv4.ip_local_port_range, or set ports aside with \
                  net.ipv4.ip_local_reserved_ports";
    match ports::free_ranges(PORTS_OF_A_RUN) {
        Ok(0) => Check::failure(
            name,
            format!("no {PORTS_OF_A_RUN} ports in a row are free outside of the ephemeral range"),
            remedy,
        ),
        Ok(ranges) => {
            let finding = format!("room for {ranges} runs of {PORTS_OF_A_RUN} ports");
            match ranges {
                RUNS.. => Check::ok(name, finding),
                _ => Check::warning(name, finding, remedy),
            }
        }
        Err(error) => Check::error(name, &error),
    }
}

/// A SYN from a packet socket is unknown to connection tracking, so the SYN-ACK is
/// INVALID; a rule that drops it keeps the kernel from answering with RST.
fn connection_tracking() -> Option<Check> {
    let count = fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count").ok()?;
    let count: u64 = count.trim().parse().ok()?;
    (count > 0).then(|| {
        Check::warning(
            "connection tracking",
            format!("active ({count} connections): a rule that drops INVALID packets also drops SYN-ACKs to TCP probes, and targets keep half-open connections"),
            "look for `ct state invalid drop` in `nft list ruleset`; for TCP probes use --tcp-flags ack",
        )
    })
}
