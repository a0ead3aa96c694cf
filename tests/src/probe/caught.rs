//! A probe caught on the wire, and whatever is to be said back.

use std::{net::IpAddr, ops::Range};

use anyhow::{Context as _, Result};
use probe_common::{
    Address, probe,
    wire::{SliceCursor, eth, ip},
};

use crate::packet::{Ip, Packet, Quote, Transport, ethernet, icmp};

/// Where the MAC addresses stand: destination, then source.
const MACS: [Range<usize>; 2] = [0..6, 6..12];

/// An Ethernet frame with a probe of any protocol.
#[derive(Clone, Debug)]
pub struct Caught {
    frame: Vec<u8>,
    /// Its IP header.
    header: ip::Header,
}

impl Caught {
    /// `None`: this is no probe.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let mut cursor = SliceCursor::new(frame);
        let v6 = match eth::read(&mut cursor)?.0 {
            eth::IPV4 => false,
            eth::IPV6 => true,
            _ => return None,
        };
        let (header, rest) = ip::read(cursor, v6).ok()?;
        probe::read(&header, rest).ok()??;
        let end = eth::LENGTH + usize::from(header.length);
        Some(Self {
            frame: frame.get(..end)?.to_vec(),
            header,
        })
    }

    /// Whether it is of IPv6.
    pub fn is_v6(&self) -> bool {
        self.header.v6
    }

    /// Who sent it.
    pub fn source(&self) -> Address {
        self.header.source
    }

    /// Whom it was sent to.
    pub fn destination(&self) -> Address {
        self.header.destination
    }

    /// Its identification (0 for IPv6).
    pub fn id(&self) -> u16 {
        self.header.id
    }

    /// Octets of its IP header.
    pub fn header_length(&self) -> usize {
        if self.is_v6() { 40 } else { 20 }
    }

    /// The probe as it came, with a TTL of 1, as it is quoted.
    pub fn quote(&self) -> Quote {
        Quote::of(&self.frame[eth::LENGTH..]).ttl(1)
    }

    /// A header from `responder` to its sender.
    pub fn header_from(&self, responder: IpAddr) -> Ip {
        let responder = match responder {
            IpAddr::V4(v4) => Address::from_v4(v4.octets()),
            IpAddr::V6(v6) => Address::from_v6(v6.octets()),
        };
        Ip::between(responder, self.source())
    }

    /// What says that its TTL was exceeded, with any quote.
    pub fn time_exceeded(&self, quote: &Quote) -> Transport {
        let kind = if self.is_v6() { 3 } else { 11 };
        icmp::error(self.is_v6(), kind, 0, [0; 4], quote.layers())
    }

    /// The frame that takes a packet back, with tags, the outermost first.
    ///
    /// # Errors
    ///
    /// If the frame has no MAC addresses.
    pub fn back(&self, tags: &[u16], packet: Packet) -> Result<Vec<u8>> {
        let mut frame = ethernet::tagged(tags, packet).octets();
        let [to, from] = MACS;
        for (place, value) in [(to.clone(), from.clone()), (from, to)] {
            let value = self.frame.get(value).context("no MAC addresses")?;
            let place = frame.get_mut(place).context("no MAC addresses")?;
            place.copy_from_slice(value);
        }
        Ok(frame)
    }
}
