//! A sending thread: takes its steps of the schedule, gives each probe a slot,
//! builds and sends it, at its share of the rate.

use std::{collections::VecDeque, sync::Arc, thread, time::Duration};

use probe_common::{Address, plan::Place, probe::Probe};

use super::{
    burst::{Burst, Queued},
    control::{LaneCounts, Orders, REST},
    result::LaneResult,
    walk::{Next, Walk},
};
use crate::{
    engine::{
        answer::address,
        pace::Pace,
        plan::ProbeOptions,
        sweep::{
            schedule::{Lane, Step},
            syn::SynGuard,
            targets::TargetSet,
        },
        time::Moment,
    },
    io::{
        clock,
        network::WayMap,
        processors,
        slots::{SlotTable, Tenant},
        transmit::{Contact, Transmitter, UNBUILDABLE},
    },
    run::packet::{self, Ends},
};

/// Longest rest between two probes: orders are looked at again.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// Steps that wait for the SYN before theirs; beyond that the lane waits.
const MOST_DEFERRED: usize = 4_096;

/// Of these, looked at before the next step.
const DEFERRED_LOOKED_AT: usize = 16;

/// The mark in a probe's round that says: may have been sent by a run before this one.
pub(super) const AGAIN: u32 = 1 << 31;

/// What all lanes read.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) targets: Arc<TargetSet>,
    pub(super) probes: ProbeOptions,
    /// Of probes that open connections.
    pub(super) syn_guard: Option<Arc<SynGuard>>,
    /// They go beyond a target that has answered.
    pub(super) beyond_target: bool,
    /// Probes before this cursor may have been sent already.
    pub(super) again_before: u64,
    pub(super) round_interval: Duration,
    pub(super) orders: Arc<Orders>,
}

/// A sending thread's own.
pub(super) struct Sending {
    common: Arc<Common>,
    counts: Arc<LaneCounts>,
    course: Course,
    /// Steps whose target has a SYN under way, in order.
    deferred: VecDeque<Step>,
    /// The first step that was not sent before the run ended.
    given_up: Option<u64>,
    slots: SlotTable,
    burst: Burst,
    contact: Contact,
    pace: Pace,
    ways: Arc<WayMap>,
    ways_version: u64,
    /// There is no probe to send right now: no path has one, or the round is to come.
    rests: bool,
    /// Probes that may still be sent.
    budget: u64,
    /// The processor of this lane's own, if there are enough.
    processors: Option<Vec<usize>>,
    result: LaneResult,
    round: Round,
}

/// The steps of a lane.
pub(super) enum Course {
    /// All of them, in order.
    Full(Lane),
    /// Those that replies do not make unnecessary.
    Adaptive(Walk),
}

impl Course {
    /// All steps of the lane before this one have begun.
    pub(super) fn cursor(&self) -> u64 {
        match self {
            Self::Full(lane) => lane.cursor(),
            Self::Adaptive(walk) => walk.cursor(),
        }
    }
}

/// The round that a lane is in.
#[derive(Clone, Copy, Default)]
struct Round {
    number: u64,
    begin: Moment,
}

/// What became of a step.
enum Attempt {
    /// It is on its way, or counted.
    Done,
    /// There is no slot for it yet.
    Waits,
    /// It leads nowhere, for this reason.
    Impossible(&'static str),
}

/// What comes next.
enum Turn {
    /// Go on at once.
    On,
    /// Nothing can be sent before this moment.
    Until(Moment),
    /// All is sent.
    Done,
}

impl Sending {
    pub(super) fn new(
        common: Arc<Common>,
        counts: Arc<LaneCounts>,
        course: Course,
        slots: SlotTable,
        transmitter: Transmitter,
        budget: u64,
        processors: Option<Vec<usize>>,
    ) -> Self {
        let ways_version = common.orders.ways_version();
        Self {
            ways: common.orders.ways(),
            ways_version,
            contact: Contact::new(&common.probes.contact),
            pace: Pace::on_average(common.orders.rate()),
            round: Round {
                number: match &course {
                    Course::Full(lane) => lane.round(),
                    Course::Adaptive(_) => 0,
                },
                begin: clock::now(),
            },
            common,
            counts,
            course,
            deferred: VecDeque::new(),
            given_up: None,
            slots,
            burst: Burst::new(transmitter),
            rests: false,
            budget,
            processors,
            result: LaneResult {
                taken_by_ttl: vec![0; 256],
                ..LaneResult::default()
            },
        }
    }

    /// Sends until all is sent or it is told to stop.
    pub(super) fn run(mut self) -> (LaneResult, SlotTable) {
        clock::precise_sleep();
        processors::stay_on(self.processors.as_deref());
        while !self.common.orders.is_stopped() {
            match self.turn() {
                Turn::On => {}
                Turn::Until(moment) => {
                    let rest = moment.since(clock::now()).min(LONGEST_REST);
                    thread::sleep(rest);
                }
                Turn::Done => break,
            }
        }
        self.publish();
        self.result.shortfall = self.pace.shortfall();
        if let Course::Adaptive(walk) = &self.course {
            self.result.spared = walk.spared();
        }
        (self.result, self.slots)
    }

    /// Fills a burst with what may leave now, and sends it.
    fn turn(&mut self) -> Turn {
        self.look_at_orders();
        let now = clock::now();
        if self.common.orders.is_held() {
            self.result.held += 1;
            self.publish();
            return Turn::Until(now + REST);
        }
        let turn = match self.course {
            Course::Full(_) => self.fill(now),
            Course::Adaptive(_) => self.fill_from_paths(now),
        };
        self.flush(now);
        self.publish();
        turn
    }

    fn look_at_orders(&mut self) {
        let orders = &self.common.orders;
        self.pace.set_rate(orders.rate());
        let version = orders.ways_version();
        if version != self.ways_version {
            self.ways_version = version;
            self.ways = orders.ways();
        }
    }

    fn fill(&mut self, now: Moment) -> Turn {
        if std::mem::take(&mut self.rests) {
            self.pace.rest(now);
        }
        while !self.burst.is_full() {
            if let Some(turn) = self.pause(now) {
                return turn;
            }
            let Course::Full(lane) = &self.course else {
                return Turn::Done;
            };
            if lane.cursor() >= self.common.orders.reserved() {
                return Turn::Until(now + REST);
            }
            if let Some(step) = self.take_deferred(now) {
                if !self.attempt(step, now) {
                    self.deferred.push_front(step);
                    return Turn::Until(now + REST);
                }
                continue;
            }
            if self.deferred.len() >= MOST_DEFERRED {
                return Turn::Until(now + REST);
            }
            // The end of the last round is the end of all: no other is waited for.
            let Some(step) = self.peek() else {
                if self.deferred.is_empty() {
                    return Turn::Done;
                }
                return Turn::Until(now + REST);
            };
            if let Some(moment) = self.waits_for_round(now) {
                self.rests = true;
                return Turn::Until(moment);
            }
            if self.must_wait(step, now) {
                self.deferred.push_back(step);
            } else if !self.attempt(step, now) {
                return Turn::Until(now + REST);
            }
            if let Course::Full(lane) = &mut self.course {
                lane.advance();
            }
        }
        Turn::On
    }

    /// Why nothing may be sent right now.
    fn pause(&mut self, now: Moment) -> Option<Turn> {
        if !self.pace.allows(now) {
            return Some(Turn::Until(self.pace.next(now)));
        }
        (self.budget == 0).then_some(Turn::Done)
    }

    fn peek(&mut self) -> Option<Step> {
        match &mut self.course {
            Course::Full(lane) => lane.peek(),
            Course::Adaptive(_) => None,
        }
    }

    /// As [`Self::fill`], of an adaptive sweep.
    fn fill_from_paths(&mut self, now: Moment) -> Turn {
        if std::mem::take(&mut self.rests) {
            self.pace.rest(now);
        }
        while !self.burst.is_full() {
            if let Some(turn) = self.pause(now) {
                return turn;
            }
            let (patience, reserved) =
                (self.common.orders.patience(), self.common.orders.reserved());
            let Course::Adaptive(walk) = &mut self.course else {
                return Turn::Done;
            };
            let (step, place) = match walk.next(now, patience, reserved) {
                Next::Probe(step, place) => (step, place),
                Next::Until(moment) => {
                    self.rests = true;
                    return Turn::Until(moment);
                }
                Next::Later => {
                    self.rests = true;
                    return Turn::Until(now + REST);
                }
                Next::Done => return Turn::Done,
            };
            let waits = self.must_wait(step, now);
            let attempt = if waits {
                Attempt::Waits
            } else {
                self.queue(step, place, now)
            };
            let Course::Adaptive(walk) = &mut self.course else {
                return Turn::Done;
            };
            match attempt {
                Attempt::Done => walk.sent(place.ttl, now),
                Attempt::Waits if waits => walk.defer(),
                Attempt::Waits => {
                    self.result.slot_waits += 1;
                    return Turn::Until(now + REST);
                }
                Attempt::Impossible(why) => {
                    let left_out = walk.give_up();
                    self.skip(why, left_out);
                }
            }
        }
        Turn::On
    }

    /// The first of those that waited for a SYN and need not any more.
    fn take_deferred(&mut self, now: Moment) -> Option<Step> {
        let guard = self.common.syn_guard.as_ref()?;
        let mut first = self.deferred.iter().take(DEFERRED_LOOKED_AT);
        let free = |step: &Step| {
            step.place
                .is_none_or(|place| guard.is_free(place.target, now))
        };
        let place = first.position(free)?;
        self.deferred.remove(place)
    }

    /// Whether the step's target has a SYN under way.
    fn must_wait(&self, step: Step, now: Moment) -> bool {
        match (&self.common.syn_guard, step.place) {
            (Some(guard), Some(place)) => !guard.is_free(place.target, now),
            _ => false,
        }
    }

    /// Does a step; false: there is no slot for it yet.
    fn attempt(&mut self, step: Step, now: Moment) -> bool {
        let Some(place) = step.place else {
            return true;
        };
        match self.queue(step, place, now) {
            Attempt::Done => {}
            Attempt::Impossible(why) => self.skip(why, 1),
            Attempt::Waits => {
                self.result.slot_waits += 1;
                return false;
            }
        }
        true
    }

    /// All steps of the lane before this one are done.
    fn cursor(&self) -> u64 {
        let waiting = self.deferred.iter().map(|step| step.cursor).min();
        let undone = waiting.into_iter().chain(self.given_up);
        undone.fold(self.course.cursor(), u64::min)
    }

    /// A new round begins no sooner than its time has come.
    fn waits_for_round(&mut self, now: Moment) -> Option<Moment> {
        let Course::Full(lane) = &self.course else {
            return None;
        };
        let number = lane.round();
        if number == self.round.number {
            return None;
        }
        let begin = self.round.begin + self.common.round_interval;
        if now < begin {
            return Some(begin);
        }
        self.round = Round { number, begin: now };
        None
    }

    /// Puts a probe into the burst.
    fn queue(&mut self, step: Step, place: Place, now: Moment) -> Attempt {
        let Place { target, ttl, flow } = place;
        let again = step.cursor < self.common.again_before;
        let round = step.round | if again { AGAIN } else { 0 };
        let guard = self.common.syn_guard.as_ref();
        if guard.is_some_and(|guard| guard.is_beyond(target, ttl)) && !self.common.beyond_target {
            self.skip("target_reached", 1);
            return Attempt::Done;
        }
        if guard.is_some_and(|guard| !guard.claim(target, now)) {
            return Attempt::Waits;
        }
        let Some(destination) = self.common.targets.get(target) else {
            return Attempt::Impossible("no_target");
        };
        let Some(way) = self.ways.path(destination) else {
            return Attempt::Impossible("no_route");
        };
        let mut probe = self.probe(destination, address(way.source), ttl, flow);
        let tenant = Tenant {
            destination_hash: destination.hash(),
            target,
            round,
            flow,
            ttl,
            protocol: probe.protocol as u8,
            source_sum: probe.source.sum().fold(),
            tuple_sum: probe.tuple_sum(),
            seat: step.seat,
        };
        let Some(lease) = self.slots.lease(&tenant, now) else {
            return Attempt::Waits;
        };
        probe.seq16 = lease.seq16;
        probe.nonce = lease.nonce;
        self.result.planned += 1;
        let Self { burst, contact, .. } = self;
        let queued = Queued {
            cursor: step.cursor,
            ttl,
            lease,
        };
        let added = burst.add(queued, |frame| {
            frame.rebuild(&probe, contact, way.ifindex, &way.link)
        });
        if added.is_some() {
            self.pace.take();
            self.budget -= 1;
        } else {
            *self.result.failed.entry(UNBUILDABLE).or_default() += 1;
        }
        Attempt::Done
    }

    fn skip(&mut self, reason: &'static str, count: u64) {
        self.result.planned += count;
        self.result.skip(reason, count);
    }

    fn probe(&self, destination: Address, source: Address, ttl: u8, flow: u16) -> Probe {
        packet::probe(
            packet::shape(&self.common.probes),
            self.slots.ports(),
            Ends {
                source,
                destination,
            },
            ttl,
            flow,
        )
    }

    fn flush(&mut self, now: Moment) {
        if self.burst.is_empty() {
            return;
        }
        let orders = &self.common.orders;
        self.given_up = self.burst.send(&self.slots, &mut self.result, orders);
        self.result.last_sent = Some(now);
    }

    fn publish(&self) {
        let taken: u64 = self.result.taken_by_ttl.iter().sum();
        let refused = self.result.failed.values().sum::<u64>() + self.result.dropped;
        self.counts.cursor.set(self.cursor());
        self.counts.taken.set(taken);
        self.counts.refused.set(refused);
        if let Course::Adaptive(walk) = &self.course {
            self.counts.spared.set(walk.spared().iter().sum());
        }
        self.counts.slot_waits.set(self.result.slot_waits);
        self.counts.held.set(self.result.held);
        self.counts.shortfall.set(self.pace.shortfall());
    }
}
