//! Atomic read-modify-write on map values: the instructions are there (eBPF
//! instruction set v3), Rust's atomic types for this target are not.

#![expect(unsafe_code, reason = "compiler intrinsics on raw pointers")]

/// Replaces the value; gives the one before. A full barrier.
///
/// # Safety
///
/// `target` must point to a live, aligned map value.
#[inline(always)]
pub(crate) unsafe fn swap(target: *mut u64, value: u64) -> u64 {
    #[cfg(target_arch = "bpf")]
    // SAFETY: as the caller promises.
    unsafe {
        use core::intrinsics::{AtomicOrdering::SeqCst, atomic_xchg};
        atomic_xchg::<u64, { SeqCst }>(target, value)
    }
    #[cfg(not(target_arch = "bpf"))]
    // SAFETY: as the caller promises.
    unsafe {
        use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
        AtomicU64::from_ptr(target).swap(value, SeqCst)
    }
}

/// Replaces `from` by `to`; gives the value that stands there instead of `from`.
/// A full barrier.
///
/// # Safety
///
/// `target` must point to a live, aligned map value.
#[inline(always)]
pub(crate) unsafe fn compare_exchange(target: *mut u64, from: u64, to: u64) -> Result<(), u64> {
    #[cfg(target_arch = "bpf")]
    // SAFETY: as the caller promises.
    let (found, _) = unsafe {
        use core::intrinsics::{AtomicOrdering::SeqCst, atomic_cxchg};
        atomic_cxchg::<u64, { SeqCst }, { SeqCst }>(target, from, to)
    };
    #[cfg(not(target_arch = "bpf"))]
    // SAFETY: as the caller promises.
    let found = unsafe {
        use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
        AtomicU64::from_ptr(target)
            .compare_exchange(from, to, SeqCst, SeqCst)
            .unwrap_or_else(|found| found)
    };
    if found == from { Ok(()) } else { Err(found) }
}
