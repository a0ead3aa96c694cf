//! The three kinds of sockets, and `sendmmsg`.

#![expect(unsafe_code, reason = "socket calls that the standard library lacks")]

use std::{
    io,
    mem::{size_of, zeroed},
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use super::{
    frame::{Frame, Route},
    ring::Ring,
};

/// Most frames in one call.
pub(super) const BATCH: usize = 128;

/// Bytes asked for the send buffer: a batch never waits for the one before.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// A socket that sends whole packets.
#[derive(Debug)]
pub(super) struct Socket {
    ring: Option<Ring>,
    fd: OwnedFd,
}

impl Socket {
    /// AF_PACKET, for frames with an Ethernet header that leave by one interface: the
    /// kernel need not look it up for each. Protocol 0: it receives nothing.
    pub(super) fn packet(mark: u32, ifindex: u32) -> io::Result<Self> {
        let socket = Self::open(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
        socket.prepare(mark)?;
        socket.bind(ifindex)?;
        Ok(socket)
    }

    /// The same with a transmit ring.
    pub(super) fn ringed(mark: u32, ifindex: u32) -> io::Result<Self> {
        let mut socket = Self::packet(mark, ifindex)?;
        socket.ring = Some(Ring::new(socket.fd.as_fd(), ifindex)?);
        Ok(socket)
    }

    /// Raw IP with the header included. Protocol 255: no ICMP error finds it.
    pub(super) fn raw(v6: bool, mark: u32) -> io::Result<Self> {
        let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
        let socket = Self::open(family, libc::SOCK_RAW, libc::IPPROTO_RAW)?;
        socket.prepare(mark)?;
        // Without this the kernel hides that the qdisc dropped a packet.
        if v6 {
            socket.set(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
        } else {
            socket.set(libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
        }
        Ok(socket)
    }

    /// Sends frames in order; returns how many the kernel took before the first
    /// that it refused. An error speaks of the first frame.
    pub(super) fn send(&mut self, frames: &[Frame]) -> io::Result<usize> {
        let frames = frames.get(..frames.len().min(BATCH)).unwrap_or(frames);
        match &mut self.ring {
            Some(ring) => ring.send(self.fd.as_fd(), frames),
            None => self.send_messages(frames),
        }
    }

    fn send_messages(&self, frames: &[Frame]) -> io::Result<usize> {
        let mut names: Vec<Name> = frames.iter().map(|f| Name::of(f.route)).collect();
        let mut parts: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec {
                iov_base: frame.bytes().as_ptr().cast_mut().cast(),
                iov_len: frame.bytes().len(),
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = names
            .iter_mut()
            .zip(&mut parts)
            .map(|(name, part)| name.message(part))
            .collect();
        // SAFETY: names, parts and frames outlive the call; the kernel only
        // reads through `iov_base`.
        let sent = unsafe {
            libc::sendmmsg(
                self.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                messages.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    fn bind(&self, ifindex: u32) -> io::Result<()> {
        // SAFETY: all zeros is a valid value of this plain struct.
        let mut name: libc::sockaddr_ll = unsafe { zeroed() };
        name.sll_family = libc::AF_PACKET as u16;
        name.sll_ifindex = ifindex as i32;
        // SAFETY: the pointer is to a struct of the length given.
        let result = unsafe {
            libc::bind(
                self.fd.as_raw_fd(),
                (&raw const name).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    fn open(family: i32, kind: i32, protocol: i32) -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked.
        let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor just made, owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { ring: None, fd })
    }

    fn prepare(&self, mark: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_MARK, mark as libc::c_int)?;
        self.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SEND_BUFFER)
    }

    fn set(&self, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
        set_option(self.fd.as_fd(), level, option, &value)
    }
}

/// Sets an option whose value is a plain struct of the kernel's.
pub(super) fn set_option<T: Copy>(
    socket: BorrowedFd<'_>,
    level: i32,
    option: i32,
    value: &T,
) -> io::Result<()> {
    // SAFETY: the pointer is to a value of the length given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Where a packet goes that does not say so itself.
enum Name {
    /// The interface that the socket is bound to.
    Bound,
    V4(libc::sockaddr_in),
    V6(libc::sockaddr_in6),
}

impl Name {
    fn of(route: Route) -> Self {
        match route {
            Route::Packet { .. } => Self::Bound,
            Route::Raw(address) => match address.v4() {
                Some(octets) => {
                    // SAFETY: all zeros is a valid value of this plain struct.
                    let mut name: libc::sockaddr_in = unsafe { zeroed() };
                    name.sin_family = libc::AF_INET as u16;
                    name.sin_addr.s_addr = u32::from_ne_bytes(octets);
                    Self::V4(name)
                }
                None => {
                    // SAFETY: as above.
                    let mut name: libc::sockaddr_in6 = unsafe { zeroed() };
                    name.sin6_family = libc::AF_INET6 as u16;
                    name.sin6_addr.s6_addr = address.octets();
                    Self::V6(name)
                }
            },
        }
    }

    fn message(&mut self, part: &mut libc::iovec) -> libc::mmsghdr {
        let (name, length) = match self {
            Self::Bound => (std::ptr::null_mut(), 0),
            Self::V4(name) => ((&raw mut *name).cast(), size_of::<libc::sockaddr_in>()),
            Self::V6(name) => ((&raw mut *name).cast(), size_of::<libc::sockaddr_in6>()),
        };
        // SAFETY: all zeros is a valid value of this plain struct.
        let mut message: libc::mmsghdr = unsafe { zeroed() };
        message.msg_hdr.msg_name = name;
        message.msg_hdr.msg_namelen = length as libc::socklen_t;
        message.msg_hdr.msg_iov = part;
        message.msg_hdr.msg_iovlen = 1;
        message
    }
}
