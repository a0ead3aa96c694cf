//! The clock of all stamps, read from userspace.

#![expect(unsafe_code, reason = "a libc call fills a struct")]

use crate::engine::time::Moment;

/// CLOCK_MONOTONIC, as the kernel programs read it.
pub fn now() -> Moment {
    Moment(read(libc::CLOCK_MONOTONIC))
}

/// A (monotonic, real-time) pair, nanoseconds: wall time for stamps.
pub fn pair() -> (u64, u64) {
    (read(libc::CLOCK_MONOTONIC), read(libc::CLOCK_REALTIME))
}

/// What the kernel reads time from: `tsc`, `kvm-clock`, `hpet`, ...
pub fn source() -> Option<String> {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let name = std::fs::read_to_string(path).ok()?;
    Some(name.trim().to_owned())
}

/// Lets this thread's sleeps end as exactly as the kernel can: by default it may
/// let them last 50 µs longer (PR_SET_TIMERSLACK).
pub fn precise_sleep() {
    // SAFETY: no pointers; the option changes nothing but this thread's timers.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong, 0, 0, 0) };
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writing; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}
