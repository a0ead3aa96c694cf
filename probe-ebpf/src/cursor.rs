//! Packet pointers: the one place that reads packet memory.

#![expect(unsafe_code, reason = "packet memory is read through checked pointers")]

use aya_ebpf::{
    EbpfContext,
    bindings::bpf_hdr_start_off::BPF_HDR_START_MAC,
    helpers::generated::{bpf_skb_load_bytes, bpf_skb_load_bytes_relative, bpf_xdp_load_bytes},
    programs::{TcContext, XdpContext},
};
use probe_common::wire::{Cursor, cursor::MAX_SKIP, eth, extension::MAX_OCTETS};

use crate::opaque::opaque;

/// Where a program finds its packet.
pub(crate) trait Packet: EbpfContext {
    /// A cursor over the whole packet, as far as it is linear.
    fn cursor(&self) -> PacketCursor;
    /// Copies octets from `offset` on, as many as there is room for; `None` if the
    /// packet has not so many.
    fn copy(&self, offset: u32, length: u32, into: &mut [u8; MAX_OCTETS]) -> Option<()>;
    /// Interface that the packet is on.
    fn ifindex(&self) -> u32;
    /// The ethertype, if the packet came without the Ethernet header that packets
    /// of its device have.
    fn bare_ethertype(&self) -> Option<u16>;
}

/// A cursor over packet memory.
#[derive(Clone, Copy)]
pub(crate) struct PacketCursor {
    position: usize,
    end: usize,
}

impl Cursor for PacketCursor {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let next = self.position + N;
        // The form of the comparison that the verifier follows.
        if next > self.end {
            return None;
        }
        // SAFETY: `position..position + N` lies before the packet's end; a byte
        // array has no alignment or validity requirement.
        let bytes = unsafe { (self.position as *const [u8; N]).read() };
        self.position = next;
        Some(bytes)
    }

    #[inline(always)]
    fn skip(&mut self, count: u16) -> Option<()> {
        // The verifier allows adding to a packet pointer what it sees bounded.
        let next = self.position + (opaque(count as usize) & MAX_SKIP as usize);
        if next > self.end {
            return None;
        }
        self.position = next;
        Some(())
    }
}

impl Packet for XdpContext {
    #[inline(always)]
    fn cursor(&self) -> PacketCursor {
        PacketCursor {
            position: opaque(self.data()),
            end: opaque(self.data_end()),
        }
    }

    #[inline(always)]
    fn copy(&self, offset: u32, length: u32, into: &mut [u8; MAX_OCTETS]) -> Option<()> {
        let length = room(length)?;
        // SAFETY: the context is valid, and `into` has room for `length` bytes.
        let failed =
            unsafe { bpf_xdp_load_bytes(self.ctx, offset, into.as_mut_ptr().cast(), length) };
        (failed == 0).then_some(())
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: the context is valid while the program runs.
        unsafe { (*self.ctx).ingress_ifindex }
    }

    #[inline(always)]
    fn bare_ethertype(&self) -> Option<u16> {
        None
    }
}

/// How many of so many bytes there is room for, in the form that the verifier follows.
#[inline(always)]
fn room(length: u32) -> Option<u32> {
    let length = opaque(length.min(MAX_OCTETS as u32) as usize);
    (length != 0 && length <= MAX_OCTETS).then_some(length as u32)
}

/// Bytes that must be linear for every read of this crate: two VLAN tags, IPv6
/// with extension headers, ICMPv6 and a quoted packet.
const LINEAR: u32 = 256;

impl Packet for TcContext {
    #[inline(always)]
    fn cursor(&self) -> PacketCursor {
        let linear = (opaque(self.data_end()) - opaque(self.data())) as u32;
        if linear < LINEAR && linear < self.len() {
            // On failure the packet stays as it was and reads as truncated.
            let _ = self.pull_data(LINEAR.min(self.len()));
        }
        PacketCursor {
            position: opaque(self.data()),
            end: opaque(self.data_end()),
        }
    }

    #[inline(always)]
    fn copy(&self, offset: u32, length: u32, into: &mut [u8; MAX_OCTETS]) -> Option<()> {
        let length = room(length)?;
        // SAFETY: the context is valid, and `into` has room for `length` bytes.
        let failed =
            unsafe { bpf_skb_load_bytes(self.as_ptr(), offset, into.as_mut_ptr().cast(), length) };
        (failed == 0).then_some(())
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: the context is valid while the program runs.
        unsafe { (*self.as_ptr().cast::<aya_ebpf::bindings::__sk_buff>()).ifindex }
    }

    /// Behind another owner's generic XDP program, TCX ingress sees the IP header
    /// first: the kernel copies such packets and forgets the length of the link
    /// header (seen on Linux 6.18). What the MAC header begins with tells.
    #[inline(always)]
    fn bare_ethertype(&self) -> Option<u16> {
        let ethertype = ethertype(self);
        let version = match ethertype {
            eth::IPV4 => 4,
            eth::IPV6 => 6,
            _ => return None,
        };
        let start = u64::from_ne_bytes(self.cursor().take()?);
        if start as u8 >> 4 != version {
            return None;
        }
        let mut link = 0u64;
        // SAFETY: the context is valid, and `link` has room for eight bytes.
        let failed = unsafe {
            bpf_skb_load_bytes_relative(
                self.as_ptr(),
                0,
                (&raw mut link).cast(),
                8,
                BPF_HDR_START_MAC,
            )
        };
        (failed == 0 && link != start).then_some(ethertype)
    }
}

/// The mark of a socket buffer.
#[inline(always)]
pub(crate) fn mark(ctx: &TcContext) -> u32 {
    // SAFETY: the context is valid while the program runs.
    unsafe { (*ctx.as_ptr().cast::<aya_ebpf::bindings::__sk_buff>()).mark }
}

/// The link-layer protocol of a socket buffer, host order.
#[inline(always)]
pub(crate) fn ethertype(ctx: &TcContext) -> u16 {
    // SAFETY: the context is valid while the program runs.
    let protocol = unsafe { (*ctx.as_ptr().cast::<aya_ebpf::bindings::__sk_buff>()).protocol };
    u16::from_be(protocol as u16)
}
