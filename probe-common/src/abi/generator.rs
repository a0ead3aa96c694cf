//! What the generator program is told, and what it tells.

use bytemuck::{Pod, Zeroable};

use crate::{
    Address,
    adaptive::{Rules, SHARED_TTLS},
    permutation::Permutation,
    plan::Space,
};

/// Parts of a nanosecond that the interval between probes is given in, as a logarithm.
pub const INTERVAL_BITS: u32 = 10;

/// Most ways that the generator knows, and most stretches of addresses that they
/// are for; each is there twice, so that one bank can be filled while the other is
/// in use.
pub const MOST_WAYS: u32 = 256;
/// See [`MOST_WAYS`].
pub const MOST_STRETCHES: u32 = 4_096;

/// Steps that are looked up together: memory that is far away is waited for once.
pub const LOOK_AHEAD: usize = 16;

/// Constants of the generator, frozen before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Generator {
    /// Order of a round.
    pub permutation: Permutation,
    /// What its numbers stand for.
    pub space: Space,
    /// Secret that nonces are drawn from.
    pub key: [u64; 2],
    /// Steps of one round of the shard, holes included.
    pub steps_of_round: u64,
    /// Least nanoseconds from the beginning of a round to that of the next.
    pub round_interval_ns: u64,
    /// Least nanoseconds between two probes of this processor with the same TTL, if it is
    /// one that all paths share ([`SHARED_TTLS`]); 0: no bound; of an adaptive sweep.
    pub hop_interval_ns: u64,
    /// Steps before this cursor may have been done by a run before this one.
    pub again_before: u64,
    /// The part of the whole that this run does, of so many.
    pub shard: u32,
    /// See `shard`.
    pub shards: u32,
    /// Rounds.
    pub rounds: u32,
    /// Sending processors: each does every so manieth step.
    pub lanes: u32,
    /// Runs of addresses that the targets are; 0: they are a list.
    pub runs: u32,
    /// 1: the targets have IPv6 addresses; 0: IPv4.
    pub v6: u32,
    /// Frames that leave together.
    pub batch: u32,
    /// 1: a probe is stamped by a reading of the clock of its own, behind all else.
    pub precise: u32,
    /// 1: steps are paths, which are probed as far as replies make it necessary.
    pub adaptive: u32,
    /// Words of the hints, less one; of an adaptive sweep.
    pub hint_mask: u32,
    /// Bounds of all paths; of an adaptive sweep.
    pub rules: Rules,
    /// Destination port (UDP, TCP).
    pub port: u16,
    /// Octets of the contact text: even.
    pub tail_length: u16,
    /// Its folded sum.
    pub tail_sum: u16,
    /// [`super::Protocol`].
    pub protocol: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// 1: TCP probes are ACK segments.
    pub ack: u8,
    /// Explicit padding.
    pub reserved: [u8; 3],
    /// IPv6 flow label of all probes; [`Generator::OWN_LABELS`]: each flow has one of
    /// its own.
    pub flow_label: u32,
    /// The contact text.
    pub tail: [u8; 64],
}

impl Generator {
    /// No flow label: they have 20 bits.
    pub const OWN_LABELS: u32 = u32::MAX;
}

/// Where frames to some targets go. In a bank of [`MOST_WAYS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Way {
    /// Source address.
    pub source: Address,
    /// Interface; 0: there is no way.
    pub ifindex: u32,
    /// Explicit padding.
    pub reserved: u32,
    /// The Ethernet header as two words of memory that overlap: octets 0 to 7, and 6
    /// to 13.
    pub header: [[u8; 8]; 2],
}

/// A stretch of addresses that go one way: from its first to the next one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Stretch {
    /// First address, as a number: its high half.
    pub high: u64,
    /// Its low half.
    pub low: u64,
    /// Place of the way in its bank.
    pub way: u64,
}

/// A run of targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Run {
    /// First address, as a number: its high half.
    pub high: u64,
    /// Its low half; all of an IPv4 address.
    pub low: u64,
    /// Index of the first target.
    pub start: u64,
}

/// A sending processor's orders, state and counts, shared with userspace. All of it
/// is words, so that both sides can read what the other writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lane {
    // Orders: written by userspace.
    /// [`Lane::ON`] and others.
    pub flags: u64,
    /// Least time between probes, nanoseconds times 2^[`INTERVAL_BITS`]; 0: none.
    pub interval: u64,
    /// The cursor that is not to be passed.
    pub reserved: u64,
    /// Probes that may be sent in all.
    pub budget: u64,
    /// Stretches in the bank of ways in use, and, in bit 63, which bank that is.
    pub ways: u64,
    /// Bytes waiting in this processor's ring above which no probe is sent.
    pub ring_limit: u64,
    /// Number among the lanes.
    pub number: u64,
    /// First and last sequence number of this lane in each shard.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// First of this lane's trails, and how many it has.
    pub first_seat: u64,
    /// See `first_seat`.
    pub seats: u64,
    /// Least time from one probe of a path to the next, nanoseconds.
    pub patience_ns: u64,
    /// Explicit padding: what one side writes is not where the other does.
    pub orders_end: [u64; 4],

    // State: written by the program.
    /// Round of the next step.
    pub round: u64,
    /// Steps of the round before the next.
    pub offset: u64,
    /// Cursor of the next step: all before it, of this lane, are done.
    pub cursor: u64,
    /// Steps that were looked up beforehand and are still to be done.
    pub ahead: u64,
    /// Their probes, the next one last of `ahead`: target, flow, TTL and 1, from the
    /// highest bit; 0: none.
    pub places: [u64; LOOK_AHEAD],
    /// Their targets' addresses: high and low halves.
    pub highs: [u64; LOOK_AHEAD],
    /// See `highs`.
    pub lows: [u64; LOOK_AHEAD],
    /// The clock, as last read.
    pub clock_ns: u64,
    /// When the round began.
    pub round_begin_ns: u64,
    /// The round that has begun, counted from 1; 0: none.
    pub begun: u64,
    /// 1: at the last look, this processor's ring had more than `ring_limit`.
    pub full: u64,
    /// When the next probe may leave.
    pub next_ns: u64,
    /// What is left of a nanosecond, in parts as of `interval`.
    pub fraction: u64,
    /// Time that stalls have cost and that is to be made up for.
    pub owed_ns: u64,
    /// `interval` at the last stall.
    pub owed_at: u64,
    /// Frames refused on this processor, as last looked at.
    pub refused: u64,
    /// How long the device was left alone for it.
    pub backoff_ns: u64,
    /// Until when that is.
    pub resume_ns: u64,
    /// Nonces drawn.
    pub drawn: u64,
    /// Runs of the program since the last batch was full.
    pub turn: u64,
    /// Stamp of the first probe of the batch; 0: none yet.
    pub batch_ns: u64,
    /// All is done.
    pub done: u64,
    /// The next of the lane's trails.
    pub seat: u64,
    /// Trails in use.
    pub window: u64,
    /// When the first of them had its turn.
    pub cycle_ns: u64,
    /// 1: the first had to wait for its next turn.
    pub waited: u64,
    /// Probes of this cycle.
    pub busy: u64,
    /// Where a target was last found.
    pub anywhere: u64,
    /// When the next probe may leave with each TTL that all paths share, by the TTL's
    /// lowest bits.
    pub hop_next: [u64; SHARED_TTLS as usize],

    // Counts: written by the program.
    /// Probes built, stamped and handed to the device.
    pub stamped: u64,
    /// Probes without a way.
    pub no_route: u64,
    /// Probes whose target is not there.
    pub no_target: u64,
    /// Probes that could not be built.
    pub unbuildable: u64,
    /// Probes spared: [`crate::adaptive::Spared`].
    pub target_reached: u64,
    /// See `target_reached`.
    pub gap_limit: u64,
    /// See `target_reached`.
    pub known_path: u64,
    /// Waits for a slot.
    pub slot_waits: u64,
    /// Waits for a ring to be read, or by order.
    pub held: u64,
    /// Time that stalls have cost beyond what can be made up for.
    pub stalled_ns: u64,
    /// The last stamp.
    pub last_ns: u64,
    /// Slots given away whose probe was answered in time, late only, or not.
    pub answered: u64,
    /// See `answered`.
    pub late_only: u64,
    /// See `answered`.
    pub unanswered: u64,
    /// Batches with a probe; from their first stamp to their end: in sum, and most.
    pub batches: u64,
    /// See `batches`.
    pub span_ns: u64,
    /// See `batches`.
    pub longest_span_ns: u64,
    /// Explicit padding.
    pub end: [u64; 18],
}

impl Lane {
    /// The lane is in use.
    pub const ON: u64 = 1;
    /// No more probes.
    pub const STOP: u64 = 2;
    /// No probes for now.
    pub const HOLD: u64 = 4;
    /// Bit of [`Lane::ways`]: the second bank.
    pub const SECOND_BANK: u64 = 1 << 63;
    /// Words of a lane.
    pub const WORDS: usize = size_of::<Self>() / 8;
}

/// What the driver said to frames behind their stamp, on one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Refusals {
    /// The device as the kernel names it to tracepoints; 0: not known yet.
    pub device: u64,
    /// 1: the next frame that the kernel tells of is the generator's.
    pub expected: u64,
    /// Frames refused.
    pub refused: u64,
    /// Explicit padding.
    pub reserved: u64,
}

const _: () = assert!(size_of::<Generator>().is_multiple_of(8));
const _: () = assert!(size_of::<Way>() == 40);
const _: () = assert!(size_of::<Lane>() == 1_024);
