//! The probe that a plan, a way and a (TTL, flow) ask for.

use probe_common::{
    Address,
    identity::Ports,
    probe::{Probe, Shape, Tail},
};

use crate::{engine::plan::ProbeOptions, io::transmit::Contact};

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

/// The probe of this shape, but for what its slot gives it.
pub(super) fn probe(shape: Shape, ports: Ports, ends: Ends, ttl: u8, flow: u16) -> Probe {
    shape.probe(ports, ends.source, ends.destination, ttl, flow)
}

/// Octets of each probe to `destination`, IP header included.
pub(super) fn length(options: &ProbeOptions, destination: Address) -> u16 {
    let tail: Tail = Contact::new(&options.contact).tail();
    let ends = Ends {
        source: destination,
        destination,
    };
    probe(shape(options), Ports::new(1, 1, 0), ends, 1, 0).length(tail)
}
