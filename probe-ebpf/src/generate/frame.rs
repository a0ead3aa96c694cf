//! A probe's frame, written whole: the page comes back as the far end left it.

use aya_ebpf::programs::XdpContext;
use probe_common::{
    abi::generator::Way,
    probe::{Probe, Tail},
    wire::{Put as _, checksum::Sum, eth},
};

use super::maps;
use crate::frame::Frame;

/// Octets of the least frame of Ethernet, without its checksum (IEEE 802.3): a
/// device that does not pad would send what was in the page before.
pub(super) const LEAST: usize = 60;
/// Octets of an IPv6 probe without contact text.
const V6: usize = eth::LENGTH + 40 + 20;
const V6_TCP: usize = V6 + 4;
/// Where the second word of an Ethernet header begins.
const HEADER_END: usize = eth::LENGTH - 8;
/// Words of the contact text.
const TAIL_WORDS: usize = 32;

/// Writes the frame; `None` if it has not the octets that it must have.
#[inline(always)]
pub(super) fn build(ctx: &XdpContext, probe: &Probe, way: &Way) -> Option<()> {
    if !probe.is_v6() {
        return write::<LEAST>(ctx, probe, way);
    }
    match probe.protocol {
        probe_common::abi::Protocol::Tcp => write::<V6_TCP>(ctx, probe, way),
        _ => write::<V6>(ctx, probe, way),
    }
}

#[inline(always)]
fn write<const LEN: usize>(ctx: &XdpContext, probe: &Probe, way: &Way) -> Option<()> {
    let mut frame = Frame::<LEN>::of(ctx)?;
    let [begin, end] = way.header;
    frame.put(0, begin)?;
    frame.put(HEADER_END, end)?;
    let tail = Tail {
        length: maps::tail_length(),
        sum: Sum::ZERO.add(maps::tail_sum()),
    };
    if LEN == LEAST {
        // Padding, most of which the probe covers.
        frame.put(LEAST - 8, [0; 8])?;
    }
    let text_at = probe.emit(tail, &mut frame, eth::LENGTH)?;
    for word in 0..TAIL_WORDS {
        if word * 2 >= tail.length as usize {
            break;
        }
        Frame::<LEN>::put_behind(ctx, text_at + word * 2, maps::tail(word))?;
    }
    Some(())
}
