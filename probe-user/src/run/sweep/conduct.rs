//! The loop beside the threads: signals, routes, limits, status, checkpoint.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    backend,
    ceiling::Ceiling,
    control::{Count, LaneCounts, ReaderCounts},
    finish::finish,
    limits, prepare,
    start::{MOST_WAITING, Sweep, share},
};
use crate::{
    engine::{
        sweep::{patience, plan::Backlog},
        time::Moment,
    },
    error::{Error, Outcome, Result},
    io::{
        clock,
        network::{Change, Changes, Network},
        signals,
    },
    run::attach::{self, attach},
};

/// Between two looks at the threads.
const TICK: Duration = Duration::from_millis(20);

/// Between two lines of the status.
const SECOND: Duration = Duration::from_secs(1);

/// How the rate changes with a signal: by a twentieth.
const RATE_STEP: f64 = 0.05;

/// SIGHUP.
const HANGUP: u8 = 1;

/// Why a sweep ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All was sent.
    Done,
    /// A bound that the user set was reached: as planned.
    Bound,
    /// By a signal.
    Signal(u8),
    /// By a second one: what was under way was not waited for.
    Hurried(u8),
    /// Records cannot be written any more.
    Output,
    /// It cannot or must not go on.
    CutShort(String),
}

/// What a second's sums were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) cursor: u64,
    /// Taken by the kernel, and by what stands behind the stamp.
    pub(super) taken: u64,
    /// Refused by one of them.
    pub(super) refused: u64,
    pub(super) spared: u64,
    pub(super) answered: u64,
    pub(super) slot_waits: u64,
    pub(super) held: u64,
    pub(super) shortfall: u64,
    pub(super) waiting: u64,
    pub(super) recorded: u64,
    /// Replies that the writer has dealt with.
    pub(super) taken_over: u64,
    /// Of these, written for good.
    pub(super) durable: u64,
    pub(super) ring_full: u64,
}

/// What wakes the loop.
enum Wake {
    Tick,
    Signal(u8),
    Faster(bool),
    Change(Option<Change>),
}

/// Minds the threads until the end, then ends the sweep.
pub(super) async fn conduct(
    mut sweep: Sweep,
    network: &Network,
    changes: Changes,
) -> Result<Outcome> {
    let mut signals = Signals::catch()?;
    let drops_before = sweep.device_drops(network).await;
    let begin = clock::now();
    // Whatever goes wrong, what was measured until then is written.
    let ending = match sweep.mind(network, changes, &mut signals, begin).await {
        Ok(ending) => ending,
        Err(error) => Ending::CutShort(error.to_string()),
    };
    let drops = sweep.device_drops(network).await;
    sweep.device_drops = drops.saturating_sub(drops_before);
    finish(sweep, ending, begin, &mut signals).await
}

impl Sweep {
    /// Minds the threads until all is sent and waited for, or the sweep must end.
    async fn mind(
        &mut self,
        network: &Network,
        mut changes: Changes,
        signals: &mut Signals,
        begin: Moment,
    ) -> Result<Ending> {
        let mut next_second = begin + SECOND;
        let mut ending = None;
        let mut sent_at = None;
        loop {
            let wake = tokio::select! {
                biased;
                wake = signals.next() => wake,
                change = changes.next() => Wake::Change(change),
                () = tokio::time::sleep(TICK) => Wake::Tick,
            };
            match wake {
                Wake::Tick => {}
                Wake::Signal(number) => {
                    self.orders.stop();
                    let before = ending.replace(Ending::Signal(number));
                    if let Some(Ending::Signal(_)) = before {
                        return Ok(Ending::Hurried(number));
                    }
                }
                Wake::Faster(faster) => self.change_rate(faster),
                Wake::Change(None) => changes = network.watch()?,
                Wake::Change(Some(change)) => {
                    if let Some(line) = self.follow(network, &change).await? {
                        return Ok(Ending::CutShort(line));
                    }
                }
            }
            self.orders.hold(self.is_held_up());
            self.orders.set_patience(self.patience());
            self.steer();
            self.note_sleep();
            if self.desk.has_failed() {
                return Ok(Ending::Output);
            }
            let now = clock::now();
            let mut bound = self.bound(now.since(begin))?;
            if now >= next_second {
                next_second = next_second + SECOND;
                bound = bound.or(self.second(now, begin)?);
            }
            if let (None, Some(bound)) = (sent_at, bound) {
                self.orders.stop();
                ending.get_or_insert(bound);
            }
            if sent_at.is_none() && self.lanes.iter().all(|lane| lane.thread.is_finished()) {
                sent_at = Some(now);
            }
            if sent_at.is_some_and(|sent_at: Moment| now.since(sent_at) >= self.plan.cooldown) {
                return Ok(ending.unwrap_or(Ending::Done));
            }
        }
    }

    /// Says that the host slept: stamps do not know of it.
    fn note_sleep(&mut self) {
        if let Some(suspension) = self.journal.tick() {
            let slept = Duration::from_millis(suspension.slept_ns / 1_000_000);
            let slept = humantime::format_duration(slept);
            let line = format!(
                "this host slept for {slept}; replies to what was under way have no round-trip time"
            );
            self.status.say(&self.plan, &line);
        }
    }

    /// Whether records wait that sending is to wait for.
    fn is_held_up(&self) -> bool {
        let waits = self.plan.output.backlog == Backlog::Wait;
        waits && self.desk.waiting() > MOST_WAITING / 2
    }

    /// How long a path waits for its next probe.
    pub(super) fn patience(&self) -> Duration {
        let readers = self.readers.iter();
        let bounds = readers.map(|reader| reader.counts.patience.get());
        patience::of(bounds, self.plan.probes.timeout)
    }

    /// A second has passed: tells and saves where the sweep is. Gives an ending if a
    /// limit is reached.
    fn second(&mut self, now: Moment, begin: Moment) -> Result<Option<Ending>> {
        let sums = self.sums()?;
        let elapsed = now.since(begin);
        self.status.second(elapsed, &sums);
        self.saving.second(now, &sums, &self.orders)?;
        let silence = limits::silence(&self.plan.limits, elapsed, &sums);
        Ok(silence.map(Ending::CutShort))
    }

    /// An ending if a bound is reached that is looked at in each turn.
    fn bound(&self, elapsed: Duration) -> Result<Option<Ending>> {
        let limits = &self.plan.limits;
        if limits::is_over(limits, elapsed) {
            return Ok(Some(Ending::Bound));
        }
        if limits.send_failures.is_none() {
            return Ok(None);
        }
        let refused = self.of_lanes(|lane| &lane.refused) + self.dropped()?;
        Ok(limits::failures(limits, refused).map(Ending::CutShort))
    }

    /// Frames of the generator that the driver did not take, behind their stamp.
    fn dropped(&self) -> Result<u64> {
        match self.steering {
            Some(_) => self.kernel.refused_frames(),
            None => Ok(0),
        }
    }

    fn of_lanes(&self, count: fn(&LaneCounts) -> &Count) -> u64 {
        let lanes = self.lanes.iter();
        lanes.map(|lane| count(&lane.counts).get()).sum()
    }

    /// Follows a change of the network; a line if the sweep cannot go on.
    async fn follow(&mut self, network: &Network, change: &Change) -> Result<Option<String>> {
        if let Some(line) = self.lost_interface(network, change).await {
            return Ok(Some(line));
        }
        if network.refresh(change).await {
            return self.renew_ways(network).await;
        }
        Ok(None)
    }

    /// What the threads have counted by now.
    pub(super) fn sums(&self) -> Result<Sums> {
        let of_lanes = |count| self.of_lanes(count);
        let of_readers = |count: fn(&ReaderCounts) -> &Count| -> u64 {
            let readers = self.readers.iter();
            readers.map(|reader| count(&reader.counts).get()).sum()
        };
        let cursors = self.lanes.iter().map(|lane| lane.counts.cursor.get());
        let counters = self.kernel.counters()?;
        let dropped = self.dropped()?;
        Ok(Sums {
            cursor: self.low_water(cursors.min().unwrap_or(0)),
            taken: of_lanes(|lane| &lane.taken).saturating_sub(dropped),
            refused: of_lanes(|lane| &lane.refused) + dropped,
            spared: of_lanes(|lane| &lane.spared),
            answered: of_readers(|reader| &reader.answered),
            slot_waits: of_lanes(|lane| &lane.slot_waits),
            held: of_lanes(|lane| &lane.held),
            shortfall: of_lanes(|lane| &lane.shortfall),
            waiting: self.desk.waiting() as u64,
            recorded: self.desk.counts.recorded.get(),
            taken_over: self.desk.counts.taken(),
            durable: self.desk.counts.durable.get(),
            ring_full: counters.get(probe_common::abi::Counter::RingFull),
        })
    }

    /// All steps before this one are done, if all before `next` have begun.
    pub(super) fn low_water(&self, next: u64) -> u64 {
        let paths = self.paths.as_ref();
        paths.map_or(next, |paths| paths.trails.low_water(next))
    }

    /// Packets that the devices that probes leave by have dropped on their way in. A
    /// device that is gone counts no more.
    async fn device_drops(&self, network: &Network) -> u64 {
        let mut sum = 0;
        for attachment in self.attachments.iter().filter(|a| a.sends) {
            let drops = network.drops(attachment.ifindex).await;
            sum += drops.map_or(0, |drops| drops.received);
        }
        sum
    }

    /// Tells the generator, if it sends, what the orders are.
    pub(super) fn steer(&mut self) {
        if let Some(steering) = &mut self.steering {
            let lanes = self.lanes.iter();
            steering.steer(
                &self.orders,
                lanes.map(|lane| (&*lane.counts, &lane.thread)),
            );
        }
    }

    fn change_rate(&mut self, faster: bool) {
        let Some(rate) = self.rate else {
            let line = "the rate has no bound that could change: give one with --rate";
            return self.status.say(&self.plan, line);
        };
        let factor = if faster {
            1.0 + RATE_STEP
        } else {
            1.0 - RATE_STEP
        };
        let asked = ((rate as f64 * factor).round() as u64).max(1);
        let Ceiling { rate: most, bound } = self.ceiling;
        let rate = asked.min(most);
        self.rate = Some(rate);
        self.orders.set_rate(share(self.rate, self.plan.lanes));
        let why = if asked > most {
            format!(", as much as {bound}")
        } else {
            String::new()
        };
        let line = format!("the rate is {rate}/s now{why}");
        self.status.say(&self.plan, &line);
    }

    /// A line if the sweep cannot go on: an interface that probes leave by now is lost.
    async fn lost_interface(&self, network: &Network, change: &Change) -> Option<String> {
        let (ifindex, line) = attach::lost(&self.attachments, change)?;
        for used in prepare::interfaces(&self.orders.ways()) {
            // One that is gone cannot be looked at any more.
            let lowest = network.attach_points(used).await.unwrap_or_default();
            if used == ifindex || lowest.iter().any(|lowest| lowest.index == ifindex) {
                return Some(line);
            }
        }
        None
    }

    /// Finds all ways anew. Where there is none for now, probes go the old way. Gives a
    /// line if what sends cannot go the new ones.
    async fn renew_ways(&mut self, network: &Network) -> Result<Option<String>> {
        let via = super::Via {
            interface: self.plan.path.interface.clone(),
            source: self.plan.path.source,
        };
        let Ok(ways) = network.map_ways(self.plan.targets.intervals(), &via).await else {
            return Ok(None);
        };
        if ways.paths().next().is_none() {
            return Ok(None);
        }
        let used = prepare::interfaces(&ways);
        let (kernel, attached) = (&mut self.kernel, &mut self.attachments);
        attach(self.plan.path.rx, network, used, kernel, attached).await?;
        self.desk.learn(&self.attachments);
        if self.steering.is_some()
            && let Some(why) = backend::unfit(&ways, network).await
        {
            return Ok(Some(format!(
                "routes changed, and the kernel's generator cannot follow: {why}; sockets can: \
                 --tx raw"
            )));
        }
        self.orders.set_ways(ways);
        Ok(None)
    }
}

/// The signals that a sweep knows.
pub(super) struct Signals {
    /// The terminal is gone; `None`: whoever started the sweep wants it to go on then.
    hangup: Option<tokio::signal::unix::Signal>,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    faster: tokio::signal::unix::Signal,
    slower: tokio::signal::unix::Signal,
}

impl Signals {
    fn catch() -> Result<Self> {
        let catch = |kind| {
            signal(kind)
                .map_err(|error| Error::Environment(format!("cannot catch signals: {error}")))
        };
        let hangup = SignalKind::hangup();
        let ignored = signals::is_ignored(HANGUP);
        Ok(Self {
            hangup: (!ignored).then(|| catch(hangup)).transpose()?,
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            faster: catch(SignalKind::user_defined1())?,
            slower: catch(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one that ends the sweep.
    pub(super) async fn end(&mut self) {
        tokio::select! {
            () = hung_up(&mut self.hangup) => {}
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    async fn next(&mut self) -> Wake {
        tokio::select! {
            () = hung_up(&mut self.hangup) => Wake::Signal(HANGUP),
            _ = self.interrupt.recv() => Wake::Signal(2),
            _ = self.terminate.recv() => Wake::Signal(15),
            _ = self.faster.recv() => Wake::Faster(true),
            _ = self.slower.recv() => Wake::Faster(false),
        }
    }
}

/// Waits until the terminal is gone, if that is of any concern.
async fn hung_up(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
