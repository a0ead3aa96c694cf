//! A run of days, in virtual time: as much memory at its end as at its beginning. The one
//! test of its process, whose memory it looks at.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

use std::time::Duration;

use probe::engine::{
    answer::Answer,
    core::{Engine, Key},
    flows::Flows,
    pace::Pace,
    ping::Ping,
    plan::PingOptions,
    report::Tells,
    stamp::{RxHook, Stamp},
    time::Moment,
};
use probe_common::{
    Address,
    abi::{Kind, Outcome, TxSource},
    identity::Nonce,
    slot::{Fate, Lease},
};

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(3);
const TARGETS: u8 = 8;
const DAY: u32 = 86_400;
/// How much an allocator may hold more or less for the same state.
const LEEWAY_KIB: u64 = 512;

/// Pings whose rounds begin again at 0 within the first hour, and what came of them.
struct Days {
    engine: Engine<Ping>,
    now: Moment,
    rng: fastrand::Rng,
    sent: u64,
    answered: u64,
    late: u64,
}

impl Days {
    fn new() -> Self {
        let now = Moment(5_000_000_000);
        let options = PingOptions {
            count: None,
            interval: SECOND,
            ttl: 64,
            respect_limits: false,
            first_round: u32::MAX - 1_000,
        };
        let mut engine = Engine::new(TIMEOUT, Pace::at_most(None));
        for target in 0..TARGETS {
            let ping = Ping::new(&options, now, Flows::in_turn(1, 1), TIMEOUT);
            let ping = ping.with_intervals(now).with_limits();
            engine.add(ping, Address::from_v4([10, 0, 0, target]), [], now);
        }
        Self {
            engine,
            now,
            rng: fastrand::Rng::with_seed(7),
            sent: 0,
            answered: 0,
            late: 0,
        }
    }

    /// Seconds of pings: one in fifty is lost, one in a thousand late, some come twice.
    fn pass(&mut self, seconds: u32) {
        for second in 0..seconds {
            self.now = self.now + SECOND;
            let now = self.now;
            self.engine.handle_timeout(now, |_| Some(Fate::Unanswered));
            while let Some(key) = self.engine.poll_transmit(now) {
                self.send(key);
            }
            if second % 60 == 0 {
                for session in 0..usize::from(TARGETS) {
                    let session = self.engine.session_mut(session).unwrap();
                    session.close_interval(now).unwrap();
                }
            }
        }
    }

    fn send(&mut self, key: Key) {
        self.sent += 1;
        let lease = Lease {
            index: 1,
            seq16: 1,
            nonce: Nonce(self.sent),
        };
        self.engine.handle_sent(key, lease, self.now);
        match self.rng.u32(..1_000) {
            0..20 => {}
            20 => {
                self.late += 1;
                self.answer(key, Outcome::Late);
            }
            21..25 => {
                self.answered += 1;
                self.answer(key, Outcome::Valid);
                self.answer(key, Outcome::Duplicate);
            }
            _ => {
                self.answered += 1;
                self.answer(key, Outcome::Valid);
            }
        }
    }

    fn answer(&mut self, key: Key, outcome: Outcome) {
        let rtt_ns = 1_000_000 + self.rng.u64(..50_000_000);
        let answer = Answer {
            probe: key.probe,
            kind: Kind::EchoReply,
            outcome,
            responder: Address::from_v4([10, 0, 0, key.session as u8]),
            reason: None,
            rtt_ns,
            arrived: self.now + Duration::from_nanos(rtt_ns),
            stamp: Stamp {
                tx: TxSource::Tcx,
                rx: RxHook::Tcx,
            },
            tells: Tells::default(),
            extensions: None,
        };
        self.engine.handle_answer(key.session, &answer, self.now);
    }
}

/// Memory of this process, KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

#[test]
fn days_take_no_more_memory_than_the_first_hours() {
    let mut days = Days::new();
    days.pass(DAY / 4);
    let before = resident();
    days.pass(3 * DAY);
    let after = resident();
    println!("{before} KiB after six hours, {after} KiB three days later");
    assert!(after <= before + LEEWAY_KIB, "{before} KiB, then {after}");
    // And nothing was lost on the way.
    let tallies = || days.engine.sessions().iter().map(Ping::tally);
    let sum = |of: fn(&probe::engine::tally::Tally) -> u64| tallies().map(of).sum::<u64>();
    assert_eq!(sum(|tally| tally.sent), days.sent);
    assert_eq!(sum(|tally| tally.received), days.answered);
    assert_eq!(sum(|tally| tally.late), days.late);
    let settled = sum(|tally| tally.received + tally.unanswered + tally.pending());
    assert_eq!(settled, days.sent);
    let rounds = u64::from(DAY) / 4 + 3 * u64::from(DAY);
    assert!(days.sent.abs_diff(rounds * u64::from(TARGETS)) <= u64::from(TARGETS));
    for ping in days.engine.sessions() {
        assert_eq!((ping.reordered().count, ping.omitted()), (0, None));
    }
}
