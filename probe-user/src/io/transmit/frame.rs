//! A probe as it is handed to a socket.

use probe_common::{
    Address,
    probe::{MAX_LENGTH, Probe, Tail},
    wire::{Put as _, SlicePut, checksum::Sum, eth},
};

use crate::io::network::Link;

/// Most octets of a frame.
pub(super) const CAPACITY: usize = eth::LENGTH + MAX_LENGTH;

/// A frame (or packet, where there is no Ethernet header) and where it goes.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: [u8; CAPACITY],
    length: usize,
    /// Socket that takes it.
    pub(super) route: Route,
}

/// The socket that takes a frame, and what it must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// AF_PACKET, by this interface.
    Packet { ifindex: u32 },
    /// Raw IP, to this address.
    Raw(Address),
}

impl Route {
    /// Whether one socket takes the frames of both.
    pub(super) fn shares_socket(self, other: Self) -> bool {
        match (self, other) {
            (Self::Packet { ifindex }, Self::Packet { ifindex: other }) => ifindex == other,
            (Self::Raw(one), Self::Raw(other)) => one.is_v4() == other.is_v4(),
            _ => false,
        }
    }
}

/// The contact text of all probes, padded to an even length.
#[derive(Clone, Debug)]
pub struct Contact {
    text: Vec<u8>,
    tail: Tail,
}

impl Contact {
    /// Takes at most 64 octets of `text`.
    pub fn new(text: &str) -> Self {
        let mut text: Vec<u8> = text
            .bytes()
            .take(usize::from(probe_common::probe::MAX_TAIL))
            .collect();
        if text.len() % 2 == 1 {
            text.push(b' ');
        }
        let tail = Tail {
            length: text.len() as u16,
            sum: Sum::ZERO.add_bytes(&text),
        };
        Self { text, tail }
    }

    /// The octets.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Their length and sum.
    pub fn tail(&self) -> Tail {
        self.tail
    }
}

impl Frame {
    /// Room for a frame.
    pub const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
        length: 0,
        route: Route::Packet { ifindex: 0 },
    };

    /// Builds the frame of `probe`; `None` if its addresses are of two families.
    pub fn build(probe: &Probe, contact: &Contact, ifindex: u32, link: &Link) -> Option<Self> {
        let mut frame = Self::EMPTY;
        frame.rebuild(probe, contact, ifindex, link)?;
        Some(frame)
    }

    /// Builds it in the place of another.
    #[inline]
    pub fn rebuild(
        &mut self,
        probe: &Probe,
        contact: &Contact,
        ifindex: u32,
        link: &Link,
    ) -> Option<()> {
        let mut out = SlicePut(&mut self.bytes);
        let (start, route) = match *link {
            Link::Ethernet {
                source,
                destination,
            } => {
                let ethertype = if probe.is_v6() { eth::IPV6 } else { eth::IPV4 };
                out.put(0, eth::header(destination, source, ethertype))?;
                (eth::LENGTH, Route::Packet { ifindex })
            }
            Link::Kernel => (0, Route::Raw(probe.destination)),
        };
        let text_at = probe.emit(contact.tail, &mut out, start)?;
        self.length = start + usize::from(probe.length(contact.tail));
        self.route = route;
        let place = self.bytes.get_mut(text_at..self.length)?;
        place.copy_from_slice(contact.text.get(..place.len())?);
        Some(())
    }

    /// The octets.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// All of the room that the octets are the begin of.
    pub(super) fn room(&self) -> &[u8; CAPACITY] {
        &self.bytes
    }
}
