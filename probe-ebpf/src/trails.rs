//! What is known of paths: trails, stop set and hints of an adaptive sweep.

#![expect(unsafe_code, reason = "map values are reached through raw pointers")]

use aya_ebpf::{bindings::BPF_F_MMAPABLE, btf_maps::Array, macros::btf_map};
use probe_common::{
    abi::Config,
    adaptive::{
        Lesson, State, Trail, stop_set,
        trail::{self, bit},
    },
    classify::Candidate,
    slot::Record,
};

use crate::{atomic, maps};

const MAPPED: usize = BPF_F_MMAPABLE as usize;

#[btf_map]
static TRAILS: Array<Trail, 1, MAPPED> = Array::new();
#[btf_map]
static STOPS: Array<u64, 1> = Array::new();
#[btf_map]
static HINTS: Array<u64, 1, MAPPED> = Array::new();

/// A trail, shared by the sender and the receivers.
#[derive(Clone, Copy)]
pub(crate) struct TrailPtr(*mut Trail);

/// The trail in a seat.
#[inline(always)]
pub(crate) fn trail(seat: u32) -> Option<TrailPtr> {
    TRAILS.get_ptr_mut(seat).map(TrailPtr)
}

/// Words of a trail: volatile, since others write some of them meanwhile.
macro_rules! word {
    ($($field:ident, $set:ident;)+) => {
        impl TrailPtr {$(
            #[inline(always)]
            pub(crate) fn $field(self) -> u64 {
                // SAFETY: a live map value.
                unsafe { core::ptr::read_volatile(&raw const (*self.0).$field) }
            }

            #[inline(always)]
            pub(crate) fn $set(self, value: u64) {
                // SAFETY: a live map value.
                unsafe { core::ptr::write_volatile(&raw mut (*self.0).$field, value) }
            }
        )+}
    };
}

word!(
    owner, set_owner;
    probed, set_probed;
    heard, set_heard;
    reached, set_reached;
    estimate, set_estimate;
    high, set_high;
    low, set_low;
    cursor, set_cursor;
);

impl TrailPtr {
    /// What it says.
    #[inline(always)]
    pub(crate) fn state(self) -> State {
        Trail::state(self.probed(), self.heard(), self.reached(), self.estimate())
    }

    /// Gives it to another path, in the order that receivers rely on: nobody's while it
    /// changes.
    #[inline(always)]
    pub(crate) fn hand_over(self, fresh: &Trail) {
        self.set_owner(0);
        self.set_probed(fresh.probed);
        self.set_heard(0);
        self.set_reached(0);
        self.set_estimate(0);
        self.set_high(fresh.high);
        self.set_low(fresh.low);
        self.set_cursor(fresh.cursor);
        self.set_owner(fresh.owner);
    }

    /// A router answered at these bits of `heard`.
    #[inline(always)]
    fn hear(self, bits: u64) {
        // SAFETY: a live map value.
        unsafe { atomic::fetch_or(&raw mut (*self.0).heard, bits) };
    }

    /// The path ends at these bits of `reached`.
    #[inline(always)]
    fn end(self, bits: u64) {
        // SAFETY: a live map value.
        unsafe { atomic::fetch_or(&raw mut (*self.0).reached, bits) };
    }
}

/// Notes what the first answer to a probe tells of its path.
#[inline(always)]
pub(crate) fn learn(candidate: &Candidate, record: &Record) {
    if maps::flags() & Config::ADAPTIVE == 0 {
        return;
    }
    let Some(trail) = trail(record.seat) else {
        return;
    };
    // It may be another's by now.
    if trail.owner() != trail::owner(record.target, record.flow) {
        return;
    }
    let bit = u64::from(bit(record.ttl));
    let (reply_ttl, quoted_ttl) = (candidate.reply_ttl, candidate.quoted.ttl);
    match Lesson::of(candidate.kind, record.ttl, reply_ttl, quoted_ttl) {
        Lesson::Router => {
            let name = stop_set::name(candidate.responder, record.ttl);
            let known = if meet(name) { bit << 32 } else { 0 };
            trail.hear(bit | known);
        }
        Lesson::Target(estimate) => {
            trail.set_estimate(u64::from(estimate));
            trail.end(bit | bit << 32);
        }
        Lesson::Refusal => trail.end(bit),
    }
}

/// A path has met a router; whether the way to it is known.
#[inline(always)]
fn meet(name: u64) -> bool {
    let Some(place) = STOPS.get_ptr_mut(stop_set::place(name, maps::stop_mask())) else {
        return false;
    };
    // SAFETY: a live map value. If two processors meet the same router at once, one of
    // them is not counted.
    unsafe {
        let (word, known) = stop_set::meet(core::ptr::read_volatile(place), name);
        core::ptr::write_volatile(place, word);
        known
    }
}

/// A word of the hints.
#[inline(always)]
pub(crate) fn hint(place: u32) -> u64 {
    HINTS
        .get_ptr(place)
        // SAFETY: a live map value; others may write it at any time.
        .map_or(0, |place| unsafe { core::ptr::read_volatile(place) })
}

/// Sets a word of the hints.
#[inline(always)]
pub(crate) fn set_hint(place: u32, word: u64) {
    if let Some(place) = HINTS.get_ptr_mut(place) {
        // SAFETY: a live map value; words are written whole.
        unsafe { core::ptr::write_volatile(place, word) };
    }
}
