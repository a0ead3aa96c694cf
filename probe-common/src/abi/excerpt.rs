//! What the kernel copies of a reply that goes on behind its quote.

use bytemuck::{Pod, Zeroable};

use super::Event;
use crate::wire::extension::{self, Extensions, Flaw, MAX_OCTETS};

/// Octets behind a quote (RFC 4884: an extension structure).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Excerpt {
    /// How many there were, up to the end of the IP packet. 0: none could be copied.
    pub length: u16,
    /// 1: the message states that they begin here; 0: they stand where older routers
    /// put extensions.
    pub stated: u16,
    /// Explicit padding.
    pub reserved: u32,
    /// The first of them; what lies behind `length` means nothing.
    pub octets: [u8; MAX_OCTETS],
}

impl Excerpt {
    /// The octets, if they are all here.
    pub fn whole(&self) -> Option<&[u8]> {
        self.octets.get(..usize::from(self.length))
    }

    /// Reads the extensions.
    ///
    /// # Errors
    ///
    /// If there are none, or not all of them are here.
    pub fn read(&self) -> Result<Extensions, Flaw> {
        let octets = self.whole().ok_or(Flaw::Length)?;
        extension::read(octets, self.stated != 0)
    }
}

/// The record of a reply that goes on behind its quote: the event, and in the same
/// piece what follows, so that neither is lost or found without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ExtendedEvent {
    /// As of any reply.
    pub event: Event,
    /// What stands behind the quote.
    pub excerpt: Excerpt,
}
