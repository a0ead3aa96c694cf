//! What a run needs of the host: ports, programs, rings, slots, sockets.

use std::{collections::BTreeSet, time::Duration};

use probe_common::{
    abi::{ABI_VERSION, Config},
    identity::{NonceKey, Ports},
};

use super::{attach::attach, sizing::Sizing, ways::Ways};
use crate::{
    engine::{plan::Plan, time::nanoseconds},
    error::{Error, Result},
    io::{
        bpf::{Attachment, GeneratorSettings, Kernel, Settings},
        network::Network,
        ports::{self, Reservation},
        ring::{RingSet, Rings},
        slots::SlotTable,
        trails::{Room, TrailTable},
        transmit::Transmitter,
    },
};

/// Bytes that wait, at least, before a reader is woken that is woken for many events at
/// once: being woken costs an interrupt, and it looks by itself now and then.
const WAKEUP_BYTES: u64 = 64 << 10;

/// Everything that a run holds on to. Dropping it leaves nothing behind.
pub(super) struct Equipment {
    pub(super) kernel: Kernel,
    pub(super) rings: Rings,
    pub(super) slots: SlotTable,
    pub(super) transmitter: Transmitter,
    pub(super) attachments: Vec<Attachment>,
    /// Whether the reader is woken for many events at once, and must look itself.
    pub(super) batched: bool,
    /// What the user should know.
    pub(super) notice: Option<String>,
    /// Of all that is drawn but the secrets.
    pub(super) seed: u64,
    pub(super) held: Held,
}

/// What is held only so that no other run takes it.
pub(super) struct Held {
    _ports: Reservation,
}

/// Reserves, loads, attaches and opens what the plan needs.
pub(super) async fn equip(plan: &Plan, network: &Network, ways: &Ways) -> Result<Equipment> {
    let seed = plan.probes.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    let sizing = Sizing::of(plan, ways.found.len() as u64);
    let needs = Needs {
        flows: sizing.flows,
        shard_bits: sizing.shard_bits,
        ring_bytes: sizing.ring_bytes,
        batched: sizing.batched,
        timeout: plan.probes.timeout,
        flags: 0,
        generator: None,
        paths: None,
    };
    let Provision {
        mut kernel,
        rings,
        slots,
        reservation,
        ..
    } = provide(&needs, &mut rng)?;
    let transmitter = Transmitter::open(reservation.mark)?;
    let rings = Rings::new(rings)
        .map_err(|error| Error::Environment(format!("cannot wait for ring buffers: {error}")))?;
    let used = interfaces(ways);
    let mut attachments = Vec::new();
    attach(plan.path.rx, network, used, &mut kernel, &mut attachments).await?;
    Ok(Equipment {
        notice: sizing.notice,
        kernel,
        rings,
        slots,
        transmitter,
        attachments,
        batched: sizing.batched,
        seed,
        held: Held {
            _ports: reservation,
        },
    })
}

/// How much any run takes of ports and memory.
pub(super) struct Needs {
    /// Flows for each target.
    pub(super) flows: u16,
    /// Logarithm of the number of shards.
    pub(super) shard_bits: u16,
    /// Bytes of each CPU's ring.
    pub(super) ring_bytes: u32,
    /// Readers are woken for many events at once.
    pub(super) batched: bool,
    /// How long a reply may take.
    pub(super) timeout: Duration,
    /// [`Config::CONSUME`] and later flags.
    pub(super) flags: u32,
    /// Of the generator, if it may be used; without its secret.
    pub(super) generator: Option<GeneratorSettings>,
    /// Of an adaptive sweep.
    pub(super) paths: Option<Room>,
}

/// Ports, and programs that know them; nothing is attached yet.
pub(super) struct Provision {
    pub(super) kernel: Kernel,
    pub(super) rings: RingSet,
    pub(super) slots: SlotTable,
    /// Of an adaptive sweep.
    pub(super) trails: Option<TrailTable>,
    pub(super) reservation: Reservation,
}

/// Reserves ports that `rng` chooses, and loads the programs for them.
pub(super) fn provide(needs: &Needs, rng: &mut fastrand::Rng) -> Result<Provision> {
    let mut secret = fastrand::Rng::new();
    let ports = Ports::new(0, needs.flows, needs.shard_bits);
    let reservation = ports::reserve(ports.count(), rng)?;
    let ports = Ports {
        base: reservation.base,
        ..ports
    };
    let key = [secret.u64(..), secret.u64(..)];
    let mut generator = needs.generator;
    if let Some(settings) = &mut generator {
        settings.constants.key = key;
    }
    let mut kernel = Kernel::load(Settings {
        config: Config {
            abi_version: ABI_VERSION,
            mark: reservation.mark,
            ports,
            timeout_ns: nanoseconds(needs.timeout),
            flags: needs.flags | needs.paths.map_or(0, |_| Config::ADAPTIVE),
            stop_mask: needs.paths.map_or(0, |room| room.stop_mask),
            reserved: [0; 2],
        },
        key: NonceKey(key),
        ring_bytes: needs.ring_bytes,
        generator,
        paths: needs.paths,
    })?;
    let slots = kernel.slots()?;
    let trails = kernel.trails()?;
    let rings = kernel.rings()?;
    kernel.set_wakeup_bytes(if needs.batched {
        WAKEUP_BYTES.max(u64::from(needs.ring_bytes) / 8)
    } else {
        0
    })?;
    Ok(Provision {
        kernel,
        rings,
        slots,
        trails,
        reservation,
    })
}

/// The interfaces that something can be sent by.
pub(super) fn interfaces_in_use(ways: &Ways) -> BTreeSet<u32> {
    let open = ways.found.iter().filter(|way| way.blocked.is_none());
    open.map(|way| way.path.ifindex).collect()
}

/// The interfaces that ways leave by.
pub(super) fn interfaces(ways: &Ways) -> BTreeSet<u32> {
    ways.found.iter().map(|way| way.path.ifindex).collect()
}
