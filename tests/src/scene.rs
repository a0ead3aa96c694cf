//! A run as packets find it: its ports, and one probe in flight for each
//! protocol, family and state of a slot.
//!
//! Everything is constant but the times, so that the corpus is. Responders are in
//! 8.0.0.0/16 and 2001:db8:86dd::/48 for one reason: the kernel's test run takes
//! the protocol of a socket buffer from octets 12 and 13 of the data, and in a
//! packet without Ethernet header these are part of the source address.

use probe_common::{
    Address,
    abi::{ABI_VERSION, Config, Protocol},
    identity::{Nonce, Ports, slot_index},
    probe::{Probe, Tail},
    slot::{ANSWERED, ARMED, Record, generation},
    wire::SlicePut,
};

/// Ports of the run: 40,960 to 40,967, of four flows and two shards.
pub const PORTS: Ports = Ports::new(40_960, 4, 1);
/// Mark of the run's sockets.
pub const MARK: u32 = 0x0070_7262;
/// When a reply is late, nanoseconds.
pub const TIMEOUT_NS: u64 = 10_000_000_000;
/// The run's constants.
pub const CONFIG: Config = Config {
    abi_version: ABI_VERSION,
    mark: MARK,
    ports: PORTS,
    timeout_ns: TIMEOUT_NS,
    flags: 0,
    stop_mask: 0,
    reserved: [0; 2],
};

/// What a family's packets come from and go to.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Our own.
    pub us: Address,
    /// The target of all probes.
    pub target: Address,
    /// A router on the way.
    pub router: Address,
    /// An address that no probe went to.
    pub stranger: Address,
}

/// The addresses of IPv4.
pub const V4: Addresses = Addresses {
    us: Address::from_v4([198, 51, 100, 1]),
    target: Address::from_v4([8, 0, 2, 9]),
    router: Address::from_v4([8, 0, 0, 1]),
    stranger: Address::from_v4([8, 0, 6, 6]),
};

/// The addresses of IPv6.
pub const V6: Addresses = Addresses {
    us: v6([0x2001, 0xdb8, 1, 0, 0, 0, 0, 1]),
    target: v6([0x2001, 0xdb8, 0x86dd, 2, 0, 0, 0, 9]),
    router: v6([0x2001, 0xdb8, 0x86dd, 0, 0, 0, 0, 1]),
    stranger: v6([0x2001, 0xdb8, 0x86dd, 6, 0, 0, 0, 6]),
};

/// The addresses of a family.
pub const fn addresses(v6: bool) -> Addresses {
    if v6 { V6 } else { V4 }
}

/// The state of a probe's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Sent, not answered.
    Armed,
    /// As [`State::Armed`], and the low half word of the nonce is zero.
    ZeroNarrow,
    /// Answered already.
    Answered,
    /// Sent longer ago than the timeout.
    Overdue,
    /// Announced, not stamped; the slot's first tenant.
    Unstamped,
    /// Sent, in a slot that had a tenant before.
    Reused,
    /// Announced, not stamped; the slot had a tenant before.
    ReusedUnstamped,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Armed,
        Self::ZeroNarrow,
        Self::Answered,
        Self::Overdue,
        Self::Unstamped,
        Self::Reused,
        Self::ReusedUnstamped,
    ];
}

/// A probe of the scene.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// What it is made of.
    pub protocol: Protocol,
    /// Whether it is of IPv6.
    pub v6: bool,
    /// State of its slot.
    pub state: State,
}

impl Sent {
    /// A probe of the scene.
    pub const fn new(protocol: Protocol, v6: bool, state: State) -> Self {
        Self {
            protocol,
            v6,
            state,
        }
    }

    /// Every probe of the scene.
    pub fn all() -> impl Iterator<Item = Self> {
        let families = || [false, true].into_iter();
        Protocol::ALL.iter().flat_map(move |protocol| {
            families().flat_map(move |v6| {
                let states = State::ALL.into_iter();
                states.map(move |state| Self::new(*protocol, v6, state))
            })
        })
    }

    /// What it was made from.
    pub fn probe(self) -> Probe {
        let Addresses { us, target, .. } = addresses(self.v6);
        let flow = 1;
        Probe {
            protocol: self.protocol,
            source: us,
            destination: target,
            ttl: 5,
            tos: 0,
            flow_label: 0xa_bcde,
            port: PORTS.port(flow, PORTS.shard(target.hash())),
            destination_port: match self.protocol {
                Protocol::Icmp => 0,
                Protocol::Udp => 33_434,
                Protocol::Tcp => 80,
            },
            seq16: 0x100 + self.number(),
            nonce: self.nonce(),
            ack: false,
        }
    }

    /// The probe as it left, from the IP header on.
    pub fn octets(self) -> Vec<u8> {
        emit(&self.probe())
    }

    /// The nonce of the slot's tenant before; 0: there was none.
    pub fn previous_nonce(self) -> Nonce {
        match self.state {
            State::Reused | State::ReusedUnstamped => Nonce(!self.nonce().0),
            _ => Nonce(0),
        }
    }

    /// Index of the slot.
    pub fn slot(self) -> u32 {
        let probe = self.probe();
        slot_index(PORTS.shard(probe.destination.hash()), probe.seq16)
    }

    /// What the slot holds at `now_ns` (CLOCK_MONOTONIC).
    pub fn record(self, now_ns: u64) -> Record {
        let probe = self.probe();
        let answered = generation(probe.nonce) | ARMED | ANSWERED;
        let armed = generation(probe.nonce) | ARMED;
        let (state, age_ns) = match self.state {
            State::Armed | State::ZeroNarrow | State::Reused => (armed, 1_000_000),
            State::Answered => (answered, 1_000_000),
            State::Overdue => (armed, TIMEOUT_NS + 1_000_000_000),
            State::Unstamped | State::ReusedUnstamped => (generation(probe.nonce), now_ns),
        };
        Record {
            nonce: probe.nonce.0,
            previous_nonce: self.previous_nonce().0,
            tx_ns: now_ns.saturating_sub(age_ns),
            state,
            destination_hash: probe.destination.hash(),
            target: 7_000 + u32::from(self.number()),
            round: 3,
            flow: 1,
            ttl: probe.ttl,
            protocol: probe.protocol as u8,
            source_sum: probe.source.sum().fold(),
            tuple_sum: probe.tuple_sum(),
            tx_source: u32::from(self.number()) % 3 + 1,
            seat: 0,
            user_ns: 0,
        }
    }

    /// A number of its own, below 64.
    fn number(self) -> u16 {
        let protocol = match self.protocol {
            Protocol::Icmp => 0,
            Protocol::Udp => 1,
            Protocol::Tcp => 2,
        };
        (self.state as u16) * 6 + protocol * 2 + u16::from(self.v6)
    }

    fn nonce(self) -> Nonce {
        let mixed = (u64::from(self.number()) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match self.state {
            State::ZeroNarrow => Nonce(mixed & !0xffff),
            _ => Nonce(mixed),
        }
    }
}

/// A probe without contact text as octets, from the IP header on.
pub fn emit(probe: &Probe) -> Vec<u8> {
    let mut octets = vec![0; usize::from(probe.length(Tail::NONE))];
    let end = probe.emit(Tail::NONE, &mut SlicePut(&mut octets), 0);
    debug_assert_eq!(end, Some(octets.len()));
    octets
}

const fn v6(groups: [u16; 8]) -> Address {
    let [a, b, c, d, e, f, g, h] = groups;
    Address::from_v6(std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h).octets())
}
