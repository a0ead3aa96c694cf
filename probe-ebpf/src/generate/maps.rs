//! What only the generator keeps.

#![expect(unsafe_code, reason = "a global that the loader sets, and map values")]

use aya_ebpf::{
    bindings::BPF_F_MMAPABLE,
    btf_maps::{Array, PerCpuArray},
    helpers::{bpf_get_smp_processor_id, bpf_redirect},
    macros::btf_map,
};
use probe_common::{
    abi::{
        Generator,
        generator::{LOOK_AHEAD, Lane, MOST_STRETCHES, MOST_WAYS, Refusals, Run, Stretch, Way},
    },
    adaptive::{Rules, SHARED_TTLS},
    permutation::Permutation,
    plan::Space,
};

use crate::opaque::opaque;

const MAPPED: usize = BPF_F_MMAPABLE as usize;

#[btf_map]
static LANES: Array<Lane, 1, MAPPED> = Array::new();
#[btf_map]
static TARGETS: Array<u64, 1, MAPPED> = Array::new();
#[btf_map]
static RUNS: Array<Run, 1, MAPPED> = Array::new();
#[btf_map]
static WAYS: Array<Way, { 2 * MOST_WAYS as usize }, MAPPED> = Array::new();
#[btf_map]
static STRETCHES: Array<Stretch, { 2 * MOST_STRETCHES as usize }, MAPPED> = Array::new();
#[btf_map]
static NEXT: Array<u32, 1> = Array::new();
#[btf_map]
static STAMPED_BY_TTL: PerCpuArray<[u64; 256], 1> = PerCpuArray::new();
#[btf_map]
static REFUSALS: PerCpuArray<Refusals, 1> = PerCpuArray::new();

/// Constants of the run, overwritten by the loader.
#[unsafe(no_mangle)]
static GENERATOR: Generator = Generator {
    permutation: Permutation::new(1, 0),
    space: Space::new(0, 1, 1, 1),
    key: [0; 2],
    steps_of_round: 0,
    round_interval_ns: 0,
    hop_interval_ns: 0,
    again_before: 0,
    shard: 0,
    shards: 1,
    rounds: 0,
    lanes: 1,
    runs: 0,
    v6: 0,
    batch: 1,
    precise: 0,
    adaptive: 0,
    hint_mask: 0,
    rules: Rules::new(1, 1, 1),
    port: 0,
    tail_length: 0,
    tail_sum: 0,
    protocol: 0,
    tos: 0,
    ack: 0,
    reserved: [0; 3],
    flow_label: Generator::OWN_LABELS,
    tail: [0; 64],
};

/// One constant of the generator. Volatile, since the loader changes what the
/// compiler believes to be constant; the verifier knows the values.
macro_rules! constant {
    ($($field:ident: $type:ty),+ $(,)?) => {$(
        #[inline(always)]
        pub(super) fn $field() -> $type {
            // SAFETY: a field of a static.
            unsafe { core::ptr::read_volatile(&raw const GENERATOR.$field) }
        }
    )+};
}

constant!(
    permutation: Permutation,
    space: Space,
    key: [u64; 2],
    steps_of_round: u64,
    round_interval_ns: u64,
    hop_interval_ns: u64,
    again_before: u64,
    shard: u32,
    shards: u32,
    rounds: u32,
    lanes: u32,
    runs: u32,
    v6: u32,
    batch: u32,
    precise: u32,
    adaptive: u32,
    hint_mask: u32,
    rules: Rules,
    port: u16,
    tail_length: u16,
    tail_sum: u16,
    protocol: u8,
    tos: u8,
    ack: u8,
    flow_label: u32,
);

/// Two octets of the contact text.
#[inline(always)]
pub(super) fn tail(word: usize) -> [u8; 2] {
    if word >= 32 {
        return [0; 2];
    }
    // SAFETY: within the text, by the check above.
    unsafe { core::ptr::read_volatile((&raw const GENERATOR.tail).cast::<[u8; 2]>().add(word)) }
}

/// This processor's lane.
#[derive(Clone, Copy)]
pub(super) struct LanePtr(*mut Lane);

/// The lane of this processor, if it is one that sends.
#[inline(always)]
pub(super) fn lane() -> Option<LanePtr> {
    // SAFETY: the helper takes no argument.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    LANES.get_ptr_mut(cpu).map(LanePtr)
}

/// Words of a lane: volatile, since userspace reads and writes them as well.
macro_rules! word {
    ($($field:ident, $set:ident;)+) => {
        impl LanePtr {$(
            #[inline(always)]
            pub(super) fn $field(self) -> u64 {
                // SAFETY: a live map value.
                unsafe { core::ptr::read_volatile(&raw const (*self.0).$field) }
            }

            #[inline(always)]
            pub(super) fn $set(self, value: u64) {
                // SAFETY: a live map value; this word is written by this program only.
                unsafe { core::ptr::write_volatile(&raw mut (*self.0).$field, value) }
            }
        )+}
    };
}

impl LanePtr {
    /// When a probe with this TTL may leave, if it is one that all paths share.
    #[inline(always)]
    pub(super) fn hop_next(self, ttl: u8) -> u64 {
        let index = opaque(ttl as usize) & (SHARED_TTLS as usize - 1);
        // SAFETY: a live map value; the index is within.
        unsafe {
            core::ptr::read_volatile((&raw const (*self.0).hop_next).cast::<u64>().add(index))
        }
    }

    #[inline(always)]
    pub(super) fn set_hop_next(self, ttl: u8, value: u64) {
        let index = opaque(ttl as usize) & (SHARED_TTLS as usize - 1);
        // SAFETY: a live map value; the index is within.
        unsafe {
            core::ptr::write_volatile(
                (&raw mut (*self.0).hop_next).cast::<u64>().add(index),
                value,
            );
        }
    }

    /// A step looked up beforehand: its place, and its target's address.
    #[inline(always)]
    pub(super) fn step(self, index: u64) -> [u64; 3] {
        let index = opaque(index as usize) & (LOOK_AHEAD - 1);
        // SAFETY: a live map value; the index is within.
        unsafe {
            [
                core::ptr::read_volatile((&raw const (*self.0).places).cast::<u64>().add(index)),
                core::ptr::read_volatile((&raw const (*self.0).highs).cast::<u64>().add(index)),
                core::ptr::read_volatile((&raw const (*self.0).lows).cast::<u64>().add(index)),
            ]
        }
    }

    #[inline(always)]
    pub(super) fn set_place(self, index: usize, place: u64) {
        let index = index & (LOOK_AHEAD - 1);
        // SAFETY: a live map value; the index is within.
        unsafe {
            core::ptr::write_volatile((&raw mut (*self.0).places).cast::<u64>().add(index), place);
        }
    }

    #[inline(always)]
    pub(super) fn set_number(self, index: usize, high: u64, low: u64) {
        let index = index & (LOOK_AHEAD - 1);
        // SAFETY: a live map value; the index is within.
        unsafe {
            core::ptr::write_volatile((&raw mut (*self.0).highs).cast::<u64>().add(index), high);
            core::ptr::write_volatile((&raw mut (*self.0).lows).cast::<u64>().add(index), low);
        }
    }
}

/// Words that the program only reads.
macro_rules! order {
    ($($field:ident),+ $(,)?) => {
        impl LanePtr {$(
            #[inline(always)]
            pub(super) fn $field(self) -> u64 {
                // SAFETY: a live map value.
                unsafe { core::ptr::read_volatile(&raw const (*self.0).$field) }
            }
        )+}
    };
}

order!(
    flags,
    interval,
    reserved,
    budget,
    ways,
    ring_limit,
    number,
    first,
    last,
    first_seat,
    seats,
    patience_ns,
);
word!(
    round, set_round;
    offset, set_offset;
    cursor, set_cursor;
    ahead, set_ahead;
    clock_ns, set_clock_ns;
    round_begin_ns, set_round_begin_ns;
    begun, set_begun;
    full, set_full;
    next_ns, set_next_ns;
    fraction, set_fraction;
    owed_ns, set_owed_ns;
    owed_at, set_owed_at;
    refused, set_refused;
    backoff_ns, set_backoff_ns;
    resume_ns, set_resume_ns;
    drawn, set_drawn;
    turn, set_turn;
    batch_ns, set_batch_ns;
    done, set_done;
    last_ns, set_last_ns;
    seat, set_seat;
    window, set_window;
    cycle_ns, set_cycle_ns;
    waited, set_waited;
    busy, set_busy;
    anywhere, set_anywhere;
    stamped, set_stamped;
    no_route, set_no_route;
    no_target, set_no_target;
    unbuildable, set_unbuildable;
    target_reached, set_target_reached;
    gap_limit, set_gap_limit;
    known_path, set_known_path;
    slot_waits, set_slot_waits;
    held, set_held;
    stalled_ns, set_stalled_ns;
    answered, set_answered;
    late_only, set_late_only;
    unanswered, set_unanswered;
    batches, set_batches;
    span_ns, set_span_ns;
    longest_span_ns, set_longest_span_ns;
);

/// A word of the list of targets.
#[inline(always)]
pub(super) fn target_word(index: u32) -> Option<u64> {
    TARGETS.get(index).copied()
}

/// A run of targets.
#[inline(always)]
pub(super) fn run(index: u32) -> Option<&'static Run> {
    RUNS.get(index)
}

/// A way of the bank in use.
#[inline(always)]
pub(super) fn way(index: u32) -> Option<&'static Way> {
    WAYS.get(index)
}

/// A stretch of the bank in use.
#[inline(always)]
pub(super) fn stretch(index: u32) -> Option<&'static Stretch> {
    STRETCHES.get(index)
}

/// Takes the next sequence number of a lane in a shard, from `first` to `last` and
/// around.
#[inline(always)]
pub(super) fn take_next(index: u32, first: u16, last: u16) -> Option<u16> {
    let place = NEXT.get_ptr_mut(index)?;
    // SAFETY: a live map value, of this lane alone.
    unsafe {
        let next = (*place as u16).max(first);
        *place = if next >= last { first } else { next + 1 } as u32;
        Some(next)
    }
}

/// Counts a probe by its TTL.
#[inline(always)]
pub(super) fn count_ttl(ttl: u8) {
    if let Some(counts) = STAMPED_BY_TTL.get_ptr_mut(0) {
        // SAFETY: the value is this CPU's own; the index is within.
        unsafe { (*counts)[ttl as usize] += 1 };
    }
}

/// What the driver said to frames of this CPU.
#[inline(always)]
pub(super) fn refusals() -> Option<&'static mut Refusals> {
    // SAFETY: the value is this CPU's own; nobody who asks keeps it.
    REFUSALS.get_ptr_mut(0).map(|place| unsafe { &mut *place })
}

/// Sends the frame out by an interface; gives the verdict of XDP.
#[inline(always)]
pub(super) fn redirect(ifindex: u32) -> u32 {
    // SAFETY: the helper takes numbers.
    unsafe { bpf_redirect(ifindex, 0) as u32 }
}
