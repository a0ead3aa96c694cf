//! A probe, as far as it decides the answer.

use crate::{Address, wire::ip::protocol};

/// What a probe asks of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An ICMP or ICMPv6 echo request.
    Echo,
    /// A datagram; all ports are closed.
    Udp,
    /// A SYN to this port.
    Syn(u16),
    /// An ACK that belongs to no connection.
    Ack,
}

/// A probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Destination.
    pub destination: Address,
    /// Its flow, see [`flow_of`].
    pub flow: u32,
    /// TTL or hop limit as it left the prober.
    pub ttl: u8,
    /// What it asks.
    pub request: Request,
}

/// What load balancers tell flows by: as a Linux router does by default where it
/// hashes layer 4 (`fib_multipath_hash_policy` 1), addresses, protocol and ports; of
/// ICMP, which has no ports, addresses alone.
#[inline(always)]
pub const fn flow_of(source: Address, destination: Address, protocol: u8, ports: [u16; 2]) -> u32 {
    let [first, second] = match protocol {
        protocol::TCP | protocol::UDP => ports,
        _ => [0, 0],
    };
    let ports = (first as u32) << 16 | second as u32;
    let sides = source.hash().rotate_left(16) ^ destination.hash();
    let x = (sides as u64) << 32 | (ports ^ protocol as u32) as u64;
    let x = (x ^ (x >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (x >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_part_of_a_flow_where_there_are_ports() {
        let [us, them] = [[192, 0, 2, 1], [10, 0, 0, 1]].map(Address::from_v4);
        let of = |protocol, ports| flow_of(us, them, protocol, ports);
        for with_ports in [protocol::UDP, protocol::TCP] {
            assert_ne!(of(with_ports, [1, 2]), of(with_ports, [2, 2]));
            assert_ne!(of(with_ports, [1, 2]), of(with_ports, [1, 3]));
        }
        assert_eq!(of(protocol::ICMP, [1, 2]), of(protocol::ICMP, [3, 4]));
        assert_ne!(flow_of(them, us, 6, [1, 2]), flow_of(us, them, 6, [1, 2]));
    }
}
