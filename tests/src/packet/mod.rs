//! Packets for tests: a small builder for frames, IP headers with all that may
//! stand between them and the transport, and quotes with what happens to them on
//! the way.
//!
//! It shares no code with the project's own wire rules, so that a mistake there
//! does not hide behind the same mistake here.
//!
//! ```
//! use probe_common::Address;
//! use probe_tests::packet::{Ip, Quote, icmp};
//!
//! let [router, us] = [Address::from_v4([192, 0, 2, 1]), Address::from_v4([192, 0, 2, 2])];
//! let probe = Ip::between(us, router).carrying(icmp::message(false, 8, 0, [1, 0, 0, 7], b"text"));
//! let quote = Quote::of(&probe.octets()).ttl(1).keep(8);
//! let reply = Ip::between(router, us).carrying(icmp::error(false, 11, 0, [0; 4], quote.layers()));
//! assert_eq!(reply.octets().len(), 20 + 8 + 20 + 8);
//! ```

pub mod checksum;
pub mod ethernet;
pub mod icmp;
pub mod ip;
pub mod mutation;
pub mod quote;
pub mod tcp;
pub mod udp;

use std::fmt;

pub use ip::{Extension, Ip};
pub use quote::Quote;

/// Octets of a packet, layer by layer, the outermost first.
pub type Layers = Vec<Vec<u8>>;

/// A packet, layer by layer, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet(pub Layers);

impl Packet {
    /// All octets in a row.
    pub fn octets(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Adds octets behind the packet's end.
    #[must_use]
    pub fn followed_by(mut self, octets: &[u8]) -> Self {
        self.0.push(octets.to_vec());
        self
    }

    /// Overwrites octets from `offset` on, as far as the packet goes.
    #[must_use]
    pub fn patched(mut self, offset: usize, octets: &[u8]) -> Self {
        let places = self.0.iter_mut().flatten().skip(offset);
        for (place, octet) in places.zip(octets) {
            *place = *octet;
        }
        self
    }
}

/// Hexadecimal, a space between layers.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.0.iter().filter(|layer| !layer.is_empty());
        for (number, layer) in layers.enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            for octet in layer {
                write!(f, "{octet:02x}")?;
            }
        }
        Ok(())
    }
}

/// What stands behind an IP header.
#[derive(Clone, Debug)]
pub struct Transport {
    /// Protocol number.
    pub protocol: u8,
    /// Header, then what it carries.
    pub layers: Layers,
    /// Where the checksum stands, which the IP header completes.
    pub checksum: Option<Checksum>,
}

/// A transport checksum that is still to be computed.
#[derive(Clone, Copy, Debug)]
pub struct Checksum {
    /// Its place in the transport header.
    pub offset: usize,
    /// Whether it covers addresses, protocol and length.
    pub pseudo_header: bool,
}
