//! One ring buffer in memory, read in place (`kernel/bpf/ringbuf.c`).
//!
//! How far it has been read is told to the kernel once for many records: each time
//! costs the writing processor a cache line that it looks at for every record.

#![expect(unsafe_code, reason = "kernel memory is mapped and shared")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
    ptr::NonNull,
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
};

use probe_common::abi::{Event, Excerpt, ExtendedEvent};

/// `BPF_RINGBUF_BUSY_BIT`, `BPF_RINGBUF_DISCARD_BIT` and `BPF_RINGBUF_HDR_SZ`.
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: u64 = 8;

/// Records read before the kernel is told.
const TELL: usize = 64;

/// A ring buffer of one CPU, mapped.
#[derive(Debug)]
pub(super) struct MappedRing {
    map: OwnedFd,
    /// How far it has been read: a page that this process writes.
    consumer: NonNull<AtomicU64>,
    /// How far it has been written, and, a page on, the records, twice in a row.
    producer: NonNull<AtomicU64>,
    page: usize,
    bytes: usize,
    read: u64,
    misread: u64,
}

// SAFETY: the mappings stay until drop; one thread reads at a time (`&mut`).
unsafe impl Send for MappedRing {}
// SAFETY: nothing is read through a shared reference.
unsafe impl Sync for MappedRing {}

impl AsFd for MappedRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

impl MappedRing {
    /// Maps a ring of `bytes` bytes of records.
    pub(super) fn new(map: OwnedFd, bytes: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let consumer = mapped(&map, page, 0, libc::PROT_READ | libc::PROT_WRITE)?;
        let producer = match mapped(&map, page + 2 * bytes, page, libc::PROT_READ) {
            Ok(producer) => producer,
            Err(error) => {
                unmap(consumer, page);
                return Err(error);
            }
        };
        Ok(Self {
            map,
            consumer,
            producer,
            page,
            bytes,
            read: 0,
            misread: 0,
        })
    }

    /// Hands at most `most` events that wait to `handle`, with what was copied of their
    /// packets; returns how many records were read.
    pub(super) fn drain(
        &mut self,
        most: usize,
        mut handle: impl FnMut(&Event, Option<&Excerpt>),
    ) -> usize {
        let mut count = 0;
        while count < most {
            let read = self.read_some((most - count).min(TELL), &mut handle);
            if read == 0 {
                break;
            }
            count += read;
            self.tell();
        }
        count
    }

    /// Records that were no events.
    pub(super) fn misread(&self) -> u64 {
        self.misread
    }

    fn read_some(
        &mut self,
        most: usize,
        handle: &mut impl FnMut(&Event, Option<&Excerpt>),
    ) -> usize {
        // SAFETY: the mapping lives as long as `self`.
        let written = unsafe { self.producer.as_ref() }.load(Acquire);
        let mut count = 0;
        while count < most && self.read < written {
            let offset = self.read as usize & (self.bytes - 1);
            // SAFETY: headers are aligned to eight bytes, and lie before what has been
            // written; the records are mapped twice in a row, so that none is torn.
            let header = unsafe {
                let records = self.producer.as_ptr().cast::<u8>().add(self.page);
                &*records.add(offset).cast::<AtomicU32>()
            };
            let length = header.load(Acquire);
            if length & BUSY != 0 {
                break;
            }
            let octets = (length & !DISCARDED) as usize;
            if length & DISCARDED == 0 && octets == size_of::<Event>() {
                // SAFETY: a record of this length begins behind the header, aligned to
                // eight bytes, and stays until the kernel is told that it was read;
                // any octets are an event.
                let event = unsafe {
                    let record: *const AtomicU32 = header;
                    &*record.cast::<u8>().add(HEADER as usize).cast::<Event>()
                };
                handle(event, None);
            } else if length & DISCARDED == 0 && octets == size_of::<ExtendedEvent>() {
                // SAFETY: as above.
                let record = unsafe {
                    let record: *const AtomicU32 = header;
                    &*record
                        .cast::<u8>()
                        .add(HEADER as usize)
                        .cast::<ExtendedEvent>()
                };
                handle(&record.event, Some(&record.excerpt));
            } else if length & DISCARDED == 0 {
                self.misread += 1;
            }
            self.read += (HEADER + octets as u64).next_multiple_of(HEADER);
            count += 1;
        }
        count
    }

    /// Tells the kernel how far was read. Before the next look at what is written: a
    /// record that comes between finds the reader where it stands, and wakes it.
    fn tell(&self) {
        // SAFETY: the mapping lives as long as `self`.
        let consumer = unsafe { self.consumer.as_ref() };
        if consumer.load(Relaxed) != self.read {
            consumer.store(self.read, Release);
            fence(SeqCst);
        }
    }
}

impl Drop for MappedRing {
    fn drop(&mut self) {
        unmap(self.consumer, self.page);
        unmap(self.producer, self.page + 2 * self.bytes);
    }
}

fn mapped(
    map: &OwnedFd,
    length: usize,
    offset: usize,
    access: libc::c_int,
) -> io::Result<NonNull<AtomicU64>> {
    // SAFETY: a new mapping of a map that the kernel keeps alive as long as it is
    // mapped; the kernel checks offset and length.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            access,
            libc::MAP_SHARED,
            map.as_raw_fd(),
            offset as libc::off_t,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(memory.cast()).ok_or_else(io::Error::last_os_error)
}

fn unmap(memory: NonNull<AtomicU64>, length: usize) {
    // SAFETY: a mapping made by `mapped` with this length, not used any more.
    unsafe { libc::munmap(memory.as_ptr().cast(), length) };
}
