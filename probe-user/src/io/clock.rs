//! The clock of all stamps, read from userspace.

#![expect(unsafe_code, reason = "a libc call fills a struct")]

use crate::engine::time::Moment;

/// What reading all clocks takes at most, nanoseconds, if nothing comes between.
const READING_TAKES: u64 = 100_000;

/// Readings until one is taken as it is: so often in turn nothing holds a thread up.
const MOST_READINGS: u32 = 16;

/// CLOCK_MONOTONIC, as the kernel programs read it.
pub fn now() -> Moment {
    Moment(read(libc::CLOCK_MONOTONIC))
}

/// The clocks of the host, read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// CLOCK_MONOTONIC, nanoseconds: stands still while the host sleeps.
    pub monotonic_ns: u64,
    /// CLOCK_BOOTTIME: goes on.
    pub boottime_ns: u64,
    /// CLOCK_REALTIME: goes on, and may be set.
    pub realtime_ns: u64,
}

impl Reading {
    /// Reads all; again, if the thread was held up in between, but not for ever.
    pub fn take() -> Self {
        let mut reading = Self::read();
        for _ in 0..MOST_READINGS {
            if read(libc::CLOCK_MONOTONIC).saturating_sub(reading.monotonic_ns) < READING_TAKES {
                break;
            }
            reading = Self::read();
        }
        reading
    }

    /// For how long the host has slept since it was started.
    pub fn asleep_ns(&self) -> u64 {
        self.boottime_ns.saturating_sub(self.monotonic_ns)
    }

    fn read() -> Self {
        Self {
            monotonic_ns: read(libc::CLOCK_MONOTONIC),
            boottime_ns: read(libc::CLOCK_BOOTTIME),
            realtime_ns: read(libc::CLOCK_REALTIME),
        }
    }
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
    // SAFETY: `time` is valid for writing; all clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}
