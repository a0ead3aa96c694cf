//! Send: recognise a probe of this run and stamp its slot.

use aya_ebpf::programs::TcContext;
use probe_common::{
    abi::Counter,
    identity::{Nonce, slot_index},
    probe::{self, Identity},
    wire::{Cursor, eth, ip},
};

use crate::{
    clock,
    cursor::{Packet as _, mark},
    maps,
    rx::Version as _,
};

/// Stamps a probe that begins with an Ethernet header.
#[inline(always)]
pub(crate) fn stamp_frame(ctx: &TcContext) {
    if mark(ctx) != maps::mark() {
        return;
    }
    let mut cursor = ctx.cursor();
    match eth::read(&mut cursor) {
        Some((eth::IPV4, _)) => stamp(cursor, false),
        Some((eth::IPV6, _)) => stamp(cursor, true),
        _ => mismatch(),
    }
}

/// Stamps a probe that begins with an IP header.
#[inline(always)]
pub(crate) fn stamp_packet(ctx: &TcContext) {
    if mark(ctx) != maps::mark() {
        return;
    }
    match ctx.is_v6() {
        Some(v6) => stamp(ctx.cursor(), v6),
        None => mismatch(),
    }
}

#[inline(always)]
fn stamp<C: Cursor>(cursor: C, v6: bool) {
    if try_stamp(cursor, v6).is_none() {
        mismatch();
    }
}

#[inline(always)]
fn mismatch() {
    maps::count(Counter::StampMismatch);
}

/// Stamps the slot if mark, form, port, shard and nonce agree.
#[inline(always)]
fn try_stamp<C: Cursor>(cursor: C, v6: bool) -> Option<()> {
    let (header, rest) = ip::read(cursor, v6).ok()?;
    let identity = probe::read(&header, rest).ok()??;
    let (flow, shard) = maps::ports().locate(identity.port)?;
    let slot = maps::slot(slot_index(shard, identity.seq16))?;
    let (nonce, announced_flow) = slot.announced()?;
    if announced_flow != flow || !shows(&identity, nonce) {
        return None;
    }
    // A packet that passes two stamped devices (a tunnel over a stamped link) is
    // one probe: the later stamp holds, the count stays one.
    if slot.arm(nonce)? {
        maps::count(Counter::Stamped);
    }
    // Last of all: what this program does is no part of the way.
    slot.stamp(clock::now_ns());
    Some(())
}

#[inline(always)]
fn shows(identity: &Identity, nonce: Nonce) -> bool {
    if identity.evidence.wide != 0 {
        return identity.evidence.wide == nonce.0;
    }
    nonce.0 != 0 && identity.evidence.narrow == Some(nonce.narrow())
}
