//! The probe that a plan, a way and a (TTL, flow) ask for.

use probe_common::{
    Address,
    identity::Ports,
    probe::{Probe, Shape},
};

use crate::engine::plan::ProbeOptions;

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) source: Address,
    pub(super) destination: Address,
}

/// What all probes of a plan have in common.
pub(super) fn shape(options: &ProbeOptions) -> Shape {
    Shape {
        protocol: options.protocol,
        port: options.port,
        tos: options.tos,
        ack: options.tcp_ack,
        flow_label: options.flow_label,
    }
}

/// The probe, but for what its slot gives it.
pub(super) fn probe(options: &ProbeOptions, ports: Ports, ends: Ends, ttl: u8, flow: u16) -> Probe {
    shape(options).probe(ports, ends.source, ends.destination, ttl, flow)
}
