//! An adaptive sweep by sockets: a lane walks round its trails, each with a path that
//! is probed one hop at a time. A path that is known far enough makes room for the
//! next. The kernel's generator does the same (`probe-ebpf/src/generate/walk.rs`).

use std::{ops::Range, sync::Arc, time::Duration};

use probe_common::{
    adaptive::{Rules, SHARED_TTLS, Spared, State, Trail, hint::Prefix},
    plan::Place,
};

use crate::{
    engine::{
        pace::MAX_CREDIT,
        sweep::{
            schedule::{Lane, Step},
            targets::TargetSet,
        },
        time::Moment,
    },
    io::trails::TrailTable,
};

/// Trails that a lane begins with: it takes more as it finds that it must wait.
pub(super) const FIRST_WINDOW: u32 = 1_024;

/// What an adaptive sweep shares.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) rules: Rules,
    pub(super) trails: Arc<TrailTable>,
}

impl Paths {
    /// The seats of a lane, one of so many.
    pub(super) fn seats(&self, lane: u32, lanes: u32) -> Range<u32> {
        let share = self.trails.seats() / lanes.max(1);
        share * lane..share * (lane + 1)
    }
}

/// A lane's walk.
#[derive(Debug)]
pub(super) struct Walk {
    paths: Paths,
    targets: Arc<TargetSet>,
    /// The paths that are still to begin: each is a step with the first TTL.
    steps: Lane,
    seats: Range<u32>,
    /// Seats in use, and the next of them.
    window: u32,
    seat: u32,
    /// When the first seat had its turn.
    cycle: Option<Moment>,
    /// The first seat had to wait for its next turn.
    waited: bool,
    /// Probes of this cycle, and when the last was sent.
    busy: u64,
    last: Moment,
    hops: SharedHops,
    /// Where a target was last found.
    anywhere: u8,
    /// Probes spared, by reason, as [`Spared`] has them.
    spared: [u64; 3],
}

/// The hops that all paths share, one bucket for each TTL.
#[derive(Debug)]
struct SharedHops {
    /// `None`: no bound.
    interval: Option<Duration>,
    /// When the next probe may leave, from TTL 1 on.
    next: [Moment; SHARED_TTLS as usize],
}

impl SharedHops {
    fn allow(&self, ttl: u8, now: Moment) -> bool {
        let next = self.next.get(usize::from(ttl) - 1);
        self.interval.is_none() || next.is_none_or(|next| *next <= now)
    }

    fn take(&mut self, ttl: u8, now: Moment) {
        let next = self.next.get_mut(usize::from(ttl) - 1);
        if let (Some(interval), Some(next)) = (self.interval, next) {
            *next = (*next).max(now - MAX_CREDIT) + interval;
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This probe.
    Probe(Step, Place),
    /// Nothing before this moment.
    Until(Moment),
    /// Nothing now: the next paths may not begin yet.
    Later,
    /// All paths are known.
    Done,
}

impl Walk {
    /// The walk of a lane over seats of its own, with so much time between two probes with
    /// the same of the TTLs that all paths share.
    pub(super) fn new(
        paths: Paths,
        targets: Arc<TargetSet>,
        steps: Lane,
        seats: Range<u32>,
        interval: Option<Duration>,
    ) -> Self {
        Self {
            window: FIRST_WINDOW.min(seats.end - seats.start),
            paths,
            targets,
            steps,
            seats,
            seat: 0,
            cycle: None,
            waited: false,
            busy: 0,
            last: Moment(0),
            hops: SharedHops {
                interval,
                next: [Moment(0); SHARED_TTLS as usize],
            },
            anywhere: 0,
            spared: [0; 3],
        }
    }

    /// The next probe, whose turn it stays; no path begins from step `reserved` on, and
    /// none has its next probe before `patience` has passed.
    pub(super) fn next(&mut self, now: Moment, patience: Duration, reserved: u64) -> Next {
        for _ in 0..=self.window {
            if self.seat >= self.window
                && let Some(next) = self.turn_round(now, patience)
            {
                return next;
            }
            self.cycle.get_or_insert(now);
            if let Some((cursor, place)) = self.here(reserved) {
                if !self.hops.allow(place.ttl, now) {
                    self.defer();
                    continue;
                }
                let step = Step {
                    cursor,
                    round: 0,
                    place: Some(place),
                    seat: self.place(),
                };
                return Next::Probe(step, place);
            }
            self.pass();
        }
        Next::Later
    }

    /// The probe has left.
    pub(super) fn sent(&mut self, ttl: u8, now: Moment) {
        self.paths.trails.probed(self.place(), ttl);
        self.hops.take(ttl, now);
        self.last = now;
        self.busy += 1;
        self.pass();
    }

    /// Its turn is over.
    pub(super) fn pass(&mut self) {
        self.seat += 1;
    }

    /// It had to wait, and comes again: the cycle is not idle.
    pub(super) fn defer(&mut self) {
        self.busy += 1;
        self.pass();
    }

    /// The path cannot be probed: how many probes of it are left out.
    pub(super) fn give_up(&mut self) -> u64 {
        let probed = self.paths.trails.state(self.place()).probed.count_ones();
        self.paths.trails.release(self.place());
        self.pass();
        u64::from(self.paths.rules.ttls().saturating_sub(probed))
    }

    /// The next path that begins.
    pub(super) fn cursor(&self) -> u64 {
        self.steps.cursor()
    }

    /// Probes spared so far, by reason.
    pub(super) fn spared(&self) -> [u64; 3] {
        self.spared
    }

    fn place(&self) -> u32 {
        self.seats.start + self.seat
    }

    /// Goes back to the first seat, or says why not yet. More seats are taken if that
    /// meant waiting.
    fn turn_round(&mut self, now: Moment, patience: Duration) -> Option<Next> {
        let exhausted = self.steps.peek().is_none();
        if self.busy == 0 && exhausted {
            return Some(Next::Done);
        }
        // Without new paths the last seats may come round sooner than the first.
        let last = if exhausted { self.last } else { Moment(0) };
        let begin = self.cycle.map(|cycle| cycle.max(last));
        let due = begin.map_or(now, |begin| begin + patience);
        if now < due {
            self.waited = true;
            return Some(Next::Until(due));
        }
        if std::mem::take(&mut self.waited) && !exhausted {
            self.window = (2 * self.window).min(self.seats.end - self.seats.start);
        }
        (self.seat, self.busy, self.cycle) = (0, 0, Some(now));
        None
    }

    /// The next probe of the path in this seat, or the first of the next path.
    fn here(&mut self, reserved: u64) -> Option<(u64, Place)> {
        let seat = self.place();
        if let Some((target, flow)) = self.paths.trails.path(seat) {
            let state = self.paths.trails.state(seat);
            if let Some(ttl) = state.next(self.paths.rules) {
                let cursor = self.paths.trails.cursor(seat);
                return Some((cursor, Place { target, ttl, flow }));
            }
            self.settle(target, &state);
            self.paths.trails.release(seat);
        }
        while self.steps.cursor() < reserved {
            let step = self.steps.peek()?;
            self.steps.advance();
            if let Some(place) = step.place {
                let ttl = self.begin(place, step.cursor);
                return Some((step.cursor, Place { ttl, ..place }));
            }
        }
        None
    }

    /// Begins a path where its neighbours were found; gives the TTL of its first probe.
    fn begin(&mut self, Place { target, flow, .. }: Place, cursor: u64) -> u8 {
        let trails = &self.paths.trails;
        let address = self.targets.get(target);
        let hint = |prefix| address.map_or(0, |address| trails.hint(address, prefix));
        let network = hint(Prefix::Network);
        let hints = [network, hint(Prefix::Region), self.anywhere];
        let ttl = self.paths.rules.start(hints);
        let beginning = Trail::beginning(ttl, network);
        trails.begin(self.place(), (target, flow), cursor, beginning);
        ttl
    }

    /// Counts what was spared of a path that is done, and tells its neighbours.
    fn settle(&mut self, target: u32, state: &State) {
        let Spared {
            target_reached,
            gap_limit,
            known_path,
        } = state.spared(self.paths.rules);
        let spared = [target_reached, gap_limit, known_path];
        for (sum, count) in self.spared.iter_mut().zip(spared) {
            *sum += u64::from(count);
        }
        let distance = state.distance();
        if let (1.., Some(address)) = (distance, self.targets.get(target)) {
            self.paths.trails.found(address, distance);
            self.anywhere = distance;
        }
    }
}
