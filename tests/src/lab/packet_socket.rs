//! Packet sockets (packet(7)): whole frames, read from and written to one device.

#![expect(
    unsafe_code,
    reason = "no safe wrapper binds a packet socket or sets its options"
)]

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    mem::zeroed,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd},
    ptr,
};

use anyhow::{Context as _, Result};
use nix::{
    net::if_::if_nametoindex,
    sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt::RcvBufForce},
};

/// Octets of `struct virtio_net_hdr`, which precedes each frame of [`Frames::All`].
pub(crate) const VNET_HEADER: usize = 10;
/// Octets of the largest frame with the header before it.
pub(crate) const MAX_FRAME: usize = (1 << 16) + 64 + VNET_HEADER;
/// Most frames that one system call sends.
pub(crate) const BATCH: usize = 64;
/// Octets that may wait to be read: a second at the responder's highest rate.
const RECEIVE_BUFFER: usize = 1 << 26;

/// Which frames a socket reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frames {
    /// Every arriving frame, before anything else sees it. Each is preceded by what
    /// the kernel still has to do to it (checksum, segmentation), and so are frames
    /// to send: relayed as it is, a frame stays right.
    All,
    /// Arriving IPv4 packets, after TCX ingress programs.
    Ipv4,
    /// Arriving IPv6 packets, after TCX ingress programs.
    Ipv6,
    /// None: it only sends.
    Nothing,
}

/// A non-blocking socket on one device.
#[derive(Debug)]
pub(crate) struct PacketSocket(File);

impl PacketSocket {
    /// Opens a socket on a device of the calling thread's network namespace.
    pub(crate) fn open(device: &str, frames: Frames) -> Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)
            .context("cannot open a packet socket: the lab needs root")?;
        let index = if_nametoindex(device).with_context(|| format!("no device {device}"))?;
        setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER)?;
        let protocol = match frames {
            Frames::All => {
                set_packet_option(&socket, libc::PACKET_IGNORE_OUTGOING)?;
                set_packet_option(&socket, libc::PACKET_VNET_HDR)?;
                libc::ETH_P_ALL
            }
            Frames::Ipv4 => libc::ETH_P_IP,
            Frames::Ipv6 => libc::ETH_P_IPV6,
            Frames::Nothing => 0,
        };
        bind(&socket, index, protocol)
            .with_context(|| format!("cannot bind a packet socket to {device}"))?;
        Ok(Self(socket.into()))
    }

    /// Reads a frame into `buffer` and returns its length; `None` if none waits.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match (&self.0).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // Told once when the device goes down; it may come back.
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => Ok(None),
            Err(error) => Err(error).context("cannot read from a packet socket"),
        }
    }

    /// Sends a frame. What a device cannot take is lost, as on any wire.
    pub(crate) fn send(&self, frame: &[u8]) {
        let _ = (&self.0).write(frame);
    }

    /// Sends frames by one system call, at most [`BATCH`]; how many the kernel took.
    pub(crate) fn send_batch(&self, frames: &[Vec<u8>]) -> io::Result<usize> {
        let mut parts = [libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        }; BATCH];
        // SAFETY: all zeros is a valid value of this plain struct.
        let mut messages = [unsafe { zeroed::<libc::mmsghdr>() }; BATCH];
        let places = parts.iter_mut().zip(&mut messages);
        let mut count = 0;
        for (frame, (part, message)) in frames.iter().zip(places) {
            part.iov_base = frame.as_ptr().cast_mut().cast();
            part.iov_len = frame.len();
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            count += 1;
        }
        // SAFETY: `count` messages have been filled in; parts and frames outlive the
        // call, which only reads through `iov_base`.
        let sent = unsafe { libc::sendmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn bind(socket: &impl AsFd, index: u32, protocol: libc::c_int) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (protocol as u16).to_be(),
        sll_ifindex: index as libc::c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: the address is of the stated length and lives through the call, which
    // only reads it.
    let result = unsafe {
        libc::bind(
            socket.as_fd().as_raw_fd(),
            (&raw const address).cast(),
            size_of_val(&address) as libc::socklen_t,
        )
    };
    check(result)
}

/// Turns an option of `SOL_PACKET` on.
fn set_packet_option(socket: &impl AsFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the value is of the stated length and lives through the call, which
    // only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_PACKET,
            option,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
