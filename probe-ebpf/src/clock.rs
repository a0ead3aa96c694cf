//! The clock of all stamps.

#![expect(unsafe_code, reason = "a kernel helper is called")]

use aya_ebpf::helpers::bpf_ktime_get_ns;

/// CLOCK_MONOTONIC, nanoseconds.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    // SAFETY: the helper takes no argument and is allowed in every program type.
    unsafe { bpf_ktime_get_ns() }
}
