//! Bare stamps: what programs that stamp, and do nothing else, share with those who
//! read the stamps. They are the floor under every round-trip time.
//!
//! A packet names its place in the array by a word at a fixed offset: behind the
//! Ethernet, IPv4 and ICMP headers of an echo, which comes back in the reply.

use bytemuck::{Pod, Zeroable};

/// TCX egress program: stamps a packet as it leaves.
pub const FLOOR_TX: &str = "floor_tx";
/// XDP program: stamps it as it comes back, and drops it.
pub const FLOOR_RX: &str = "floor_rx";
/// XDP program of the far end: sends packets back as they are.
pub const FLOOR_MIRROR: &str = "floor_mirror";
/// XDP program, run on live frames: sends, stamps, and does nothing else.
pub const FLOOR_GENERATE: &str = "floor_generate";
/// Array of [`Pair`].
pub const FLOOR: &str = "FLOOR";
/// Array of one [`Lane`].
pub const FLOOR_LANE: &str = "FLOOR_LANE";

/// Where the word stands in a frame.
pub const MARK_AT: usize = 42;
/// Octets of a frame, at least: up to the end of the word.
pub const LEAST: usize = MARK_AT + 8;
/// Octets of the frames that are sent.
pub const FRAME: usize = 64;
/// High half of the word.
const MAGIC: u64 = 0x626c_6b7a;

/// When a packet left and when it came back; 0: it did not. CLOCK_MONOTONIC,
/// nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Pair {
    /// Left.
    pub tx_ns: u64,
    /// Came back.
    pub rx_ns: u64,
}

impl Pair {
    /// The round-trip time, nanoseconds; `None`: it did not come back.
    pub const fn rtt_ns(self) -> Option<u64> {
        if self.tx_ns == 0 {
            return None;
        }
        self.rx_ns.checked_sub(self.tx_ns)
    }
}

/// What the bare generator is told and tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lane {
    /// The frame, without its word.
    pub frame: [u64; FRAME / 8],
    /// Device that it leaves by.
    pub ifindex: u64,
    /// When the next one is due; 0: at once.
    pub next_ns: u64,
    /// From one to the next, nanoseconds.
    pub interval_ns: u64,
    /// Frames sent.
    pub sent: u64,
    /// Frames to send.
    pub budget: u64,
}

/// The word of a packet.
#[inline(always)]
pub const fn word(index: u32) -> u64 {
    MAGIC << 32 | index as u64
}

/// The place that a word names; `None`: it is none of ours.
#[inline(always)]
pub const fn place(word: u64) -> Option<u32> {
    if word >> 32 != MAGIC {
        return None;
    }
    Some(word as u32)
}

const _: () = assert!(size_of::<Lane>() == 104);
const _: () = assert!(LEAST <= FRAME);
