//! The record that the kernel hands over for each reply.

use bytemuck::{Pod, Zeroable};

use crate::Address;

/// One reply, as the kernel saw it. It describes itself: no table of probes in
/// flight is needed to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Event {
    /// The probe's stamp, CLOCK_MONOTONIC, nanoseconds (0: [`Outcome::Unindexed`]).
    pub tx_ns: u64,
    /// The reply's stamp, CLOCK_MONOTONIC, nanoseconds.
    pub rx_ns: u64,
    /// Source of the reply.
    pub responder: Address,
    /// Index of the probe's target.
    pub target: u32,
    /// Round of the probe.
    pub round: u32,
    /// Interface that the reply came in on.
    pub ifindex: u32,
    /// Flow of the probe.
    pub flow: u16,
    /// Length that the quoted IP header states, bytes.
    pub quoted_length: u16,
    /// TTL or hop limit that the probe left with.
    pub ttl: u8,
    /// [`Protocol`] of the probe.
    pub protocol: u8,
    /// [`Kind`] of the reply.
    pub kind: u8,
    /// [`Outcome`].
    pub outcome: u8,
    /// ICMP or ICMPv6 type of the reply; TCP: its flags.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code of the reply.
    pub icmp_code: u8,
    /// TTL or hop limit that the reply arrived with.
    pub reply_ttl: u8,
    /// TTL or hop limit of the probe as quoted.
    pub quoted_ttl: u8,
    /// TOS or traffic class of the probe as quoted.
    pub quoted_tos: u8,
    /// [`Flags`].
    pub flags: u8,
    /// [`Hook`] that stamped the reply.
    pub hook: u8,
    /// [`TxSource`] of the probe's stamp.
    pub tx_source: u8,
    /// Next-hop MTU (fragmentation needed, packet too big), else 0.
    pub mtu: u32,
}

impl Event {
    /// The round-trip time, nanoseconds; `None` if the host slept meanwhile.
    pub const fn rtt_ns(&self) -> Option<u64> {
        if Flags(self.flags).slept() {
            return None;
        }
        Some(self.rx_ns.saturating_sub(self.tx_ns))
    }

    /// The same, noted that the host slept between the two stamps.
    #[must_use]
    pub const fn with_sleep(mut self) -> Self {
        self.flags |= Flags::SLEPT;
        self
    }
}

/// Facts about a reply, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// A NAT's rewriting explains the quoted UDP checksum: [`Grade::B`].
    pub const GRADE_B: u8 = 1;
    /// The quoted source is not the one that the probe left with.
    pub const SOURCE: u8 = 2;
    /// The reply came without an ICMP quote or payload that shows 64 bits of the nonce.
    pub const NARROW: u8 = 4;
    /// The reply goes on behind the quote (RFC 4884 extensions may follow): its record
    /// is an [`super::ExtendedEvent`].
    pub const EXTENDED: u8 = 8;
    /// The quoted destination is not the one that the probe left for; seen only where 64
    /// bits of the nonce are.
    pub const DESTINATION: u8 = 16;
    /// The quoted checksum is not the one that the probe left with (UDP, ICMP).
    pub const CHECKSUM: u8 = 32;
    /// The host slept between the two stamps, of whose clock that time is no part. Only
    /// userspace can know, and sets it.
    pub const SLEPT: u8 = 64;
    /// What a NAT changes.
    pub const NAT: u8 = Self::SOURCE | Self::DESTINATION | Self::CHECKSUM;
    /// Names of what a NAT changes, by what of it did.
    pub const REWRITTEN: [&'static str; 7] = [
        "source",
        "destination",
        "source+destination",
        "checksum",
        "source+checksum",
        "destination+checksum",
        "source+destination+checksum",
    ];

    /// How sure the match is.
    pub const fn grade(self) -> Grade {
        if self.0 & Self::GRADE_B == 0 {
            Grade::A
        } else {
            Grade::B
        }
    }

    /// Whether the record is an [`super::ExtendedEvent`].
    pub const fn extended(self) -> bool {
        self.0 & Self::EXTENDED != 0
    }

    /// Whether the host slept between the two stamps.
    pub const fn slept(self) -> bool {
        self.0 & Self::SLEPT != 0
    }

    /// Whether a NAT was seen.
    pub const fn nat(self) -> bool {
        self.0 & Self::NAT != 0
    }

    /// What it changed in the quote, as every output names it.
    pub fn rewritten(self) -> Option<&'static str> {
        let bit = |flag: u8, bit: usize| if self.0 & flag == 0 { 0 } else { bit };
        let changed = bit(Self::SOURCE, 1) | bit(Self::DESTINATION, 2) | bit(Self::CHECKSUM, 4);
        Self::REWRITTEN.get(changed.checked_sub(1)?).copied()
    }
}

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Index, nonce and destination agree.
    A,
    /// They agree after a NAT's rewriting of the quoted source is allowed for.
    B,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Reads a code of an [`Event`].
            #[inline(always)]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The name used in every output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// What a probe is made of. ICMP stands for both ICMP and ICMPv6.
    Protocol {
        /// Echo request.
        Icmp = 1 => "icmp",
        /// SYN (or ACK) segment.
        Tcp = 6 => "tcp",
        /// Datagram.
        Udp = 17 => "udp",
    }
}

codes! {
    /// What a reply is.
    Kind {
        /// Echo reply.
        EchoReply = 1 => "echo-reply",
        /// Time exceeded in transit or in reassembly.
        TimeExceeded = 2 => "time-exceeded",
        /// Port unreachable.
        PortUnreachable = 3 => "port-unreachable",
        /// Any other destination unreachable.
        Unreachable = 4 => "unreachable",
        /// ICMPv6 packet too big.
        PacketTooBig = 5 => "packet-too-big",
        /// Parameter problem.
        ParameterProblem = 6 => "parameter-problem",
        /// TCP SYN and ACK: the port is open.
        SynAck = 7 => "syn-ack",
        /// TCP reset.
        Rst = 8 => "rst",
        /// TCP ACK alone (challenge ACK, RFC 5961).
        Ack = 9 => "ack",
        /// UDP data from an open port.
        UdpReply = 10 => "udp-reply",
    }
}

codes! {
    /// How a reply that belongs to a probe of ours counts.
    Outcome {
        /// First, within the timeout.
        Valid = 1 => "valid",
        /// First, after the timeout.
        Late = 2 => "late",
        /// The probe was answered already.
        Duplicate = 3 => "duplicate",
        /// Carries no index; the reader finds the probe.
        Unindexed = 4 => "unindexed",
    }
}

codes! {
    /// The kind of program that stamped a reply. Whether XDP ran in the driver
    /// is known to the one who attached it.
    Hook {
        /// XDP, native or generic.
        Xdp = 1 => "xdp",
        /// TCX ingress.
        Tcx = 2 => "tcx",
    }
}

codes! {
    /// Where a probe was stamped.
    TxSource {
        /// TCX egress.
        Tcx = 1 => "tcx",
        /// The generator program.
        Generator = 2 => "generator",
        /// Userspace, before the system call.
        User = 3 => "user",
    }
}

impl Kind {
    /// Whether this reply, to a probe of `protocol`, comes from the target itself
    /// and so ends a trace as reached.
    pub const fn reaches_target(self) -> bool {
        matches!(
            self,
            Self::EchoReply
                | Self::PortUnreachable
                | Self::SynAck
                | Self::Rst
                | Self::Ack
                | Self::UdpReply
        )
    }
}
