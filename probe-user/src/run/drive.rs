//! The loop: events in, probes out, until the sessions are done.

use std::{io, time::Duration};

use futures_util::StreamExt as _;
use probe_common::abi::Outcome as EventOutcome;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    describe::Describe,
    equip::{Equipment, Held},
    host::HostWatch,
    intervals::Intervals,
    metadata::Journal,
    receive::{Heard, Receiver},
    reports::Reports,
    scrape::Scraped,
    sender::Sender,
    status::{Progress, Status},
    ways::Ways,
};
use crate::{
    engine::{
        answer::{ip, reply},
        cause::Unsent,
        core::Engine,
        plan::{Job, Plan},
        time::{Moment, nanoseconds},
    },
    error::{Error, Outcome, Result},
    io::{
        bpf::Kernel,
        clock,
        http::Scrape,
        network::{Change, Changes, Network},
    },
    sink::Sink,
};

/// Probes sent between two looks at the rings.
const BURST: usize = 64;

/// Longest sleep: rings are looked at again even if a wake-up was lost.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// Longest sleep where the reader is woken for many events at once.
const BATCHED_SLEEP: Duration = Duration::from_millis(1);

/// Longest sleep while a report waits for names.
const NAMES_SLEEP: Duration = Duration::from_millis(5);

/// Sleeps that the runtime's timer cannot do are done by the thread.
const TIMER_RESOLUTION: Duration = Duration::from_millis(1);

/// Parts of an interval that a ping's probes may be late by: who sends to very many
/// targets, sends some at a time.
const PUNCTUALITY: u32 = 100;

/// How the loop ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All sessions are done.
    Done,
    /// By a signal.
    Signal(u8),
    /// Results cannot be written any more.
    Output(io::Error),
    /// An interface is gone.
    Interface(String),
}

/// What wakes the loop.
enum Wake {
    Look,
    Signal(u8),
    Change(Option<Change>),
    Scrape(Scrape),
}

/// Runs the engine to its end and writes what it found.
pub(super) async fn drive<S: Describe>(
    plan: &Plan,
    network: &Network,
    ways: Ways,
    equipment: Equipment,
    engine: Engine<S>,
    sink: Box<dyn Sink>,
) -> Result<Outcome> {
    for error in ways.lost.iter().chain(&ways.silent) {
        notify(plan, &error.to_string());
    }
    let attachments = equipment.attachments.iter();
    let notices = attachments.filter_map(|attachment| attachment.notice.as_ref());
    for notice in notices.chain(&equipment.notice) {
        notify(plan, notice);
    }
    let changes = network.watch()?;
    network.keep_neighbours_fresh();
    network.wait_no_more();
    let scraped = Scraped::open(plan, &ways).await?;
    let mut driver = Driver::new(plan, ways, equipment, engine, sink);
    driver.scraped = scraped;
    driver.look_at_host(network).await;
    let ending = driver.run(network, changes).await?;
    driver.look_at_host(network).await;
    driver.finish(ending).await
}

/// Everything that moves.
pub(super) struct Driver<'a, S> {
    pub(super) plan: &'a Plan,
    pub(super) ways: Ways,
    pub(super) engine: Engine<S>,
    pub(super) kernel: Kernel,
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    pub(super) reports: Reports,
    pub(super) sink: Box<dyn Sink>,
    pub(super) journal: Journal,
    pub(super) seed: u64,
    pub(super) host: HostWatch,
    pub(super) status: Status,
    intervals: Option<Intervals>,
    scraped: Option<Scraped>,
    /// Replies that went into the results.
    pub(super) recorded: u64,
    /// Replies that could not be written.
    pub(super) unwritten: u64,
    /// Room for the replies of one turn.
    heard: Vec<Heard>,
    sleep: Duration,
    /// Shortest sleep while nothing is due.
    least_sleep: Duration,
    /// Paths may be others than they were.
    pub(super) stale_since: Option<Moment>,
    /// Not before this moment are they looked up again.
    pub(super) next_renewal: Moment,
    _held: Held,
}

impl<'a, S: Describe> Driver<'a, S> {
    fn new(
        plan: &'a Plan,
        ways: Ways,
        equipment: Equipment,
        engine: Engine<S>,
        sink: Box<dyn Sink>,
    ) -> Self {
        let timeout_ns = nanoseconds(plan.probes.timeout);
        let names = plan.output.dns && S::NAMES_RESPONDERS;
        Self {
            plan,
            kernel: equipment.kernel,
            receiver: Receiver::new(equipment.rings, equipment.attachments, timeout_ns),
            sender: Sender::new(equipment.transmitter, equipment.slots, plan.probes.clone()),
            reports: Reports::new(engine.sessions().len(), names),
            engine,
            sink,
            journal: Journal::begin(),
            seed: equipment.seed,
            host: HostWatch::default(),
            // Pings show their replies, and their summary at the end.
            status: Status::new(plan, !S::AT_END, clock::now()),
            intervals: plan
                .output
                .report_interval
                .map(|every| Intervals::new(every, clock::now())),
            scraped: None,
            recorded: 0,
            unwritten: 0,
            heard: Vec::new(),
            sleep: if equipment.batched {
                BATCHED_SLEEP
            } else {
                LONGEST_SLEEP
            },
            least_sleep: least_sleep(plan),
            stale_since: None,
            next_renewal: Moment(0),
            ways,
            _held: equipment.held,
        }
    }

    async fn run(&mut self, network: &Network, mut changes: Changes) -> Result<Ending> {
        let mut interrupt = catch(SignalKind::interrupt())?;
        let mut terminate = catch(SignalKind::terminate())?;
        let mut signalled = None;
        loop {
            if let Err(error) = self.turn() {
                return Ok(Ending::Output(error));
            }
            if self.engine.is_done() && self.reports.is_empty() {
                return Ok(signalled.map_or(Ending::Done, Ending::Signal));
            }
            if let Err(error) = self.keep_ways(network).await {
                return Ok(Ending::Interface(error.to_string()));
            }
            if self.host.is_due(clock::now()) {
                self.look_at_host(network).await;
            }
            let wake = self.wait(&mut interrupt, &mut terminate, &mut changes);
            match wake.await? {
                Wake::Look => {}
                Wake::Signal(number) if signalled.is_some() => return Ok(Ending::Signal(number)),
                Wake::Signal(number) => {
                    signalled = Some(number);
                    self.engine.stop(clock::now());
                }
                Wake::Change(Some(change)) => {
                    if let Err(error) = self.follow(network, &change).await {
                        return Ok(Ending::Interface(error.to_string()));
                    }
                }
                Wake::Scrape(scrape) => self.answer(scrape),
                Wake::Change(None) => changes = network.watch()?,
            }
        }
    }

    /// One turn: events, timeouts, probes, reports.
    fn turn(&mut self) -> io::Result<()> {
        self.look_at_clocks();
        // A probe whose time is up by now has its answer in a ring, if it has one:
        // what is answered and not read by then is lost.
        let now = clock::now();
        self.read()?;
        let slots = &self.sender.slots;
        self.engine.handle_timeout(now, |lease| slots.fate(lease));
        self.send();
        if !S::AT_END {
            for session in self.engine.take_done() {
                self.describe(session as usize);
            }
        }
        self.status.tick(now, self.progress());
        self.report_intervals(now)?;
        if self.reports.is_empty() {
            return self.sink.flush();
        }
        let (reports, sink) = (&mut self.reports, self.sink.as_mut());
        self.status.aside(|| {
            reports.write(sink, now)?;
            sink.flush()
        })
    }

    fn progress(&self) -> Progress {
        let sessions = self.engine.sessions().len();
        Progress {
            done: sessions.saturating_sub(self.engine.live()),
            sessions,
            probes: self.sender.attempts.planned,
            replies: self.recorded,
        }
    }

    /// Takes all events out of the rings; writes replies, if they are wanted.
    pub(super) fn read(&mut self) -> io::Result<()> {
        let now = clock::now();
        let mut heard = std::mem::take(&mut self.heard);
        let slots = &self.sender.slots;
        self.receiver.read(&mut self.engine, slots, now, &mut heard);
        let mut result = Ok(());
        for heard in heard.drain(..) {
            if heard.answer.outcome == EventOutcome::Valid {
                self.observe(&heard);
                self.reports.meet(&heard.answer, now);
            }
            if result.is_ok() {
                // A sink that fails counts what it loses, this reply included.
                result = self.record(&heard);
                self.recorded += 1;
            } else {
                self.unwritten += 1;
            }
        }
        self.heard = heard;
        result
    }

    fn observe(&mut self, heard: &Heard) {
        if let Some(scraped) = &mut self.scraped
            && heard.event.rtt_ns().is_some()
            && heard.answer.kind.reaches_target()
        {
            scraped.observe(heard.event.target, &heard.answer);
        }
    }

    fn answer(&mut self, scrape: Scrape) {
        if let Some(scraped) = &mut self.scraped {
            let sessions = self.engine.sessions().iter();
            scraped.answer(scrape, sessions.filter_map(Describe::totals));
        }
    }

    fn record(&mut self, heard: &Heard) -> io::Result<()> {
        if !self.sink.wants_replies() {
            return Ok(());
        }
        let event = &heard.event;
        let place = S::way(event.target as usize, self.plan.probes.flows);
        let way = self.ways.found.get(place);
        let target = way.map_or_else(|| ip(event.responder), |way| way.target.address);
        let extensions = heard.answer.extensions.as_deref();
        match reply(event, extensions, target, heard.answer.stamp) {
            Some(reply) => self.sink.reply(&reply),
            None => Ok(()),
        }
    }

    /// Sends what is due, in bursts, so that the rings are looked at in between.
    fn send(&mut self) {
        let flows = self.plan.probes.flows;
        for _ in 0..BURST {
            let now = clock::now();
            let Some(key) = self.engine.poll_transmit(now) else {
                break;
            };
            let way = self.ways.found.get(S::way(key.session as usize, flows));
            let protocol = self.engine.protocol(key);
            // Each session has its way.
            let queued = way.map_or(Err(Unsent::Vanished), |way| {
                self.sender.queue(key, protocol, way, now)
            });
            if let Err(why) = queued {
                self.engine.handle_refused(key, why, now);
            }
        }
        if self.sender.queued() > 0 {
            self.sender.flush(&mut self.engine, clock::now());
            self.journal.sent();
        }
    }

    /// Reports what sessions found in the interval that is over, if one is.
    fn report_intervals(&mut self, now: Moment) -> io::Result<()> {
        let Some(intervals) = &mut self.intervals else {
            return Ok(());
        };
        for session in intervals.take(self.engine.sessions().len(), now) {
            let way = S::way(session, self.plan.probes.flows);
            let (Some(way), Some(state)) =
                (self.ways.found.get(way), self.engine.session_mut(session))
            else {
                continue;
            };
            if let Some(interval) = state.close_interval(now) {
                let stamp = self.receiver.stamp_of_path(way.path.ifindex);
                let host = self.host.report(self.journal.slept_ns());
                let report = state.describe(self.plan, way, session, stamp);
                report
                    .with_host(host)
                    .while_it_lasts(interval)
                    .write(self.sink.as_mut())?;
            }
        }
        Ok(())
    }

    /// Describes a session, once.
    pub(super) fn describe(&mut self, session: usize) {
        let way = S::way(session, self.plan.probes.flows);
        let (Some(way), Some(state)) = (
            self.ways.found.get(way),
            self.engine.sessions().get(session),
        ) else {
            return;
        };
        if self.reports.is_due(session) {
            let stamp = self.receiver.stamp_of_path(way.path.ifindex);
            let host = self.host.report(self.journal.slept_ns());
            let report = state.describe(self.plan, way, session, stamp);
            self.reports.add(report.with_host(host));
        }
    }

    async fn wait(
        &mut self,
        interrupt: &mut Signal,
        terminate: &mut Signal,
        changes: &mut Changes,
    ) -> Result<Wake> {
        let rest = self.rest();
        let short = rest <= TIMER_RESOLUTION;
        if short {
            std::thread::sleep(rest);
            tokio::task::yield_now().await;
        }
        tokio::select! {
            biased;
            _ = interrupt.recv() => Ok(Wake::Signal(number(SignalKind::interrupt()))),
            _ = terminate.recv() => Ok(Wake::Signal(number(SignalKind::terminate()))),
            change = changes.next() => Ok(Wake::Change(change)),
            scrape = next_scrape(&mut self.scraped) => Ok(Wake::Scrape(scrape)),
            readable = self.receiver.rings.readable() => readable
                .map(|()| Wake::Look)
                .map_err(|error| Error::CutShort(format!("cannot wait for replies: {error}"))),
            () = std::future::ready(()), if short => Ok(Wake::Look),
            () = tokio::time::sleep(rest), if !short => Ok(Wake::Look),
        }
    }

    /// How long nothing is due.
    fn rest(&self) -> Duration {
        let now = clock::now();
        let longest = if self.reports.is_empty() {
            self.sleep
        } else {
            self.sleep.min(NAMES_SLEEP)
        };
        let report = self.intervals.as_ref().map(Intervals::due);
        let due = self.engine.poll_timeout(now);
        let due = due.into_iter().chain(report).min();
        due.map_or(longest, |moment| match moment.since(now) {
            Duration::ZERO => Duration::ZERO,
            rest => rest.max(self.least_sleep).min(longest),
        })
    }
}

/// No probe is late by more than a hundredth of its interval, nor by more than the
/// runtime's timer is. Times are not changed by that: both stamps are the kernel's.
fn least_sleep(plan: &Plan) -> Duration {
    match &plan.job {
        Job::Ping(options) => TIMER_RESOLUTION.min(options.interval / PUNCTUALITY),
        Job::Trace(_) => Duration::ZERO,
    }
}

/// The next who asks for figures; pending for ever where nobody can.
async fn next_scrape(scraped: &mut Option<Scraped>) -> Scrape {
    if let Some(scraped) = scraped
        && let Some(scrape) = scraped.next().await
    {
        return scrape;
    }
    std::future::pending().await
}

fn catch(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| Error::Environment(format!("cannot catch signals: {error}")))
}

fn number(kind: SignalKind) -> u8 {
    u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX)
}

/// A line for the user, unless told to be quiet.
pub(super) fn notify(plan: &Plan, line: &str) {
    if !plan.output.quiet {
        eprintln!("probe: {line}");
    }
}
