//! The probe that a plan, a way and a (TTL, flow) ask for.

use probe_common::{
    Address,
    abi::Protocol,
    identity::{Nonce, Ports},
    probe::Probe,
};

use crate::engine::plan::ProbeOptions;

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) source: Address,
    pub(super) destination: Address,
}

/// The probe, but for what its slot gives it.
pub(super) fn probe(options: &ProbeOptions, ports: Ports, ends: Ends, ttl: u8, flow: u16) -> Probe {
    let hash = ends.destination.hash();
    Probe {
        protocol: options.protocol,
        source: ends.source,
        destination: ends.destination,
        ttl,
        tos: options.tos,
        flow_label: flow_label(hash, flow),
        port: ports.port(flow, ports.shard(hash)),
        destination_port: match options.protocol {
            Protocol::Icmp => 0,
            Protocol::Udp | Protocol::Tcp => options.port,
        },
        seq16: 0,
        nonce: Nonce(0),
        ack: options.tcp_ack,
    }
}

/// A label of 20 bits, constant for a flow and not 0 (RFC 6437 section 3).
fn flow_label(destination_hash: u32, flow: u16) -> u32 {
    let label = (destination_hash ^ u32::from(flow).wrapping_mul(0x9e37_79b1)) & 0xf_ffff;
    label.max(1)
}
