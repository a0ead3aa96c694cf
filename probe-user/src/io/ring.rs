//! Rings of events, one for each CPU, read by one reader.

#![expect(unsafe_code, reason = "tokio asks for a promise about a descriptor")]

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use aya::maps::{MapData, RingBuf};
use probe_common::abi::Event;
use rustix::event::epoll;
use tokio::io::{Interest, unix::AsyncFd};

/// Events taken from a ring before the next has its turn.
const TURN: usize = 1024;

/// A ring buffer as epoll wants it.
struct Ring(RingBuf<MapData>);

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// All rings of a run.
pub struct Rings {
    rings: Vec<Ring>,
    /// Becomes readable when any ring has events.
    poller: AsyncFd<OwnedFd>,
    misread: u64,
}

impl Rings {
    /// Takes over the rings; needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the kernel has no descriptor left.
    pub(crate) fn new(rings: Vec<RingBuf<MapData>>) -> io::Result<Self> {
        let rings: Vec<Ring> = rings.into_iter().map(Ring).collect();
        let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, ring) in rings.iter().enumerate() {
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poller, ring, data, epoll::EventFlags::IN)?;
        }
        // SAFETY: an `OwnedFd` is open, and the same, as long as it lives.
        let poller = unsafe { AsyncFd::register_with_interest(poller, Interest::READABLE) };
        Ok(Self {
            rings,
            poller: poller.map_err(io::Error::from)?,
            misread: 0,
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
    pub fn drain(&mut self, mut handle: impl FnMut(&Event)) {
        loop {
            let mut any = false;
            for Ring(ring) in &mut self.rings {
                for _ in 0..TURN {
                    let Some(item) = ring.next() else {
                        break;
                    };
                    any = true;
                    match bytemuck::try_pod_read_unaligned::<Event>(&item) {
                        Ok(event) => handle(&event),
                        Err(_) => self.misread += 1,
                    }
                }
            }
            if !any {
                return;
            }
        }
    }

    /// Records of another size than an event: an object of another version.
    pub fn misread(&self) -> u64 {
        self.misread
    }
}
