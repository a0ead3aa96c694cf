//! A probe as an ICMP error quotes it, and what routers and middle boxes do to
//! it before.

use probe_common::Address;

use super::{
    Layers,
    checksum::{self, raw},
    ip::{Extension, ICMP, ICMPV6, UDP},
};

/// A quoted probe. Changes to the header come first, [`Quote::keep`] and padding last.
#[derive(Clone, Debug)]
pub struct Quote {
    header: Vec<u8>,
    transport: Vec<u8>,
}

impl Quote {
    /// The whole probe, an IP packet without options or extension headers.
    pub fn of(probe: &[u8]) -> Self {
        let v6 = probe.first().is_some_and(|first| first >> 4 == 6);
        let (header, transport) = probe.split_at(if v6 { 40 } else { 20 }.min(probe.len()));
        Self {
            header: header.to_vec(),
            transport: transport.to_vec(),
        }
    }

    /// The TTL that the quoting router saw.
    #[must_use]
    pub fn ttl(mut self, ttl: u8) -> Self {
        let place = if self.is_v6() { 7 } else { 8 };
        self.header[place] = ttl;
        self.sealed()
    }

    /// TOS or traffic class, re-marked on the way.
    #[must_use]
    pub fn tos(mut self, tos: u8) -> Self {
        if self.is_v6() {
            self.header[0] = 0x60 | tos >> 4;
            self.header[1] = tos << 4 | self.header[1] & 0x0f;
        } else {
            self.header[1] = tos;
        }
        self.sealed()
    }

    /// The IPv4 identification, rewritten.
    #[must_use]
    pub fn id(mut self, id: u16) -> Self {
        self.header[4..6].copy_from_slice(&id.to_be_bytes());
        self.sealed()
    }

    /// The IPv4 header's checksum, left wrong by whoever changed the header; to be
    /// called last of what changes it.
    #[must_use]
    pub fn header_sum(mut self, sum: u16) -> Self {
        if !self.is_v6() {
            self.header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        self
    }

    /// The length as the IP header states it, rewritten (some hosts quote it in
    /// host order or less the header).
    #[must_use]
    pub fn stated_length(mut self, length: u16) -> Self {
        let place = if self.is_v6() { 4 } else { 2 };
        self.header[place..place + 2].copy_from_slice(&length.to_be_bytes());
        self.sealed()
    }

    /// A source rewritten by one who leaves the transport checksum as it was.
    #[must_use]
    pub fn source(mut self, address: Address) -> Self {
        let place = if self.is_v6() { 8..24 } else { 12..16 };
        self.header[place].copy_from_slice(&raw(address));
        self.sealed()
    }

    /// A destination rewritten by one who leaves the transport checksum as it was.
    #[must_use]
    pub fn destination(mut self, address: Address) -> Self {
        let place = if self.is_v6() { 24..40 } else { 16..20 };
        self.header[place].copy_from_slice(&raw(address));
        self.sealed()
    }

    /// A source and source port (or identifier) rewritten by a NAT, which mends
    /// the checksum of UDP; the packet must still be whole.
    #[must_use]
    pub fn translated(self, source: Address, port: u16) -> Self {
        let mut quote = self.source(source);
        let place = match quote.protocol() {
            ICMP | ICMPV6 => 4..6,
            _ => 0..2,
        };
        quote.transport[place].copy_from_slice(&port.to_be_bytes());
        quote.summed(source)
    }

    /// A source rewritten by a NAT that keeps the port, and mends the checksum of UDP;
    /// the packet must still be whole.
    #[must_use]
    pub fn summed_for(self, source: Address) -> Self {
        self.source(source).summed(source)
    }

    /// Sets `octets` from `offset` of the transport header on.
    #[must_use]
    pub fn patched(mut self, offset: usize, octets: &[u8]) -> Self {
        for (place, octet) in self.transport.iter_mut().skip(offset).zip(octets) {
            *place = *octet;
        }
        self
    }

    /// IPv4 options put in on the way.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        self.header.extend(options);
        self.header[0] = 0x40 | (self.header.len() / 4) as u8;
        let length = (self.header.len() + self.transport.len()) as u16;
        self.stated_length(length)
    }

    /// An IPv6 extension header put in on the way; of several, the last comes first.
    #[must_use]
    pub fn extension(mut self, extension: &Extension) -> Self {
        let follows = std::mem::replace(&mut self.header[6], extension.number);
        let header = [&[follows][..], &extension.octets].concat();
        self.header.splice(40..40, header);
        let length = (self.header.len() - 40 + self.transport.len()) as u16;
        self.stated_length(length)
    }

    /// Keeps `octets` of what follows the IP header.
    #[must_use]
    pub fn keep(mut self, octets: usize) -> Self {
        self.transport.truncate(octets);
        self
    }

    /// Cuts the whole quote, header included, to `octets`, or pads it with zeros
    /// up to there.
    #[must_use]
    pub fn resized(mut self, octets: usize) -> Self {
        self.header.truncate(octets);
        self.transport.resize(octets - self.header.len(), 0);
        self
    }

    /// Header and transport.
    pub fn layers(&self) -> Layers {
        vec![self.header.clone(), self.transport.clone()]
    }

    fn is_v6(&self) -> bool {
        self.header.len() >= 40 && self.header[0] >> 4 == 6
    }

    /// With an IPv4 header checksum that fits.
    fn sealed(mut self) -> Self {
        if !self.is_v6() {
            self.header[10..12].fill(0);
            let sum = checksum::internet(&self.header).to_be_bytes();
            self.header[10..12].copy_from_slice(&sum);
        }
        self
    }

    fn protocol(&self) -> u8 {
        self.header[if self.is_v6() { 6 } else { 9 }]
    }

    fn destination_address(&self) -> Address {
        if self.is_v6() {
            let mut octets = [0; 16];
            octets.copy_from_slice(&self.header[24..40]);
            Address::from_v6(octets)
        } else {
            let mut octets = [0; 4];
            octets.copy_from_slice(&self.header[16..20]);
            Address::from_v4(octets)
        }
    }

    /// With a UDP checksum that fits.
    fn summed(mut self, source: Address) -> Self {
        if self.protocol() == UDP {
            self.transport[6..8].fill(0);
            let destination = self.destination_address();
            let sum = checksum::transport(source, destination, UDP, &self.transport);
            // Zero would say that there is none (RFC 768).
            let sum = if sum == 0 { 0xffff } else { sum };
            self.transport[6..8].copy_from_slice(&sum.to_be_bytes());
        }
        self
    }
}
