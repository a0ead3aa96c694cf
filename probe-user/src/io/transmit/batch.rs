//! A queue of frames in front of the sockets.

use std::io;

use super::{
    frame::{Frame, Route},
    socket::{BATCH, Socket},
};
use crate::error::{Error, Result};

/// What the kernel said to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Taken. Whether it left, the stamp says.
    Taken,
    /// Refused, with this errno.
    Refused(i32),
}

/// Sends frames by the socket that each needs, in order.
#[derive(Debug)]
pub struct Transmitter {
    packet: Socket,
    raw_v4: Socket,
    /// Absent where the host has no IPv6.
    raw_v6: Option<Socket>,
}

impl Transmitter {
    /// Opens the sockets, all with `mark`.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] without CAP_NET_RAW and CAP_NET_ADMIN.
    pub fn open(mark: u32) -> Result<Self> {
        let refused = |what: &str, error: &io::Error| {
            Error::Environment(format!(
                "cannot open {what}: {error}; it needs CAP_NET_RAW and CAP_NET_ADMIN (run with sudo)"
            ))
        };
        Ok(Self {
            packet: Socket::packet(mark).map_err(|e| refused("a packet socket", &e))?,
            raw_v4: Socket::raw(false, mark).map_err(|e| refused("a raw socket", &e))?,
            raw_v6: Socket::raw(true, mark).ok(),
        })
    }

    /// Sends frames in order; `report` hears of each by its place, and says whether
    /// it is settled: at one that is not, sending ends. Returns how many are settled.
    pub fn send(&self, frames: &[Frame], mut report: impl FnMut(usize, Sent) -> bool) -> usize {
        let mut done = 0;
        while let Some(first) = frames.get(done) {
            let run = frames
                .iter()
                .skip(done)
                .take(BATCH)
                .take_while(|frame| self.socket_number(frame) == self.socket_number(first))
                .count();
            let batch = frames.get(done..done + run).unwrap_or_default();
            match self.socket(first).map(|socket| socket.send(batch)) {
                // A frame refused behind others that were taken is tried again as
                // the first, which tells why. Its stamp counts once.
                Some(Ok(taken)) if taken > 0 => {
                    for place in done..done + taken {
                        report(place, Sent::Taken);
                    }
                    done += taken;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EIO);
                    if !report(done, Sent::Refused(errno)) {
                        return done;
                    }
                    done += 1;
                }
                Some(Ok(_)) | None => {
                    report(done, Sent::Refused(libc::EAFNOSUPPORT));
                    done += 1;
                }
            }
        }
        done
    }

    fn socket(&self, frame: &Frame) -> Option<&Socket> {
        match self.socket_number(frame) {
            0 => Some(&self.packet),
            4 => Some(&self.raw_v4),
            _ => self.raw_v6.as_ref(),
        }
    }

    fn socket_number(&self, frame: &Frame) -> u8 {
        match frame.route {
            Route::Packet { .. } => 0,
            Route::Raw(address) if address.is_v4() => 4,
            Route::Raw(_) => 6,
        }
    }
}
