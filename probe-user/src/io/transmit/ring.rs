//! A packet socket's transmit ring (`PACKET_TX_RING`, packet(7)): frames in memory that
//! the kernel reads, and one call for all of them, without a message header for each.

#![expect(unsafe_code, reason = "frames are written where the kernel reads them")]

use std::{
    io,
    mem::{offset_of, size_of, zeroed},
    os::fd::{AsRawFd as _, BorrowedFd},
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering},
};

use probe_common::probe::MAX_LENGTH;

use super::{
    frame::{CAPACITY, Frame},
    socket::set_option,
};

/// Frames that may be under way at once: what the kernel has not done with is in use.
const PLACES: usize = 1024;
/// Octets of a place: headers and frame.
const PLACE: usize = 256;
/// Octets that the kernel allocates together.
const BLOCK: usize = 1 << 16;
/// Where the packet begins in a place (`TPACKET2_HDRLEN` less the address).
const DATA: usize = libc::TPACKET2_HDRLEN - size_of::<libc::sockaddr_ll>();
/// Octets of `struct virtio_net_hdr`, which precedes a frame.
const VNET_HEADER: usize = 10;
/// Where it says how much of the frame is to be linear.
const LINEAR: usize = DATA + 2;
const FRAME: usize = DATA + VNET_HEADER;

const _: () = assert!(FRAME + CAPACITY <= PLACE && BLOCK.is_multiple_of(PLACE));

/// The ring of one socket.
#[derive(Debug)]
pub(super) struct Ring {
    memory: NonNull<u8>,
    /// The place that the kernel looks at next.
    head: usize,
}

// SAFETY: the mapping stays until drop and has one owner.
unsafe impl Send for Ring {}

impl Ring {
    /// Gives a packet socket, bound to an interface, a ring.
    ///
    /// # Errors
    ///
    /// If the kernel has none for it, or no memory; if the interface's packets may be
    /// shorter than a probe, since then nobody would hold back what is too long.
    pub(super) fn new(socket: BorrowedFd<'_>, ifindex: u32) -> io::Result<Self> {
        if largest_packet(socket, ifindex)? < MAX_LENGTH {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let version = libc::tpacket_versions::TPACKET_V2 as libc::c_int;
        set_option(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        // Only behind such a header may it say that frames are to be linear: else all
        // but the Ethernet header would be a page that programs have to pull in.
        let on: libc::c_int = 1;
        set_option(socket, libc::SOL_PACKET, libc::PACKET_VNET_HDR, &on)?;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as libc::c_uint,
            tp_block_nr: (PLACES * PLACE / BLOCK) as libc::c_uint,
            tp_frame_size: PLACE as libc::c_uint,
            tp_frame_nr: PLACES as libc::c_uint,
        };
        set_option(socket, libc::SOL_PACKET, libc::PACKET_TX_RING, &request)?;
        // SAFETY: a new mapping of memory that the kernel keeps alive as long as it is
        // mapped; the kernel checks the length.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PLACES * PLACE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { memory, head: 0 })
    }

    /// Sends frames in order by its socket; returns how many the kernel took before the
    /// first that it refused. An error speaks of the first frame.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, frames: &[Frame]) -> io::Result<usize> {
        let places = self.head..;
        let queued = places
            .zip(frames)
            .take_while(|(place, frame)| self.put(*place, frame))
            .count();
        if queued == 0 {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        // SAFETY: no message; what is sent is the frames of the ring.
        let result =
            unsafe { libc::send(socket.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT) };
        let error = (result < 0).then(io::Error::last_os_error);
        // It speaks of the first frame that was not taken, if any was taken before.
        let places = self.head..self.head + queued;
        let taken = places.take_while(|place| self.is_taken(*place)).count();
        for place in self.head + taken..self.head + queued {
            self.status(place)
                .store(libc::TP_STATUS_AVAILABLE, Ordering::Release);
        }
        self.head += taken;
        if taken > 0 {
            return Ok(taken);
        }
        Err(error.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EAGAIN)))
    }

    /// Puts a frame in a place, if the kernel has done with the one before.
    fn put(&self, place: usize, frame: &Frame) -> bool {
        let status = self.status(place);
        if status.load(Ordering::Acquire) != libc::TP_STATUS_AVAILABLE {
            return false;
        }
        let length = frame.bytes().len();
        let begin = self.place(place);
        // SAFETY: all within the place, which is this side's own as long as it is
        // available; the header's field is aligned, the others need not be.
        unsafe {
            let stated = begin.add(offset_of!(libc::tpacket2_hdr, tp_len));
            stated.cast::<u32>().write((VNET_HEADER + length) as u32);
            begin
                .add(LINEAR)
                .cast::<u16>()
                .write_unaligned(length as u16);
            begin
                .add(FRAME)
                .cast::<[u8; CAPACITY]>()
                .write(*frame.room());
        }
        status.store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
        true
    }

    /// Whether the kernel took the frame of a place that was put there.
    fn is_taken(&self, place: usize) -> bool {
        let refused = libc::TP_STATUS_SEND_REQUEST | libc::TP_STATUS_WRONG_FORMAT;
        self.status(place).load(Ordering::Acquire) & refused == 0
    }

    fn status(&self, place: usize) -> &AtomicU32 {
        // SAFETY: in bounds and aligned, and only accessed as an atomic.
        unsafe { AtomicU32::from_ptr(self.place(place).cast()) }
    }

    /// Where a place begins; places are numbered on and on.
    fn place(&self, number: usize) -> *mut u8 {
        // SAFETY: in bounds of the mapping.
        unsafe { self.memory.as_ptr().add(number % PLACES * PLACE) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, not used any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), PLACES * PLACE) };
    }
}

/// The MTU of an interface.
fn largest_packet(socket: BorrowedFd<'_>, ifindex: u32) -> io::Result<usize> {
    // SAFETY: all zeros is a valid value of this plain struct.
    let mut request: libc::ifreq = unsafe { zeroed() };
    request.ifr_ifru.ifru_ifindex = ifindex as libc::c_int;
    for ask in [libc::SIOCGIFNAME, libc::SIOCGIFMTU] {
        // SAFETY: the pointer is to the struct that both calls read and write.
        let result = unsafe { libc::ioctl(socket.as_raw_fd(), ask, &raw mut request) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: the last call has written it.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    Ok(usize::try_from(mtu).unwrap_or(0))
}
