//! What userspace tells the kernel programs.

use bytemuck::{Pod, Zeroable};

use crate::identity::Ports;

/// Constants of a run, frozen in `.rodata` before the load, so that the
/// verifier prunes what a run does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Config {
    /// [`super::ABI_VERSION`] of the writer.
    pub abi_version: u32,
    /// `SO_MARK` of this run's sockets: what the egress program looks at.
    pub mark: u32,
    /// The ports and identifiers of this run.
    pub ports: Ports,
    /// Nanoseconds after which a reply is late.
    pub timeout_ns: u64,
    /// [`Config::CONSUME`] and later flags.
    pub flags: u32,
    /// Words of the stop set, less one; of an adaptive sweep.
    pub stop_mask: u32,
    /// Explicit padding.
    pub reserved: [u32; 2],
}

impl Config {
    /// Valid ICMP replies end at XDP instead of going on to the host's stack.
    pub const CONSUME: u32 = 1;
    /// What replies tell of their probes' paths is noted in the trails.
    pub const ADAPTIVE: u32 = 2;
}

/// What may change while a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Control {
    /// Bytes that must be waiting in a ring before its reader is woken. 0: the
    /// kernel's own rule (whenever the reader has caught up), for low rates.
    pub wakeup_bytes: u64,
}
