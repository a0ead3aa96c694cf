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
    mark: u32,
    /// Frames come in large numbers.
    in_bulk: bool,
    /// One for each interface that frames have left by.
    packet: Vec<(u32, Socket)>,
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
            mark,
            in_bulk: false,
            packet: Vec::new(),
            raw_v4: Socket::raw(false, mark).map_err(|e| refused("a raw socket", &e))?,
            raw_v6: Socket::raw(true, mark).ok(),
        })
    }

    /// For frames in large numbers: by transmit rings, where the kernel has them.
    pub fn in_bulk(self) -> Self {
        Self {
            in_bulk: true,
            ..self
        }
    }

    /// Sends frames in order; `report` hears of each by its place, and says whether
    /// it is settled: at one that is not, sending ends. Returns how many are settled.
    pub fn send(&mut self, frames: &[Frame], mut report: impl FnMut(usize, Sent) -> bool) -> usize {
        let mut done = 0;
        while let Some(first) = frames.get(done) {
            let run = frames
                .iter()
                .skip(done)
                .take(BATCH)
                .take_while(|frame| frame.route.shares_socket(first.route))
                .count();
            let batch = frames.get(done..done + run).unwrap_or_default();
            let sent = self.socket(first).and_then(|socket| match socket {
                Some(socket) => socket.send(batch),
                None => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
            });
            match sent {
                // A frame refused behind others that were taken is tried again as
                // the first, which tells why. Its stamp counts once.
                Ok(taken) if taken > 0 => {
                    for place in done..done + taken {
                        report(place, Sent::Taken);
                    }
                    done += taken;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EIO);
                    if !report(done, Sent::Refused(errno)) {
                        return done;
                    }
                    done += 1;
                }
                Ok(_) => {
                    report(done, Sent::Refused(libc::EIO));
                    done += 1;
                }
            }
        }
        done
    }

    /// The socket for a frame; none where the host lacks the IP version.
    fn socket(&mut self, frame: &Frame) -> io::Result<Option<&mut Socket>> {
        let ifindex = match frame.route {
            Route::Packet { ifindex } => ifindex,
            Route::Raw(address) if address.is_v4() => return Ok(Some(&mut self.raw_v4)),
            Route::Raw(_) => return Ok(self.raw_v6.as_mut()),
        };
        let known = self.packet.iter().position(|(index, _)| *index == ifindex);
        let place = match known {
            Some(place) => place,
            None => {
                let socket = self.open_packet(ifindex)?;
                self.packet.push((ifindex, socket));
                self.packet.len() - 1
            }
        };
        Ok(self.packet.get_mut(place).map(|(_, socket)| socket))
    }

    fn open_packet(&self, ifindex: u32) -> io::Result<Socket> {
        if self.in_bulk
            && let Ok(socket) = Socket::ringed(self.mark, ifindex)
        {
            return Ok(socket);
        }
        Socket::packet(self.mark, ifindex)
    }
}
