//! One event into this CPU's ring.

use aya_ebpf::bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use probe_common::{
    abi::{Counter, Event, Excerpt, ExtendedEvent},
    classify::Trailer,
    wire::extension::MAX_OCTETS,
};

use crate::{
    cursor::Packet,
    maps::{self, Ring},
};

/// Hands an event over, or counts that the ring was full.
#[inline(always)]
pub(crate) fn emit(event: Event) {
    let Some(ring) = maps::ring() else {
        maps::count(Counter::RingFull);
        return;
    };
    let Some(mut entry) = ring.reserve(0) else {
        maps::count(Counter::RingFull);
        return;
    };
    entry.write(event);
    let delivered = maps::count(Counter::Delivered);
    entry.submit(wakeup(ring, delivered, entry_bytes::<Event>()));
}

/// As [`emit`], with a copy of what stands behind the quote; `ip` is where the IP
/// header begins.
#[inline(always)]
pub(crate) fn emit_extended<P: Packet>(event: Event, packet: &P, ip: u32, trailer: Trailer) {
    let Some(ring) = maps::ring() else {
        maps::count(Counter::RingFull);
        return;
    };
    let Some(mut entry) = ring.reserve_untyped::<ExtendedEvent>(0) else {
        maps::count(Counter::RingFull);
        return;
    };
    let record = entry.write(ExtendedEvent {
        event,
        excerpt: Excerpt {
            length: trailer.length,
            stated: u16::from(trailer.stated),
            reserved: 0,
            octets: [0; MAX_OCTETS],
        },
    });
    let offset = ip + u32::from(trailer.offset);
    if packet
        .copy(offset, trailer.length.into(), &mut record.excerpt.octets)
        .is_none()
    {
        record.excerpt.length = 0;
    }
    let delivered = maps::count(Counter::Delivered);
    entry.submit(wakeup(ring, delivered, entry_bytes::<ExtendedEvent>()));
}

/// Bytes that a record takes in a ring, with the header in front of it
/// (`BPF_RINGBUF_HDR_SZ`).
const fn entry_bytes<T>() -> u64 {
    size_of::<T>() as u64 + 8
}

/// At high rates the ring is looked at once for so many events: a power of two.
const LOOK_EVERY: u64 = 16;

/// At low rates the kernel's rule: wake a reader that has caught up. At high
/// rates wake it once for many events, and not again for each that comes before it
/// is awake: every call costs an interrupt.
#[inline(always)]
fn wakeup(ring: &Ring, delivered: u64, entry: u64) -> u64 {
    let batch = maps::wakeup_bytes();
    if batch == 0 {
        return 0;
    }
    if !delivered.is_multiple_of(LOOK_EVERY) {
        return BPF_RB_NO_WAKEUP.into();
    }
    let waiting = maps::waiting_bytes(ring);
    if waiting >= batch && waiting % batch < LOOK_EVERY * entry {
        BPF_RB_FORCE_WAKEUP.into()
    } else {
        BPF_RB_NO_WAKEUP.into()
    }
}
