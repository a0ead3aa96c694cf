//! IP headers, with options (IPv4) and extension headers (IPv6).

use probe_common::Address;

use super::{
    Packet, Transport,
    checksum::{self, raw},
};

/// ICMP.
pub const ICMP: u8 = 1;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// ICMPv6.
pub const ICMPV6: u8 = 58;

/// What an IP header is made from. The addresses decide the version.
#[derive(Clone, Debug)]
pub struct Ip {
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Identification (IPv4).
    pub id: u16,
    /// Flags and fragment offset as they stand in the header (IPv4).
    pub fragment: u16,
    /// Options, whole words of 4 octets (IPv4).
    pub options: Vec<u8>,
    /// Extension headers (IPv6).
    pub extensions: Vec<Extension>,
}

impl Ip {
    /// A plain header with TTL 60.
    pub fn between(source: Address, destination: Address) -> Self {
        Self {
            source,
            destination,
            ttl: 60,
            tos: 0,
            id: 0x1234,
            fragment: 0,
            options: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// Whether this is version 6.
    pub fn is_v6(&self) -> bool {
        !self.source.is_v4()
    }

    /// The packet: headers, then the transport with its checksum.
    pub fn carrying(&self, mut transport: Transport) -> Packet {
        if let Some(place) = transport.checksum {
            let segment = transport.layers.concat();
            let sum = if place.pseudo_header {
                let (from, to) = (self.source, self.destination);
                checksum::transport(from, to, transport.protocol, &segment)
            } else {
                checksum::internet(&segment)
            };
            let field = transport.layers.iter_mut().flatten().skip(place.offset);
            for (octet, value) in field.zip(sum.to_be_bytes()) {
                *octet = value;
            }
        }
        let length: usize = transport.layers.iter().map(Vec::len).sum();
        let mut layers = if self.is_v6() {
            self.version_6(transport.protocol, length)
        } else {
            vec![self.version_4(transport.protocol, length)]
        };
        layers.extend(transport.layers);
        Packet(layers)
    }

    fn version_4(&self, protocol: u8, length: usize) -> Vec<u8> {
        let own = 20 + self.options.len();
        let mut header = vec![0x40 | (own / 4) as u8, self.tos];
        header.extend(((own + length) as u16).to_be_bytes());
        header.extend(self.id.to_be_bytes());
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.ttl, protocol, 0, 0]);
        header.extend(raw(self.source));
        header.extend(raw(self.destination));
        header.extend(&self.options);
        let sum = checksum::internet(&header).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
        header
    }

    fn version_6(&self, protocol: u8, length: usize) -> Vec<Vec<u8>> {
        let mut next: Vec<u8> = self.extensions.iter().map(|e| e.number).collect();
        next.push(protocol);
        let mut behind: Vec<Vec<u8>> = Vec::new();
        for (extension, next) in self.extensions.iter().zip(next.iter().skip(1)) {
            behind.push([&[*next], &extension.octets[..]].concat());
        }
        let payload = behind.iter().map(Vec::len).sum::<usize>() + length;
        let mut header = vec![0x60 | self.tos >> 4, self.tos << 4, 0, 0];
        header.extend((payload as u16).to_be_bytes());
        header.extend([next[0], self.ttl]);
        header.extend(raw(self.source));
        header.extend(raw(self.destination));
        let mut layers = vec![header];
        layers.extend(behind);
        layers
    }
}

/// An IPv6 extension header.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Protocol number of the header itself.
    pub number: u8,
    /// All octets but the first, which names what follows.
    pub octets: Vec<u8>,
}

impl Extension {
    /// Hop-by-Hop Options of 8 × (1 + `more`) octets.
    pub fn hop_by_hop(more: u8) -> Self {
        Self::options(0, more)
    }

    /// Destination Options of 8 × (1 + `more`) octets.
    pub fn destination(more: u8) -> Self {
        Self::options(60, more)
    }

    /// A Routing header of 8 × (1 + `more`) octets with no segments left.
    pub fn routing(more: u8) -> Self {
        let mut octets = vec![more, 4, 0, 0, 0, 0, 0];
        octets.resize(7 + 8 * usize::from(more), 0);
        Self { number: 43, octets }
    }

    /// A Fragment header; `offset` in octets, a multiple of 8.
    pub fn fragment(offset: u16, more: bool) -> Self {
        let [high, low] = (offset | u16::from(more)).to_be_bytes();
        Self {
            number: 44,
            octets: vec![0, high, low, 0xde, 0xad, 0xbe, 0xef],
        }
    }

    /// An Authentication header of 4 × (2 + `words`) octets (RFC 4302).
    pub fn authentication(words: u8) -> Self {
        let mut octets = vec![words];
        octets.resize(4 * (usize::from(words) + 2) - 1, 0);
        Self { number: 51, octets }
    }

    /// A header that says 8 × (1 + `claimed`) octets and has 8.
    pub fn hostile(number: u8, claimed: u8) -> Self {
        Self {
            number,
            octets: vec![claimed, 0, 0, 0, 0, 0, 0],
        }
    }

    /// Padded by one PadN option and Pad1 (RFC 8200 section 4.2).
    fn options(number: u8, more: u8) -> Self {
        let mut octets = vec![more, 1, 4, 0, 0, 0, 0];
        octets.resize(7 + 8 * usize::from(more), 0);
        Self { number, octets }
    }
}
