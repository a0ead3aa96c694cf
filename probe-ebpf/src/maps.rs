//! Every map, behind typed accessors.

#![expect(unsafe_code, reason = "map values are reached through raw pointers")]

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_RB_AVAIL_DATA},
    btf_maps::{Array, ArrayOfMaps, PerCpuArray, RingBuf},
    helpers::{bpf_get_smp_processor_id, generated::bpf_ringbuf_query},
    macros::btf_map,
};
use core::mem::MaybeUninit;

use probe_common::{
    abi::{ABI_VERSION, Config, Control, Counter, Counters, Event, names::MAX_CPUS},
    classify::Candidate,
    identity::{Nonce, Ports},
    slot::{ARMED, GENERATION, Record, generation},
};

use crate::{atomic, opaque::opaque};

/// Bytes of a ring as declared; the loader makes each CPU's ring in its own size.
const RING_BYTES: usize = 4096;

/// A ring of one CPU.
pub(crate) type Ring = RingBuf<Event, RING_BYTES>;

#[btf_map]
static COUNTERS: PerCpuArray<Counters, 1> = PerCpuArray::new();
#[btf_map]
static SLOTS: Array<Record, 1, { BPF_F_MMAPABLE as usize }> = Array::new();
#[btf_map]
static CONTROL: Array<Control, 1> = Array::new();
#[btf_map]
static STAGE: PerCpuArray<MaybeUninit<Candidate>, 1> = PerCpuArray::new();
#[btf_map]
static FORGOTTEN: PerCpuArray<u32, 1> = PerCpuArray::new();
#[btf_map]
static RINGS: ArrayOfMaps<Ring, { MAX_CPUS as usize }> = ArrayOfMaps::new();

/// Constants of the run, overwritten by the loader.
#[unsafe(no_mangle)]
static CONFIG: Config = Config {
    abi_version: ABI_VERSION,
    mark: 0,
    ports: Ports::new(0, 0, 0),
    timeout_ns: 0,
    flags: 0,
    stop_mask: 0,
    reserved: [0; 2],
};

/// One constant of the run. Volatile, since the loader changes what the compiler
/// believes to be constant; the verifier knows the values.
macro_rules! constant {
    ($field:ident, $type:ty, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub(crate) fn $field() -> $type {
            // SAFETY: a field of a static.
            unsafe { core::ptr::read_volatile(&raw const CONFIG.$field) }
        }
    };
}

constant!(mark, u32, "Mark of this run's sockets.");
constant!(ports, Ports, "The ports of the run.");
constant!(timeout_ns, u64, "When a reply is late, nanoseconds.");
constant!(flags, u32, "Flags of [`Config`].");
constant!(stop_mask, u32, "Words of the stop set, less one.");

/// Adds one to a counter of this CPU; gives what it is then.
#[inline(always)]
pub(crate) fn count(counter: Counter) -> u64 {
    match COUNTERS.get_ptr_mut(0) {
        // SAFETY: the value is this CPU's own.
        Some(counters) => unsafe { &mut *counters }.add_at(counter as usize),
        None => 0,
    }
}

/// Counts a candidate, and adds one to the counter at a place.
#[inline(always)]
pub(crate) fn count_candidate(place: usize) {
    if let Some(counters) = COUNTERS.get_ptr_mut(0) {
        // SAFETY: the value is this CPU's own.
        let counters = unsafe { &mut *counters };
        counters.add(Counter::Candidates);
        counters.add_at(place);
    }
}

/// Passes a candidate through memory of which the verifier knows nothing. All
/// the paths that led here become one: without this they would each be followed
/// through the rest of the program, and there are far too many.
#[inline(always)]
pub(crate) fn stage(candidate: Candidate) -> Option<&'static Candidate> {
    let place = STAGE.get_ptr_mut(0)?.cast::<Candidate>();
    // SAFETY: the value is this CPU's own, and written before it is read; receivers run with
    // bottom halves off, one at a time on a CPU, and each stages once.
    unsafe {
        place.write(candidate);
        Some(&*(opaque(place.expose_provenance()) as *const Candidate))
    }
}

/// Passes a number through memory of which the verifier knows nothing, for the
/// same reason.
#[inline(always)]
pub(crate) fn forget(number: u32) -> u32 {
    let Some(place) = FORGOTTEN.get_ptr_mut(0) else {
        return number;
    };
    // SAFETY: the value is this CPU's own.
    unsafe {
        core::ptr::write_volatile(place, number);
        core::ptr::read_volatile(place)
    }
}

/// Bytes that must wait in a ring before its reader is woken.
#[inline(always)]
pub(crate) fn wakeup_bytes() -> u64 {
    CONTROL
        .get_ptr(0)
        // SAFETY: the value is valid; userspace may change it at any time.
        .map_or(0, |control| unsafe {
            core::ptr::read_volatile(&raw const (*control).wakeup_bytes)
        })
}

/// This CPU's ring, if the loader made one.
#[inline(always)]
pub(crate) fn ring() -> Option<&'static Ring> {
    // SAFETY: the helper takes no argument.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    RINGS.get(cpu)
}

/// Bytes that wait in a ring.
#[inline(always)]
pub(crate) fn waiting_bytes(ring: &Ring) -> u64 {
    // SAFETY: the address of a map's definition stands for the map.
    unsafe {
        bpf_ringbuf_query(
            core::ptr::from_ref(ring).cast_mut().cast(),
            BPF_RB_AVAIL_DATA.into(),
        )
    }
}

/// A slot, shared with the sender and the other CPUs.
#[derive(Clone, Copy)]
pub(crate) struct Slot(*mut Record);

/// The slot of an index.
#[inline(always)]
pub(crate) fn slot(index: u32) -> Option<Slot> {
    SLOTS.get_ptr_mut(index).map(Slot)
}

impl Slot {
    /// Reads the record whole; `None` if it changed hands meanwhile.
    #[inline(always)]
    pub(crate) fn read(self) -> Option<Record> {
        // SAFETY: the pointer is to a live map value; volatile, since userspace
        // writes it, and the nonce is read around the rest to notice that.
        unsafe {
            let nonce = core::ptr::read_volatile(&raw const (*self.0).nonce);
            let record = core::ptr::read_volatile(self.0);
            let again = core::ptr::read_volatile(&raw const (*self.0).nonce);
            (nonce == record.nonce && nonce == again).then_some(record)
        }
    }

    /// The tenant's nonce and flow; `None` if it changed hands meanwhile.
    #[inline(always)]
    pub(crate) fn announced(self) -> Option<(Nonce, u16)> {
        let nonce = self.nonce();
        // SAFETY: as above.
        let flow = unsafe { core::ptr::read_volatile(&raw const (*self.0).flow) };
        (nonce == self.nonce()).then_some((Nonce(nonce), flow))
    }

    /// Sets the flag that says that the tenant is stamped, which it is at once. Gives
    /// whether it is the first time; `None`: it is the tenant no more.
    #[inline(always)]
    pub(crate) fn arm(self, tenant: Nonce) -> Option<bool> {
        let announced = generation(tenant);
        match self.advance(announced, announced | ARMED) {
            Ok(()) => Some(true),
            Err(state) => (state & (GENERATION | ARMED) == announced | ARMED).then_some(false),
        }
    }

    /// Stamps the tenant, who has not left yet.
    #[inline(always)]
    pub(crate) fn stamp(self, tx_ns: u64) {
        // SAFETY: the pointer is to a live map value; volatile, since others read it.
        unsafe { core::ptr::write_volatile(&raw mut (*self.0).tx_ns, tx_ns) };
    }

    /// Moves the state on if it is still `from`; else gives what it is.
    #[inline(always)]
    pub(crate) fn advance(self, from: u64, to: u64) -> Result<(), u64> {
        // SAFETY: the pointer is to a live map value.
        unsafe { atomic::compare_exchange(&raw mut (*self.0).state, from, to) }
    }

    /// The tenant's nonce.
    #[inline(always)]
    pub(crate) fn nonce(self) -> u64 {
        // SAFETY: the pointer is to a live map value.
        unsafe { core::ptr::read_volatile(&raw const (*self.0).nonce) }
    }

    /// The tenant's state and stamp.
    #[inline(always)]
    pub(crate) fn tenancy(self) -> (u64, u64) {
        // SAFETY: the pointer is to a live map value.
        unsafe {
            let state = core::ptr::read_volatile(&raw const (*self.0).state);
            (state, core::ptr::read_volatile(&raw const (*self.0).tx_ns))
        }
    }

    /// Gives the slot a tenant that has its stamp, in the order that readers rely
    /// on: the nonce is 0 while the fields change, and comes last. Gives the state
    /// that the old tenant left: after this no reply can move it on.
    #[inline(always)]
    pub(crate) fn hand_over(self, record: &Record) -> u64 {
        let place = self.0;
        // SAFETY: the pointer is to a live map value; volatile, since others read it
        // meanwhile, who know by the nonce.
        unsafe {
            core::ptr::write_volatile(&raw mut (*place).previous_nonce, record.previous_nonce);
            core::ptr::write_volatile(&raw mut (*place).nonce, 0);
            let left = atomic::swap(&raw mut (*place).state, record.state | ARMED);
            core::ptr::write_volatile(&raw mut (*place).tx_ns, record.tx_ns);
            core::ptr::write_volatile(&raw mut (*place).destination_hash, record.destination_hash);
            core::ptr::write_volatile(&raw mut (*place).target, record.target);
            core::ptr::write_volatile(&raw mut (*place).round, record.round);
            core::ptr::write_volatile(&raw mut (*place).flow, record.flow);
            core::ptr::write_volatile(&raw mut (*place).ttl, record.ttl);
            core::ptr::write_volatile(&raw mut (*place).protocol, record.protocol);
            core::ptr::write_volatile(&raw mut (*place).source_sum, record.source_sum);
            core::ptr::write_volatile(&raw mut (*place).tuple_sum, record.tuple_sum);
            core::ptr::write_volatile(&raw mut (*place).tx_source, record.tx_source);
            core::ptr::write_volatile(&raw mut (*place).seat, record.seat);
            core::ptr::write_volatile(&raw mut (*place).user_ns, record.user_ns);
            core::ptr::write_volatile(&raw mut (*place).nonce, record.nonce);
            left
        }
    }
}
