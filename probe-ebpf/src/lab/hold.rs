//! Hold times: a stamp when an echo request arrives, one when its reply leaves.

#![expect(unsafe_code, reason = "a kernel helper and map values")]

use aya_ebpf::{
    helpers::bpf_ktime_get_ns,
    macros::map,
    maps::{LruHashMap, PerCpuArray, RingBuf},
    programs::TcContext,
};
use probe_common::{
    Address,
    abi::lab::{Hold, HoldCounter},
    wire::{eth, icmp, ip},
};

use crate::cursor::BufferCursor;

/// Which echo: the identity of a request, and of the reply to it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Echo {
    prober: Address,
    target: Address,
    identifier: u16,
    sequence: u16,
    reserved: u32,
}

/// `submit` without waking the reader, who polls.
const NO_WAKEUP: u64 = 1;
const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

/// Arrival stamps of requests not yet answered; the least recent give way.
#[map]
static IN_FLIGHT: LruHashMap<Echo, u64> = LruHashMap::with_max_entries(1 << 17, 0);
#[map]
static HOLDS: RingBuf = RingBuf::with_byte_size(1 << 24, 0);
#[map]
static HOLD_COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(HoldCounter::COUNT, 0);

/// Remembers when a request arrived.
#[inline(always)]
pub(crate) fn begin(ctx: &TcContext) {
    let in_ns = now_ns();
    let Some(echo) = read(ctx, icmp::ECHO_REQUEST, icmp::ECHO_REQUEST_V6) else {
        return;
    };
    if IN_FLIGHT.insert(echo, in_ns, 0).is_ok() {
        count(HoldCounter::Requests);
    }
}

/// Reports how long a reply was held.
#[inline(always)]
pub(crate) fn end(ctx: &TcContext) {
    let Some(reply) = read(ctx, ECHO_REPLY, ECHO_REPLY_V6) else {
        return;
    };
    let echo = Echo {
        prober: reply.target,
        target: reply.prober,
        ..reply
    };
    // SAFETY: the value is copied at once; another request of the same identity
    // in this instant would at worst be counted as unpaired.
    let Some(in_ns) = (unsafe { IN_FLIGHT.get(echo) }).copied() else {
        return count(HoldCounter::Unpaired);
    };
    let _ = IN_FLIGHT.remove(echo);
    report(Hold {
        in_ns,
        out_ns: 0,
        target_low: echo.target.halves().1,
        identifier: echo.identifier,
        sequence: echo.sequence,
        reserved: 0,
    });
}

#[inline(always)]
fn report(hold: Hold) {
    let Some(mut entry) = HOLDS.reserve::<Hold>(0) else {
        return count(HoldCounter::RingFull);
    };
    // Last of all: what this program does is no part of the hold.
    entry.write(Hold {
        out_ns: now_ns(),
        ..hold
    });
    entry.submit(NO_WAKEUP);
    count(HoldCounter::Held);
}

/// The echo in a packet if its type is the one given for its version of IP;
/// `prober` is the packet's source.
#[inline(always)]
fn read(ctx: &TcContext, v4: u8, v6: u8) -> Option<Echo> {
    let mut cursor = BufferCursor::new(ctx);
    let (is_v6, protocol, kind) = match eth::read(&mut cursor)?.0 {
        eth::IPV4 => (false, ip::protocol::ICMP, v4),
        eth::IPV6 => (true, ip::protocol::ICMPV6, v6),
        _ => return None,
    };
    let (header, mut rest) = ip::read(cursor, is_v6).ok()?;
    if header.protocol != protocol || header.later_fragment {
        return None;
    }
    let echo = icmp::read(&mut rest)?;
    (echo.kind == kind).then_some(Echo {
        prober: header.source,
        target: header.destination,
        identifier: echo.first,
        sequence: echo.second,
        reserved: 0,
    })
}

#[inline(always)]
fn now_ns() -> u64 {
    // SAFETY: the helper takes no argument and is allowed in every program type.
    unsafe { bpf_ktime_get_ns() }
}

#[inline(always)]
fn count(counter: HoldCounter) {
    if let Some(value) = HOLD_COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: the pointer is to this CPU's value, valid while the program runs.
        unsafe { *value += 1 };
    }
}
