//! What happens to the host's clocks meanwhile: it sleeps, or its real time is set. Stamps
//! and timeouts are CLOCK_MONOTONIC, which neither moves; but whoever reads them should
//! know.

use probe_common::abi::Event;
use serde::Serialize;

use crate::{engine::time::Moment, io::clock::Reading};

/// Least time that the host slept: two clocks are not read at quite the same time.
const LEAST_SLEEP_NS: u64 = 10_000_000;

/// Real time that is adjusted little by little goes at most half a thousandth too fast or
/// too slow (adjtimex(2)); what is beyond twice that, and this, was set.
const LEAST_STEP_NS: u64 = 10_000_000;
const ADJUSTED_BY: u64 = 1_000;

/// Events that are told one by one.
const MOST_TOLD: usize = 100;

/// The host slept: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Suspension {
    /// Not before this moment, nanoseconds of CLOCK_MONOTONIC.
    pub(super) from_ns: u64,
    /// Not after this one.
    pub(super) until_ns: u64,
    /// How long it slept.
    pub(super) slept_ns: u64,
}

impl Suspension {
    /// Whether the host may have slept between the stamps of a probe and of its reply.
    pub(super) fn is_between(&self, event: &Event) -> bool {
        event.tx_ns <= self.until_ns && self.from_ns < event.rx_ns
    }
}

/// CLOCK_REALTIME was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// Not after this moment, nanoseconds of CLOCK_MONOTONIC.
    pub(super) monotonic_ns: u64,
    /// By how much, nanoseconds.
    pub(super) by_ns: i64,
}

/// The clocks when they were last looked at, and what has happened to them.
#[derive(Debug)]
pub(super) struct Clocks {
    last: Reading,
    /// The reading that steps are told against: a second ago or more.
    set: Reading,
    pub(super) suspensions: Vec<Suspension>,
    pub(super) steps: Vec<Step>,
    /// All in all, nanoseconds.
    pub(super) slept_ns: u64,
}

impl Clocks {
    pub(super) fn new(now: Reading) -> Self {
        Self {
            last: now,
            set: now,
            suspensions: Vec::new(),
            steps: Vec::new(),
            slept_ns: 0,
        }
    }

    /// Looks at them; says if the host slept since it last did.
    pub(super) fn look(&mut self, now: Reading) -> Option<Suspension> {
        let last = std::mem::replace(&mut self.last, now);
        self.note_step(now);
        let slept_ns = now.asleep_ns().saturating_sub(last.asleep_ns());
        if slept_ns < LEAST_SLEEP_NS {
            // What is less is told once it adds up.
            self.last.boottime_ns -= slept_ns.min(self.last.boottime_ns);
            return None;
        }
        let suspension = Suspension {
            from_ns: last.monotonic_ns,
            until_ns: now.monotonic_ns,
            slept_ns,
        };
        self.slept_ns = self.slept_ns.saturating_add(slept_ns);
        if self.suspensions.len() < MOST_TOLD {
            self.suspensions.push(suspension);
        }
        Some(suspension)
    }

    /// Real time is to go as time with sleep does.
    fn note_step(&mut self, now: Reading) {
        let went = now.boottime_ns.saturating_sub(self.set.boottime_ns);
        let by = i128::from(now.realtime_ns) - i128::from(self.set.realtime_ns) - i128::from(went);
        if by.unsigned_abs() > u128::from(LEAST_STEP_NS + went / ADJUSTED_BY) {
            if self.steps.len() < MOST_TOLD {
                self.steps.push(Step {
                    monotonic_ns: now.monotonic_ns,
                    by_ns: i64::try_from(by).unwrap_or(if by > 0 { i64::MAX } else { i64::MIN }),
                });
            }
            self.set = now;
        } else if went > 1_000_000_000 {
            self.set = now;
        }
    }
}

impl From<Suspension> for (Moment, Moment) {
    fn from(suspension: Suspension) -> Self {
        (Moment(suspension.from_ns), Moment(suspension.until_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Reading = Reading {
        monotonic_ns: 5_000_000_000,
        boottime_ns: 105_000_000_000,
        realtime_ns: 1_700_000_000_000_000_000,
    };
    const SECOND: u64 = 1_000_000_000;

    fn later(reading: Reading, ns: u64) -> Reading {
        Reading {
            monotonic_ns: reading.monotonic_ns + ns,
            boottime_ns: reading.boottime_ns + ns,
            realtime_ns: reading.realtime_ns + ns,
        }
    }

    #[test]
    fn time_that_goes_on_is_nothing_to_tell() {
        let mut clocks = Clocks::new(BEGIN);
        for tick in 1..10_000u64 {
            let mut now = later(BEGIN, tick * 50_000_000);
            // Adjusted, and read a little later than the others.
            now.realtime_ns += tick * 50_000_000 / 2_000 + tick % 7 * 100_000;
            now.boottime_ns += tick % 5 * 100_000;
            assert_eq!(clocks.look(now), None);
        }
        assert_eq!((clocks.steps.len(), clocks.slept_ns), (0, 0));
    }

    #[test]
    fn sleep_is_told_with_the_moments_around_it() {
        let mut clocks = Clocks::new(BEGIN);
        let before = later(BEGIN, SECOND);
        assert_eq!(clocks.look(before), None);
        let mut after = later(before, 2_000_000);
        after.boottime_ns += 3_600 * SECOND;
        after.realtime_ns += 3_600 * SECOND;
        let told = clocks.look(after).expect("an hour");
        assert_eq!(told.slept_ns, 3_600 * SECOND);
        assert_eq!(told.from_ns, before.monotonic_ns);
        assert_eq!(told.until_ns, after.monotonic_ns);
        assert_eq!(clocks.look(later(after, SECOND)), None);
        assert!(clocks.steps.is_empty());
    }

    #[test]
    fn real_time_that_is_set_is_a_step() {
        let mut clocks = Clocks::new(BEGIN);
        let mut now = BEGIN;
        for by in [-7_200_000_000_000i64, 20_000_000, 0] {
            now = later(now, 30_000_000);
            now.realtime_ns = now.realtime_ns.wrapping_add_signed(by);
            assert_eq!(clocks.look(now), None);
        }
        let steps: Vec<i64> = clocks.steps.iter().map(|step| step.by_ns).collect();
        assert_eq!(steps, [-7_200_000_000_000, 20_000_000]);
    }

    #[test]
    fn what_is_told_one_by_one_is_bounded() {
        let mut clocks = Clocks::new(BEGIN);
        let mut now = BEGIN;
        for _ in 0..1_000 {
            now = later(now, SECOND);
            now.boottime_ns += SECOND;
            assert!(clocks.look(now).is_some());
        }
        assert_eq!(clocks.suspensions.len(), MOST_TOLD);
        assert_eq!(clocks.slept_ns, 1_000 * SECOND);
        assert_eq!(clocks.steps.len(), MOST_TOLD);
    }
}
