//! When the probes of a ping are due, and what becomes of those whose time passes.
//!
//! Probes are due by the clock, never by what came back, so that a network that stalls
//! is probed as often as one that does not. If the sender itself is held up, the
//! rounds that it missed cannot be made up for: a probe measures the time at which it
//! leaves. They are counted, so that a gap in the figures is told from good times.

use std::time::Duration;

use super::{
    pace::next_beat,
    report::Omitted,
    time::{Moment, nanoseconds},
};

/// The rounds of a ping in time.
#[derive(Clone, Debug)]
pub struct Beats {
    interval: Duration,
    due: Moment,
    /// By how much rounds were put off, all in all, nanoseconds.
    put_off_ns: u64,
    longest_ns: u64,
    /// Rounds that were put off before the interval was last changed.
    put_off_before: u64,
}

impl Beats {
    /// A round each `interval`, the first at `begin`.
    pub fn new(interval: Duration, begin: Moment) -> Self {
        Self {
            interval,
            due: begin,
            put_off_ns: 0,
            longest_ns: 0,
            put_off_before: 0,
        }
    }

    /// When the next round is due.
    pub fn due(&self) -> Moment {
        self.due
    }

    /// The time between two rounds.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Rounds are at least so far apart from now on.
    pub fn slow_down(&mut self, interval: Duration) {
        if interval > self.interval {
            self.put_off_before = self.put_off();
            self.put_off_ns = 0;
            self.interval = interval;
        }
    }

    /// A round leaves.
    pub fn take(&mut self, now: Moment) {
        let next = next_beat(self.due, now, self.interval);
        let put_off = nanoseconds(next.since(self.due + self.interval));
        self.put_off_ns = self.put_off_ns.saturating_add(put_off);
        self.longest_ns = self.longest_ns.max(nanoseconds(now.since(self.due)));
        self.due = next;
    }

    fn put_off(&self) -> u64 {
        let now = self.put_off_ns.checked_div(nanoseconds(self.interval));
        self.put_off_before + now.unwrap_or(0)
    }

    /// The rounds that never were; `None` if there were all.
    pub fn omitted(&self) -> Option<Omitted> {
        let probes = self.put_off();
        (probes > 0).then_some(Omitted {
            probes,
            longest_ns: self.longest_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BEGIN: Moment = Moment(5_000_000_000);

    #[test]
    fn a_punctual_sender_omits_nothing() {
        let mut beats = Beats::new(SECOND, BEGIN);
        for _ in 0..1_000 {
            beats.take(beats.due() + Duration::from_millis(3));
        }
        assert_eq!(beats.due(), BEGIN + SECOND * 1_000);
        assert_eq!(beats.omitted(), None);
    }

    #[test]
    fn rounds_whose_time_passes_are_counted() {
        let mut beats = Beats::new(SECOND, BEGIN);
        beats.take(BEGIN);
        beats.take(BEGIN + SECOND * 31);
        let omitted = beats.omitted().expect("a stall");
        // Rounds 1 to 30 were due; one left, late.
        assert_eq!((omitted.probes, omitted.longest_ns), (29, 30_000_000_000));
        let mut beats = Beats::new(Duration::ZERO, BEGIN);
        beats.take(BEGIN + SECOND);
        assert_eq!(beats.omitted(), None);
    }
}
