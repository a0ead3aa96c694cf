//! Rings of events, one for each CPU: read all by one loop, or each by a thread.

#![expect(unsafe_code, reason = "tokio asks for a promise about a descriptor")]

mod mapping;

use std::{io, os::fd::OwnedFd, time::Duration};

use self::mapping::MappedRing;
use probe_common::abi::{Event, Excerpt};
use rustix::event::{Timespec, epoll};
use tokio::io::{Interest, unix::AsyncFd};

/// Events taken from a ring before the next has its turn.
const TURN: usize = 1024;

/// Rings that nobody reads yet.
pub struct RingSet(Vec<MappedRing>);

impl RingSet {
    /// Takes over the rings of `bytes` bytes, one for each CPU.
    ///
    /// # Errors
    ///
    /// If the kernel refuses to map them.
    pub(crate) fn new(rings: Vec<OwnedFd>, bytes: u32) -> io::Result<Self> {
        let mapped = rings
            .into_iter()
            .map(|ring| MappedRing::new(ring, bytes as usize));
        Ok(Self(mapped.collect::<io::Result<_>>()?))
    }

    /// A reader for each ring.
    ///
    /// # Errors
    ///
    /// If the kernel has no descriptor left.
    pub fn readers(self) -> io::Result<Vec<RingReader>> {
        self.0.into_iter().map(RingReader::new).collect()
    }
}

/// One ring and a thread that may wait for it.
pub struct RingReader {
    ring: MappedRing,
    poller: OwnedFd,
}

impl RingReader {
    fn new(ring: MappedRing) -> io::Result<Self> {
        let poller = poller(std::slice::from_ref(&ring))?;
        Ok(Self { ring, poller })
    }

    /// Hands at most `most` events that wait to `handle`; returns how many.
    pub fn drain(&mut self, most: usize, handle: impl FnMut(&Event, Option<&Excerpt>)) -> usize {
        self.ring.drain(most, handle)
    }

    /// Waits until the ring has events, at most so long.
    pub fn wait(&self, longest: Duration) {
        let mut ready = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }];
        let timeout = Timespec::try_from(longest).ok();
        // Interrupted by a signal: the caller looks, and waits again.
        let _ = epoll::wait(&self.poller, &mut ready, timeout.as_ref());
    }

    /// Records of another size than an event: an object of another version.
    pub fn misread(&self) -> u64 {
        self.ring.misread()
    }
}

/// A descriptor that becomes readable when any of the rings has events.
fn poller(rings: &[MappedRing]) -> io::Result<OwnedFd> {
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (number, ring) in rings.iter().enumerate() {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&poller, ring, data, epoll::EventFlags::IN)?;
    }
    Ok(poller)
}

/// All rings of a run.
pub struct Rings {
    rings: Vec<MappedRing>,
    /// Becomes readable when any ring has events.
    poller: AsyncFd<OwnedFd>,
}

impl Rings {
    /// Reads all of them; needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the kernel has no descriptor left.
    pub fn new(rings: RingSet) -> io::Result<Self> {
        let RingSet(rings) = rings;
        let poller = poller(&rings)?;
        // SAFETY: an `OwnedFd` is open, and the same, as long as it lives.
        let poller = unsafe { AsyncFd::register_with_interest(poller, Interest::READABLE) };
        Ok(Self {
            rings,
            poller: poller.map_err(io::Error::from)?,
        })
    }

    /// Waits until a ring has events. To be followed by [`Self::drain`].
    ///
    /// # Errors
    ///
    /// If the runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        // Cleared before the rings are drained: what comes later wakes again.
        self.poller.readable().await?.clear_ready();
        Ok(())
    }

    /// Hands all events that wait to `handle`, ring by ring in turns.
    pub fn drain(&mut self, mut handle: impl FnMut(&Event, Option<&Excerpt>)) {
        loop {
            let mut any = false;
            for ring in &mut self.rings {
                any |= ring.drain(TURN, &mut handle) > 0;
            }
            if !any {
                return;
            }
        }
    }

    /// Records of another size than an event: an object of another version.
    pub fn misread(&self) -> u64 {
        self.rings.iter().map(MappedRing::misread).sum()
    }
}
