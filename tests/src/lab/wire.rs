//! A wire with properties: a relay between two devices, transparent to Ethernet.

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use probe_common::wire::{SliceCursor, eth, icmp, ip};

use super::{
    namespace::Namespace,
    packet_socket::{Frames, MAX_FRAME, PacketSocket, VNET_HEADER},
    worker::{Stop, Worker},
};

/// Ethertype of ARP.
const ARP: u16 = 0x0806;
/// Protocol number of IGMP.
const IGMP: u8 = 2;
/// ICMPv6 types of solicitations, advertisements and redirects (RFC 4861).
const NEIGHBOUR_DISCOVERY: RangeInclusive<u8> = 133..=137;
/// ICMPv6 types of questions and reports about multicast listeners (RFC 2710, RFC 3810).
const LISTENER_DISCOVERY: [u8; 4] = [130, 131, 132, 143];

/// What a wire does to frames, each way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wire {
    delay: Duration,
    loss: f64,
    duplicates: f64,
    seed: u64,
}

impl Wire {
    /// Holds each frame at least this long, each way.
    pub const fn delay(delay: Duration) -> Self {
        Self {
            delay,
            loss: 0.0,
            duplicates: 0.0,
            seed: 1,
        }
    }

    /// Loses frames with this probability (0 to 1), but none of address resolution,
    /// whose retries take seconds, nor what hosts say of themselves at moments of their
    /// own: which of the others are lost, the seed alone decides.
    #[must_use]
    pub const fn loss(self, loss: f64) -> Self {
        Self { loss, ..self }
    }

    /// Delivers frames twice with this probability (0 to 1).
    #[must_use]
    pub const fn duplicates(self, duplicates: f64) -> Self {
        Self { duplicates, ..self }
    }

    /// Seeds the choice of lost and doubled frames.
    #[must_use]
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn copies(&self, frame: &[u8], random: &mut fastrand::Rng) -> usize {
        if is_housekeeping(frame) {
            return 1;
        }
        if random.f64() < self.loss {
            return 0;
        }
        1 + usize::from(random.f64() < self.duplicates)
    }
}

/// A wire at work, between the devices `near` and `far` of its own namespace.
#[derive(Debug)]
pub(crate) struct RunningWire {
    _relays: [Worker<()>; 2],
    /// Dropped after the relays.
    _namespace: Namespace,
}

impl RunningWire {
    pub(crate) fn start(namespace: Namespace, wire: Wire) -> Result<Self> {
        // The middle of a wire has no addresses and says nothing itself.
        namespace.sysctl(&[
            ("ipv6/conf/near/disable_ipv6", "1"),
            ("ipv6/conf/far/disable_ipv6", "1"),
        ])?;
        namespace.ip(["link set near up", "link set far up"])?;
        let open = |device| namespace.enter(|| PacketSocket::open(device, Frames::All));
        let (near, far) = (Arc::new(open("near")?), Arc::new(open("far")?));
        let mut seeds = fastrand::Rng::with_seed(wire.seed);
        let mut relay = |from: &Arc<PacketSocket>, to: &Arc<PacketSocket>| {
            let (from, to, seed) = (Arc::clone(from), Arc::clone(to), seeds.u64(..));
            Worker::spawn("lab-wire", move |stop| relay(&from, &to, wire, seed, &stop))
        };
        Ok(Self {
            _relays: [relay(&near, &far)?, relay(&far, &near)?],
            _namespace: namespace,
        })
    }
}

/// Whether a frame of [`Frames::All`] is ARP, neighbour discovery, or about multicast.
fn is_housekeeping(frame: &[u8]) -> bool {
    let Some((_, packet)) = frame.split_at_checked(VNET_HEADER) else {
        return false;
    };
    let mut cursor = SliceCursor::new(packet);
    match eth::read(&mut cursor).map(|(ethertype, _)| ethertype) {
        Some(ARP) => true,
        Some(eth::IPV4) => ip::read(cursor, false).is_ok_and(|(header, _)| header.protocol == IGMP),
        Some(eth::IPV6) => ip::read(cursor, true).is_ok_and(|(header, mut rest)| {
            let message = icmp::read(&mut rest).map(|message| message.kind);
            let is_spared =
                |kind| NEIGHBOUR_DISCOVERY.contains(&kind) || LISTENER_DISCOVERY.contains(&kind);
            header.protocol == ip::protocol::ICMPV6 && message.is_some_and(is_spared)
        }),
        _ => false,
    }
}

fn relay(from: &PacketSocket, to: &PacketSocket, wire: Wire, seed: u64, stop: &Stop) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut held: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0; MAX_FRAME];
    loop {
        let next = held
            .front()
            .map(|(due, _)| due.saturating_duration_since(Instant::now()));
        if stop.wait(&[from], next)? {
            return Ok(());
        }
        while let Some(length) = from.receive(&mut buffer)? {
            let due = Instant::now() + wire.delay;
            let frame = &buffer[..length];
            for _ in 0..wire.copies(frame, &mut random) {
                held.push_back((due, frame.to_vec()));
            }
        }
        let now = Instant::now();
        while let Some((_, frame)) = held.pop_front_if(|(due, _)| *due <= now) {
            to.send(&frame);
        }
    }
}
