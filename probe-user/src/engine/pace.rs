//! Bounds on rates: over all sessions, and within one.

use std::time::Duration;

use probe_common::arrears;

use super::time::Moment;

/// Credit that may be saved up: what a stall leaves unused beyond it is not made up
/// for in a burst.
pub const MAX_CREDIT: Duration = Duration::from_millis(2);

/// How much too soon after a late probe the next may follow it.
const MAX_HASTE: Duration = Duration::from_millis(10);

/// A token bucket over time.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Probes a second; `None`: no bound.
    rate: Option<u64>,
    /// Whether what a stall costs is made up for.
    on_average: bool,
    next: Moment,
    /// What whole nanoseconds left over, in parts of `rate` of one.
    remainder: u64,
    /// Time that stalls have cost and that is to be made up for, nanoseconds.
    owed_ns: u64,
    /// Time whose credit was lost to stalls, nanoseconds.
    stalled_ns: u64,
}

impl Pace {
    /// At most `rate` probes a second, whatever stalls; `None`: no bound.
    pub fn at_most(rate: Option<u64>) -> Self {
        Self {
            rate: rate.map(|rate| rate.max(1)),
            on_average: false,
            next: Moment(0),
            remainder: 0,
            owed_ns: 0,
            stalled_ns: 0,
        }
    }

    /// `rate` probes a second on average: stalls are made up for ([`arrears`]).
    pub fn on_average(rate: Option<u64>) -> Self {
        Self {
            on_average: true,
            ..Self::at_most(rate)
        }
    }

    /// Whether a probe may leave; drops credit that is too old.
    pub fn allows(&mut self, now: Moment) -> bool {
        let oldest = now - MAX_CREDIT;
        if self.next < oldest {
            if self.next != Moment(0) {
                self.note_stall(oldest.0 - self.next.0);
            }
            self.next = oldest;
        }
        self.rate.is_none() || self.next <= now
    }

    fn note_stall(&mut self, nanoseconds: u64) {
        if self.on_average {
            let (owed, lost) = arrears::after_stall(self.owed_ns, nanoseconds);
            self.owed_ns = owed;
            self.stalled_ns += lost;
        } else {
            self.stalled_ns += nanoseconds;
        }
    }

    /// Credit that is too old is dropped and is no stall: there was nothing to send.
    pub fn rest(&mut self, now: Moment) {
        self.next = self.next.max(now - MAX_CREDIT);
    }

    /// Goes on at another rate.
    pub fn set_rate(&mut self, rate: Option<u64>) {
        let rate = rate.map(|rate| rate.max(1));
        if rate != self.rate {
            self.rate = rate;
            self.remainder = 0;
            self.stalled_ns += std::mem::take(&mut self.owed_ns);
        }
    }

    /// Probes that were allowed and not sent in time, nor made up for since: what stalls
    /// have cost.
    pub fn shortfall(&self) -> u64 {
        within(self.stalled_ns + self.owed_ns, self.rate)
    }

    /// A probe leaves.
    pub fn take(&mut self) {
        let Some(rate) = self.rate else {
            return;
        };
        let parts = 1_000_000_000 + self.remainder;
        self.remainder = parts % rate;
        let interval = parts / rate;
        let payment = arrears::payment(self.owed_ns, interval);
        self.owed_ns -= payment;
        self.next = self.next + Duration::from_nanos(interval - payment);
    }

    /// When the next probe may leave.
    pub fn next(&self, now: Moment) -> Moment {
        if self.rate.is_none() { now } else { self.next }
    }
}

/// Probes of so many nanoseconds.
pub fn within(nanoseconds: u64, rate: Option<u64>) -> u64 {
    let probes = u128::from(nanoseconds) * u128::from(rate.unwrap_or(0)) / 1_000_000_000;
    u64::try_from(probes).unwrap_or(u64::MAX)
}

/// When the probe after the one that was due at `due` and leaves `now` is due.
/// Probes keep their times, so that small delays do not add up; a long one moves
/// all that follow, and is not made up in a burst.
pub fn next_beat(due: Moment, now: Moment, interval: Duration) -> Moment {
    let haste = MAX_HASTE.min(interval / 2).max(MAX_CREDIT);
    (due + interval).max((now + interval) - haste)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Probes that leave within so many seconds, asked as soon as allowed.
    fn sent_within(seconds: u64, rate: u64) -> u64 {
        let mut pace = Pace::on_average(Some(rate));
        let mut now = Moment(10_000_000_000);
        let end = now + Duration::from_secs(seconds);
        let mut sent = 0;
        while now < end {
            if pace.allows(now) {
                pace.take();
                sent += 1;
            }
            now = now.max(pace.next(now));
        }
        sent
    }

    #[test]
    fn time_without_anything_to_send_is_no_stall() {
        let mut pace = Pace::at_most(Some(1_000));
        let begin = Moment(1_000_000_000);
        assert!(pace.allows(begin));
        pace.take();
        let later = begin + Duration::from_secs(1);
        pace.rest(later);
        assert!(pace.allows(later));
        assert_eq!(pace.shortfall(), 0);
        assert!(pace.allows(later + Duration::from_secs(1)));
        assert_eq!(pace.shortfall(), 1_000);
    }

    #[test]
    fn seconds_hold_as_many_probes_as_the_rate() {
        let slow = [1, 3, 7, 1_000, 10_000, 100_000, 300_007].map(|rate| (10, rate));
        for (seconds, rate) in slow.into_iter().chain([(10, 1_000_000), (1, 3_000_000)]) {
            let sent = sent_within(seconds, rate);
            // Credit at the beginning: what two milliseconds hold.
            let most = rate * seconds + rate / 500 + 1;
            assert!(
                (rate * seconds..=most).contains(&sent),
                "{sent} in {seconds} s at {rate}/s"
            );
        }
    }

    #[test]
    fn a_reader_of_the_clock_that_is_a_millisecond_late_loses_nothing() {
        let mut pace = Pace::at_most(Some(20_000));
        let sent: usize = (0..10_000u64)
            .map(|ms| {
                let now = Moment(1_000_000_000 + ms * 1_000_000);
                std::iter::from_fn(|| pace.allows(now).then(|| pace.take())).count()
            })
            .sum();
        assert!((200_000..=200_041).contains(&sent), "{sent}");
    }

    #[test]
    fn a_stall_is_not_made_up() {
        let mut pace = Pace::at_most(Some(1_000));
        let now = Moment(60_000_000_000);
        let burst = std::iter::from_fn(|| pace.allows(now).then(|| pace.take())).count();
        assert!(burst <= 3, "{burst}");
    }

    #[test]
    fn what_a_stall_costs_is_counted() {
        for mut pace in [Pace::at_most, Pace::on_average].map(|pace| pace(Some(1_000))) {
            assert!(pace.allows(Moment(60_000_000_000)));
            pace.take();
            assert_eq!(pace.shortfall(), 0);
            assert!(pace.allows(Moment(61_000_000_000)));
            // A second of silence, less the credit and the probe that left.
            assert!(
                (995..=1_000).contains(&pace.shortfall()),
                "{}",
                pace.shortfall()
            );
        }
    }

    #[test]
    fn a_rate_on_average_makes_up_for_a_stall_and_never_hurries() {
        let mut pace = Pace::on_average(Some(10_000));
        let mut now = Moment(60_000_000_000);
        let end = now + Duration::from_secs(10);
        let (mut sent, mut of_tenth) = (0, HashMap::<u64, u32>::new());
        while now < end {
            if pace.allows(now) {
                pace.take();
                sent += 1;
                *of_tenth.entry(now.0 / 100_000_000).or_default() += 1;
            }
            now = now.max(pace.next(now));
            if (10_000..10_010).contains(&sent) {
                // Ten stalls, of 20 ms each.
                now = now + Duration::from_millis(20);
            }
        }
        assert!((99_980..=100_021).contains(&sent), "{sent}");
        assert_eq!(pace.shortfall(), 0);
        let most = of_tenth.into_values().max();
        assert!(most <= Some(1_034 + 20), "{most:?} in a tenth of a second");
    }

    #[test]
    fn a_bound_is_a_bound_after_a_stall_too() {
        let mut pace = Pace::at_most(Some(1_000));
        let mut now = Moment(60_000_000_000);
        assert!(pace.allows(now));
        pace.take();
        now = now + Duration::from_millis(200);
        let sent: usize = (0..1_000)
            .map(|_| {
                now = now + Duration::from_millis(1);
                std::iter::from_fn(|| pace.allows(now).then(|| pace.take())).count()
            })
            .sum();
        assert!(sent <= 1_003, "{sent}");
    }

    #[test]
    fn what_was_owed_at_another_rate_is_not_made_up_for() {
        let mut pace = Pace::on_average(Some(1_000));
        assert!(pace.allows(Moment(60_000_000_000)));
        pace.take();
        assert!(pace.allows(Moment(60_200_000_000)));
        pace.set_rate(Some(500));
        assert!(pace.allows(Moment(60_200_000_000)));
        let before = pace.next(Moment(0));
        pace.take();
        assert_eq!(pace.next(Moment(0)), before + Duration::from_millis(2));
    }

    #[test]
    fn a_rate_that_stays_is_kept_to_the_last_probe() {
        let rate = Some(3_000_000);
        let mut pace = Pace::at_most(rate);
        let sent: usize = (0..1_000u64)
            .map(|ms| {
                pace.set_rate(rate);
                let now = Moment(1_000_000_000 + ms * 1_000_000);
                std::iter::from_fn(|| pace.allows(now).then(|| pace.take())).count()
            })
            .sum();
        assert!((3_000_000..=3_006_001).contains(&sent), "{sent}");
    }

    #[test]
    fn a_rate_can_change_on_the_way() {
        let mut pace = Pace::at_most(Some(10));
        let now = Moment(60_000_000_000);
        while pace.allows(now) {
            pace.take();
        }
        pace.set_rate(Some(1_000_000));
        let soon = now + Duration::from_millis(101);
        let burst = std::iter::from_fn(|| pace.allows(soon).then(|| pace.take())).count();
        assert!((900..=2_100).contains(&burst), "{burst}");
    }

    #[test]
    fn beats_keep_time_but_do_not_crowd() {
        let second = Duration::from_secs(1);
        let (due, on_time) = (Moment(5_000_000_000), Moment(5_000_100_000));
        assert_eq!(next_beat(due, on_time, second), Moment(6_000_000_000));
        let late = Moment(9_000_000_000);
        assert_eq!(next_beat(due, late, second), Moment(9_990_000_000));
        assert_eq!(next_beat(due, due, Duration::ZERO), due);
        // Short intervals catch up with what a sleep of the thread takes too long.
        let (short, slept) = (Duration::from_micros(20), Moment(due.0 + 75_000));
        assert_eq!(next_beat(due, slept, short), due + short);
    }
}
