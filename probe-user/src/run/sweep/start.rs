//! Starts the threads of a sweep.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use super::{
    control::{LaneCounts, Orders, ReaderCounts, spawn},
    lane::{Common, LaneResult, Sending},
    prepare::{Equipment, Sizing},
    reader::{Conveyor, ReaderResult, Reading},
    save::Saving,
    status::Status,
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

/// Longest wait of a reader that is woken for many events at once, and otherwise.
const BATCHED_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_millis(50);

/// A sweep under way.
pub(super) struct Sweep {
    pub(super) plan: SweepPlan,
    pub(super) schedule: Schedule,
    pub(super) rate: Option<u64>,
    pub(super) kernel: Kernel,
    pub(super) attachments: Vec<Attachment>,
    pub(super) orders: Arc<Orders>,
    pub(super) lanes: Vec<Lane>,
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
    let saving = Saving::new(&plan, plan.digest(), begin);
    let desk = Arc::new(Desk::default());
    let (writer, conveyor) = start_writer(&plan, &equipment.attachments, &desk)?;
    saving.first()?;
    let attached = equipment.attachments.iter();
    let notices = attached.filter_map(|attachment| attachment.notice.as_ref());
    for notice in sizing.notice.iter().chain(notices) {
        notify(&plan, notice);
    }
    let orders = Arc::new(Orders::new(ways, saving.reserved()));
    orders.set_rate(share(sizing.rate, plan.lanes));
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
    let slots = u64::from(equipment.slots.ports().slots());
    let readers = start_readers(equipment.rings, &common, conveyor.as_ref(), sizing, &seats)?;
    let journal = Journal::begin();
    let senders = equipment.slots.part(plan.lanes as u16).into_iter();
    let senders = senders.zip(equipment.transmitters);
    let lanes = start_lanes(&plan, &schedule, begin, &common, senders, &seats)?;
    Ok(Sweep {
        status,
        schedule,
        rate: sizing.rate,
        kernel: equipment.kernel,
        attachments: equipment.attachments,
        orders,
        lanes,
        readers,
        writer,
        desk,
        journal,
        saving,
        slots,
        device_drops: 0,
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
            rest: if sizing.batched {
                BATCHED_REST
            } else {
                LONGEST_REST
            },
            processors: seats.others(),
        };
        let thread = spawn(format!("probe-rx-{number}"), move || reading.run());
        let thread = thread.map_err(|error| unable("start a thread", &error))?;
        Ok(Reader { counts, thread })
    };
    rings.into_iter().enumerate().map(start).collect()
}

/// A thread for each sender.
fn start_lanes(
    plan: &SweepPlan,
    schedule: &Schedule,
    begin: u64,
    common: &Arc<Common>,
    senders: impl Iterator<Item = (SlotTable, Transmitter)>,
    seats: &Seats,
) -> Result<Vec<Lane>> {
    let start = |(number, (slots, transmitter))| {
        let counts = Arc::new(LaneCounts::default());
        let lane = schedule.lane(number, plan.lanes, begin);
        counts.cursor.set(lane.cursor());
        let sending = Sending::new(
            common.clone(),
            counts.clone(),
            lane,
            slots,
            transmitter,
            budget(plan, number),
            seats.lane(number),
        );
        let thread = spawn(format!("probe-tx-{number}"), move || sending.run());
        let thread = thread.map_err(|error| unable("start a thread", &error))?;
        Ok(Lane { counts, thread })
    };
    (0..).zip(senders).map(start).collect()
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
        durable: plan.output.checkpoint.is_some() || plan.output.format == RecordFormat::Parquet,
        batches: incoming,
        processors: Seats::of(plan.lanes).others(),
        undurable: std::collections::VecDeque::new(),
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
        let lanes = lanes as usize;
        if all.len() <= lanes {
            return Self {
                lanes: Vec::new(),
                others: Vec::new(),
            };
        }
        // The last: the first often has more interrupts to serve.
        let lanes = all.split_off(all.len() - lanes);
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
