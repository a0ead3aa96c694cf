//! Arrays of the kernel programs in this process's memory: words that both sides
//! read and write.

#![expect(unsafe_code, reason = "kernel memory is mapped and shared")]

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
    ptr::NonNull,
    sync::atomic::AtomicU64,
};

/// The values of an array map, one after another, as words.
#[derive(Debug)]
pub(crate) struct Mapped {
    memory: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: the mapping stays until drop; all access to it is atomic.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps an array that has `words` words at least.
    ///
    /// # Errors
    ///
    /// If the kernel refuses: it was made without `BPF_F_MMAPABLE`, or is shorter.
    pub(crate) fn new(map: BorrowedFd<'_>, words: usize) -> io::Result<Self> {
        // SAFETY: a new mapping of a map that the kernel keeps alive as long as
        // it is mapped; the kernel checks the length.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                words * size_of::<u64>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { memory, words })
    }

    /// `N` words from `N * index` on; `None` behind the end.
    pub(crate) fn record<const N: usize>(&self, index: usize) -> Option<&[AtomicU64; N]> {
        let end = index.checked_mul(N)?.checked_add(N)?;
        if end > self.words {
            return None;
        }
        // SAFETY: in bounds of the mapping; words are aligned, since it begins at a
        // page, and all sides access them atomically or expect them to change.
        Some(unsafe { &*self.memory.as_ptr().add(index * N).cast() })
    }

    /// Has the cache line of a word brought near.
    pub(crate) fn fetch_ahead(&self, word: usize) {
        #[cfg(target_arch = "x86_64")]
        if word < self.words {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a hint on an address in bounds; nothing is read.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.memory.as_ptr().add(word).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = word;
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, not used any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.words * size_of::<u64>()) };
    }
}
