//! Starts the threads of a sweep.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use super::{
    backend,
    ceiling::Ceiling,
    control::{LaneCounts, Orders, ReaderCounts, spawn},
    generate::{Generating, Steering},
    lane::{Common, Course, Sending},
    prepare::{Equipment, Senders, Sizing},
    reader::{Conveyor, ReaderResult, Reading},
    result::LaneResult,
    save::Saving,
    status::Status,
    walk::{FIRST_WINDOW, Paths, Walk},
    writer::{Desk, Writing},
};
use crate::{
    engine::sweep::{
        plan::{Backlog, RecordFormat, SweepPlan},
        schedule::Schedule,
        syn::SynGuard,
    },
    error::{Error, Result},
    io::{
        bpf::{Attachment, Kernel},
        generator::{self, Beginning, Generator},
        network::WayMap,
        ports::Reservation,
        processors,
        ring::RingSet,
        slots::SlotTable,
        transmit::Transmitter,
    },
    run::metadata::Journal,
    sink::{self, Sink},
};

/// Events that may wait for the writer: 64 MiB of them.
pub(super) const MOST_WAITING: usize = 1 << 20;

/// A sweep under way.
pub(super) struct Sweep {
    pub(super) plan: SweepPlan,
    pub(super) schedule: Schedule,
    pub(super) rate: Option<u64>,
    /// As fast as it may become on the way.
    pub(super) ceiling: Ceiling,
    pub(super) kernel: Kernel,
    pub(super) attachments: Vec<Attachment>,
    pub(super) orders: Arc<Orders>,
    pub(super) lanes: Vec<Lane>,
    /// Of lanes that the generator sends.
    pub(super) steering: Option<Steering>,
    /// Frames that leave the generator together.
    pub(super) batch: Option<u32>,
    pub(super) readers: Vec<Reader>,
    pub(super) writer: Option<JoinHandle<()>>,
    pub(super) desk: Arc<Desk>,
    pub(super) journal: Journal,
    pub(super) saving: Saving,
    pub(super) status: Status,
    /// Slots of the run.
    pub(super) slots: u64,
    /// Packets, replies or not, that the devices dropped on their way in.
    pub(super) device_drops: u64,
    /// Of an adaptive sweep.
    pub(super) paths: Option<Paths>,
    /// Held so that no other run takes the ports.
    pub(super) _reservation: Reservation,
}

/// A sending thread.
pub(super) struct Lane {
    pub(super) counts: Arc<LaneCounts>,
    pub(super) thread: JoinHandle<(LaneResult, SlotTable)>,
}

/// A reading thread.
pub(super) struct Reader {
    pub(super) counts: Arc<ReaderCounts>,
    pub(super) thread: JoinHandle<ReaderResult>,
}

/// Opens what is written to, then starts writer, readers and lanes, in this order.
pub(super) fn start(
    plan: SweepPlan,
    sizing: &Sizing,
    equipment: Equipment,
    ways: WayMap,
) -> Result<Sweep> {
    let schedule = plan.schedule();
    let begin = plan.resumed.as_ref().map_or(0, |before| before.cursor);
    let status = Status::new(&plan, &schedule, begin)?;
    let seats = equipment.trails.as_ref().map_or(0, |trails| trails.seats());
    let desk = Arc::new(Desk::default());
    let saving = Saving::new(&plan, begin, &equipment.senders, seats, &desk);
    let (writer, conveyor) = start_writer(&plan, &equipment.attachments, &desk)?;
    saving.first()?;
    let attached = equipment.attachments.iter();
    let notices = attached.filter_map(|attachment| attachment.notice.as_ref());
    for notice in equipment.notice.iter().chain(&sizing.notice).chain(notices) {
        notify(&plan, notice);
    }
    let orders = Arc::new(Orders::new(ways, saving.reserved()));
    orders.set_rate(share(sizing.rate, plan.lanes));
    orders.set_patience(plan.probes.timeout);
    let paths = plan.rules().zip(equipment.trails);
    let paths = paths.map(|(rules, trails)| Paths { rules, trails });
    let guarded = plan.probes.opens_connections();
    let common = Arc::new(Common {
        targets: plan.targets.clone(),
        probes: plan.probes.clone(),
        syn_guard: guarded
            .then(|| Arc::new(SynGuard::new(plan.targets.len(), plan.probes.timeout))),
        beyond_target: plan.beyond_target,
        again_before: plan.resumed.as_ref().map_or(0, |before| before.reserved),
        round_interval: plan.round_interval,
        orders: orders.clone(),
    });
    let seats = Seats::of(plan.lanes);
    let interfaces: Vec<u32> = orders.ways().paths().map(|path| path.ifindex).collect();
    let slots = u64::from(equipment.slots.ports().slots());
    let readers = start_readers(equipment.rings, &common, conveyor.as_ref(), sizing, &seats)?;
    let journal = Journal::begin();
    let parts = equipment.slots.part(plan.lanes as u16);
    let (lanes, steering, batch) = match equipment.senders {
        Senders::Sockets(transmitters) => {
            let senders = parts.into_iter().zip(transmitters);
            let job = Job {
                plan: &plan,
                schedule: &schedule,
                begin,
                paths: paths.as_ref(),
            };
            let lanes = start_lanes(&job, &common, senders, &seats)?;
            (lanes, None, None)
        }
        Senders::Generator {
            mut generator,
            batch,
        } => {
            generator.set_ways(&orders.ways());
            let job = Job {
                plan: &plan,
                schedule: &schedule,
                begin,
                paths: paths.as_ref(),
            };
            let live = Live {
                batch,
                ring_limit: u64::from(sizing.ring_bytes) / 2,
                ifindex: interfaces.first().copied().unwrap_or(0),
            };
            let (lanes, steering) = start_generator(&job, &live, generator, &orders, parts)?;
            (lanes, Some(steering), Some(batch))
        }
    };
    Ok(Sweep {
        status,
        schedule,
        rate: sizing.rate,
        ceiling: sizing.ceiling,
        kernel: equipment.kernel,
        attachments: equipment.attachments,
        orders,
        lanes,
        steering,
        batch,
        readers,
        writer,
        desk,
        journal,
        saving,
        slots,
        device_drops: 0,
        paths,
        _reservation: equipment.reservation,
        plan,
    })
}

/// A thread for each ring.
fn start_readers(
    rings: RingSet,
    common: &Common,
    conveyor: Option<&Conveyor>,
    sizing: &Sizing,
    seats: &Seats,
) -> Result<Vec<Reader>> {
    let rings = rings.readers();
    let rings = rings.map_err(|error| unable("wait for ring buffers", &error))?;
    let start = |(number, ring)| {
        let counts = Arc::new(ReaderCounts::default());
        let reading = Reading {
            ring,
            orders: common.orders.clone(),
            counts: counts.clone(),
            syn_guard: common.syn_guard.clone(),
            conveyor: conveyor.cloned(),
            look: sizing.look,
            processors: seats.others(),
        };
        let thread = spawn(format!("probe-rx-{number}"), move || reading.run());
        let thread = thread.map_err(|error| unable("start a thread", &error))?;
        Ok(Reader { counts, thread })
    };
    rings.into_iter().enumerate().map(start).collect()
}

/// What lanes are to do.
struct Job<'a> {
    plan: &'a SweepPlan,
    schedule: &'a Schedule,
    /// First step.
    begin: u64,
    /// Of an adaptive sweep.
    paths: Option<&'a Paths>,
}

impl Job<'_> {
    /// The steps of a lane.
    fn course(&self, lane: u32) -> Course {
        let lanes = self.plan.lanes;
        let steps = self.schedule.lane(lane, lanes, self.begin);
        let Some(paths) = self.paths else {
            return Course::Full(steps);
        };
        let seats = paths.seats(lane, lanes);
        Course::Adaptive(Walk::new(
            paths.clone(),
            self.plan.targets.clone(),
            steps,
            seats,
            self.plan.hop_interval(),
        ))
    }
}

/// A thread for each sender.
fn start_lanes(
    job: &Job<'_>,
    common: &Arc<Common>,
    senders: impl Iterator<Item = (SlotTable, Transmitter)>,
    seats: &Seats,
) -> Result<Vec<Lane>> {
    let start = |(number, (slots, transmitter))| {
        let counts = Arc::new(LaneCounts::default());
        let course = job.course(number);
        counts.cursor.set(course.cursor());
        let sending = Sending::new(
            common.clone(),
            counts.clone(),
            course,
            slots,
            transmitter,
            budget(job.plan, number),
            seats.lane(number),
        );
        let thread = spawn(format!("probe-tx-{number}"), move || sending.run());
        let thread = thread.map_err(|error| unable("start a thread", &error))?;
        Ok(Lane { counts, thread })
    };
    (0..).zip(senders).map(start).collect()
}

/// How the generator's lanes run.
struct Live {
    batch: u32,
    ring_limit: u64,
    /// The interface that frames seem to come from.
    ifindex: u32,
}

/// A thread for each lane, which lends the generator its processor.
fn start_generator(
    job: &Job<'_>,
    live: &Live,
    generator: Generator,
    orders: &Arc<Orders>,
    parts: Vec<SlotTable>,
) -> Result<(Vec<Lane>, Steering)> {
    generator::allow_interrupts().map_err(|error| unable("catch a signal", &error))?;
    let plan = job.plan;
    let octets = backend::octets(plan, !plan.targets.is_v4_only());
    let mut processors = processors::allowed();
    let (mut lanes, mut words) = (Vec::new(), Vec::new());
    let mut works = Vec::new();
    for (number, slots) in (0..).zip(parts) {
        let steps = job.schedule.lane(number, plan.lanes, job.begin);
        let seats = job
            .paths
            .map_or(0..0, |paths| paths.seats(number, plan.lanes));
        let beginning = Beginning {
            number,
            round: steps.round(),
            offset: steps.offset(),
            cursor: steps.cursor(),
            budget: budget(plan, number),
            ring_limit: live.ring_limit,
            first_seat: seats.start,
            seats: seats.end - seats.start,
            window: FIRST_WINDOW.min(seats.end - seats.start),
        };
        // The last: the first often has more interrupts to serve.
        let processor = processors.pop().unwrap_or(0);
        let of_lane = generator.lane(processor, &beginning, &slots);
        let frames = generator.frames(live.ifindex, octets, live.batch);
        words.push(of_lane.clone());
        works.push(Generating {
            orders: orders.clone(),
            words: of_lane,
            frames: frames.map_err(|error| unable("open the generator again", &error))?,
            processor,
            slots,
        });
    }
    let steering = Steering::new(generator, words);
    steering.begin(orders);
    for (number, work) in works.into_iter().enumerate() {
        let counts = Arc::new(LaneCounts::default());
        let thread = spawn(format!("probe-tx-{number}"), move || work.run());
        let thread = thread.map_err(|error| unable("start a thread", &error))?;
        lanes.push(Lane { counts, thread });
    }
    Ok((lanes, steering))
}

/// How many probes a lane may send: all lanes together as many as the user allows.
fn budget(plan: &SweepPlan, lane: u32) -> u64 {
    let (lane, lanes) = (u64::from(lane), u64::from(plan.lanes));
    let most = plan.limits.probes;
    most.map_or(u64::MAX, |most| {
        most / lanes + u64::from(lane < most % lanes)
    })
}

/// The writer's thread and the way to it; neither if no records are written.
fn start_writer(
    plan: &SweepPlan,
    attachments: &[Attachment],
    desk: &Arc<Desk>,
) -> Result<(Option<JoinHandle<()>>, Option<Conveyor>)> {
    if plan.output.format == RecordFormat::None {
        return Ok((None, None));
    }
    desk.learn(attachments);
    let (sink, selection): (Box<dyn Sink + Send>, _) = sink::open_sweep(plan)?;
    let (batches, incoming) = mpsc::channel();
    let writing = Writing {
        sink,
        selection,
        targets: plan.targets.clone(),
        desk: desk.clone(),
        kept: sink::kept(plan),
        durable: plan.output.checkpoint.is_some() || plan.output.format == RecordFormat::Parquet,
        batches: incoming,
        processors: Seats::of(plan.lanes).others(),
        undurable: std::collections::VecDeque::new(),
        durable_records: 0,
    };
    let thread = spawn("probe-out".into(), move || writing.run());
    let thread = thread.map_err(|error| unable("start a thread", &error))?;
    let waiting = desk.in_line.clone();
    let conveyor = Conveyor {
        batches,
        waiting,
        drop_above: (plan.output.backlog == Backlog::Drop).then_some(MOST_WAITING),
    };
    Ok((Some(thread), Some(conveyor)))
}

/// Which processors the threads stay on: each lane has one to itself, if others are
/// left for the rest. What a lane sends is answered on the same processor where the
/// far end is near, so that readers beside it would only be in its way.
struct Seats {
    lanes: Vec<usize>,
    others: Vec<usize>,
}

impl Seats {
    fn of(lanes: u32) -> Self {
        let mut all = processors::allowed();
        // The last: the first often has more interrupts to serve.
        let lanes = all.split_off(all.len().saturating_sub(lanes as usize));
        Self { lanes, others: all }
    }

    fn lane(&self, number: u32) -> Option<Vec<usize>> {
        self.lanes.get(number as usize).map(|seat| vec![*seat])
    }

    fn others(&self) -> Option<Vec<usize>> {
        (!self.others.is_empty()).then(|| self.others.clone())
    }
}

/// A lane's part of the rate.
pub(super) fn share(rate: Option<u64>, lanes: u32) -> Option<u64> {
    rate.map(|rate| (rate / u64::from(lanes.max(1))).max(1))
}

/// A line for the user, unless told to be quiet.
pub(super) fn notify(plan: &SweepPlan, line: &str) {
    if !plan.output.quiet {
        eprintln!("probe: {line}");
    }
}

fn unable(what: &str, error: &std::io::Error) -> Error {
    Error::Environment(format!(
        "cannot {what}: {error}; raise the limits of this process (ulimit)"
    ))
}
