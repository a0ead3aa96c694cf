//! The transmitter: builds probes in the pages of live frames
//! (`BPF_PROG_TEST_RUN`), stamps their slots, and redirects them to their device.
//!
//! The program runs once for each frame, on a processor that does nothing else: a
//! *lane*. Too early for a probe, it drops the frame and comes round again.

mod backoff;
mod frame;
mod lease;
mod maps;
mod pace;
pub(crate) mod refusals;
mod step;
mod target;
mod walk;

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use probe_common::{
    Address,
    abi::{
        Counter, Generator, Protocol, TxSource,
        generator::{Lane, Way},
    },
    identity::Nonce,
    plan::Place,
    probe::{Probe, Shape},
    slot::{Record, generation},
};

use self::{maps::LanePtr, step::Step, target::Number};
use crate::{clock, maps as shared};

/// A frame that comes back to be filled again.
const IDLE: u32 = xdp_action::XDP_DROP;

/// The mark in a probe's round that says: may have been sent by a run before this one.
const AGAIN: u32 = 1 << 31;

/// Fills one frame, or not; gives the verdict of XDP.
#[inline(always)]
pub(crate) fn generate(ctx: &XdpContext) -> u32 {
    let Some(lane) = maps::lane() else {
        return IDLE;
    };
    let now = pace::now(lane);
    pace::turn(lane, now);
    if !may_send(lane, now) {
        return IDLE;
    }
    if maps::adaptive() != 0 {
        walk(ctx, lane, now)
    } else {
        march(ctx, lane, now)
    }
}

/// A full sweep: step by step.
#[inline(always)]
fn march(ctx: &XdpContext, lane: LanePtr, now: u64) -> u32 {
    let verdict = match step::peek(lane) {
        Step::Hole => IDLE,
        Step::Probe(place, number) => match send(ctx, lane, place, number, now) {
            Sent::Waits => return IDLE,
            Sent::Skipped(why) => {
                why.count(lane, 1);
                IDLE
            }
            Sent::Leaves(verdict) => verdict,
        },
    };
    step::advance(lane);
    verdict
}

/// An adaptive sweep: path by path, round and round.
#[inline(always)]
fn walk(ctx: &XdpContext, lane: LanePtr, now: u64) -> u32 {
    let Step::Probe(place, number) = walk::peek(lane) else {
        return IDLE;
    };
    if !walk::spares_hop(lane, place.ttl, now) {
        walk::defer(lane);
        return IDLE;
    }
    match send(ctx, lane, place, number, now) {
        Sent::Waits => IDLE,
        Sent::Skipped(why) => {
            why.count(lane, walk::give_up(lane));
            IDLE
        }
        Sent::Leaves(verdict) => {
            walk::sent(lane, place.ttl, now);
            verdict
        }
    }
}

/// Whether orders, plan and rate allow a probe now.
#[inline(always)]
fn may_send(lane: LanePtr, now: u64) -> bool {
    let flags = lane.flags();
    if flags & (Lane::ON | Lane::STOP) != Lane::ON || lane.done() != 0 {
        return false;
    }
    if backoff::is_on(lane, now) {
        return false;
    }
    if flags & Lane::HOLD != 0 || pace::is_ring_filling(lane) {
        lane.set_held(lane.held() + 1);
        return false;
    }
    if lane.stamped() >= lane.budget() {
        lane.set_done(1);
        return false;
    }
    if maps::adaptive() != 0 {
        return walk::may_go_on(lane, now) && pace::allows(lane, now);
    }
    if step::is_last(lane) {
        lane.set_done(1);
        return false;
    }
    lane.cursor() < lane.reserved() && pace::is_in_round(lane, now) && pace::allows(lane, now)
}

/// What became of a step.
enum Sent {
    /// There is no slot for it yet.
    Waits,
    /// It cannot be sent.
    Skipped(Why),
    /// It leaves, with this verdict.
    Leaves(u32),
}

/// Why a probe cannot be sent.
#[derive(Clone, Copy)]
enum Why {
    NoRoute,
    NoTarget,
    Unbuildable,
}

impl Why {
    #[inline(always)]
    fn count(self, lane: LanePtr, probes: u64) {
        match self {
            Self::NoRoute => lane.set_no_route(lane.no_route() + probes),
            Self::NoTarget => lane.set_no_target(lane.no_target() + probes),
            Self::Unbuildable => lane.set_unbuildable(lane.unbuildable() + probes),
        }
    }
}

#[inline(always)]
fn send(ctx: &XdpContext, lane: LanePtr, place: Place, number: Number, now: u64) -> Sent {
    let Some(way) = target::way(number, lane.ways()) else {
        return Sent::Skipped(Why::NoRoute);
    };
    if maps::v6() != 0 {
        let ends = (way.source, target::v6(number));
        // The compiler is to know that this is one.
        if ends.0.is_v4() || ends.1.is_v4() {
            return Sent::Skipped(Why::NoTarget);
        }
        of_protocol(ctx, lane, place, way, ends, now)
    } else {
        let Some(source) = way.source.v4() else {
            return Sent::Skipped(Why::NoRoute);
        };
        let ends = (Address::from_v4(source), target::v4(number));
        of_protocol(ctx, lane, place, way, ends, now)
    }
}

#[inline(always)]
fn of_protocol(
    ctx: &XdpContext,
    lane: LanePtr,
    place: Place,
    way: &Way,
    ends: (Address, Address),
    now: u64,
) -> Sent {
    match Protocol::from_code(maps::protocol()) {
        Some(Protocol::Icmp) => of(Protocol::Icmp, ctx, lane, place, way, ends, now),
        Some(Protocol::Udp) => of(Protocol::Udp, ctx, lane, place, way, ends, now),
        Some(Protocol::Tcp) => of(Protocol::Tcp, ctx, lane, place, way, ends, now),
        None => Sent::Waits,
    }
}

#[inline(always)]
fn of(
    protocol: Protocol,
    ctx: &XdpContext,
    lane: LanePtr,
    place: Place,
    way: &Way,
    (source, destination): (Address, Address),
    now: u64,
) -> Sent {
    let shape = Shape {
        protocol,
        port: maps::port(),
        tos: maps::tos(),
        ack: maps::ack() != 0,
        flow_label: match maps::flow_label() {
            Generator::OWN_LABELS => None,
            label => Some(label),
        },
    };
    let ports = shared::ports();
    let mut probe = shape.probe(ports, source, destination, place.ttl, place.flow);
    let hash = destination.hash();
    let shard = ports.shard(hash);
    let Some(lease) = lease::lease(lane, shard, now) else {
        lane.set_slot_waits(lane.slot_waits() + 1);
        return Sent::Waits;
    };
    lease::bring_next_near(shard, lease.seq16);
    probe.seq16 = lease.seq16;
    probe.nonce = lease.nonce;
    if frame::build(ctx, &probe, way).is_none() {
        return Sent::Skipped(Why::Unbuildable);
    }
    stamp(lane, &lease, record(&probe, place, lane, lease.nonce, now));
    Sent::Leaves(maps::redirect(way.ifindex))
}

#[inline(always)]
fn record(probe: &Probe, place: Place, lane: LanePtr, nonce: Nonce, now: u64) -> Record {
    let (cursor, round, seat) = if maps::adaptive() != 0 {
        (walk::cursor(lane), 0, lane.first_seat() + lane.seat())
    } else {
        (lane.cursor(), lane.round(), 0)
    };
    let again = if cursor < maps::again_before() {
        AGAIN
    } else {
        0
    };
    Record {
        nonce: nonce.0,
        previous_nonce: 0,
        tx_ns: now,
        state: generation(nonce),
        destination_hash: probe.destination.hash(),
        target: place.target,
        round: round as u32 | again,
        flow: place.flow,
        ttl: place.ttl,
        protocol: probe.protocol as u8,
        source_sum: probe.source.sum().fold(),
        tuple_sum: probe.tuple_sum(),
        tx_source: TxSource::Generator as u32,
        seat: seat as u32,
        user_ns: now as u32,
    }
}

/// Gives the slot to the probe, with its stamp, and counts it.
#[inline(always)]
fn stamp(lane: LanePtr, lease: &lease::Lease, mut record: Record) {
    record.previous_nonce = lease.previous;
    let left = lease.slot.hand_over(&record);
    lease::count(lane, left);
    shared::count(Counter::Stamped);
    maps::count_ttl(record.ttl);
    if lane.stamped() == 0 {
        refusals::expect();
    }
    lane.set_stamped(lane.stamped() + 1);
    lane.set_last_ns(record.tx_ns);
    pace::sent(lane, record.tx_ns);
    // Last of all: what this program does is no part of the way. No reply can be there.
    if maps::precise() != 0 {
        lease.slot.stamp(clock::now_ns());
    }
}
