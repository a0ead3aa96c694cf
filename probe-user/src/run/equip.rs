//! What a run needs of the host: ports, programs, rings, slots, sockets.

use std::{collections::BTreeSet, time::Duration};

use probe_common::{
    abi::{ABI_VERSION, Config, Protocol},
    identity::{NonceKey, Ports},
};

use super::ways::Ways;
use crate::{
    engine::{
        plan::{Job, Plan},
        time::nanoseconds,
    },
    error::{Error, Result},
    io::{
        bpf::{Attachment, Kernel, Settings},
        network::Network,
        ports::{self, Reservation},
        ring::Rings,
        slots::SlotTable,
        transmit::Transmitter,
    },
};

/// Least slots of a run: one shard.
const LEAST_SLOTS: u64 = 1 << 16;

/// Most ports that a run takes.
const MOST_PORTS: u32 = 1 << 14;

/// Most flows that the probes of one target are spread over so as not to overlap.
const MOST_SPARE_FLOWS: u16 = 16;

/// Rate above which a reader is woken for many events at once.
const BATCHED_WAKEUP_RATE: u64 = 20_000;

/// Bytes that wait before such a reader is woken.
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
    let mut secret = fastrand::Rng::new();
    let seed = plan.probes.seed.unwrap_or_else(|| secret.u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    let rate = expected_rate(plan, ways.found.len() as u64);
    let ports = Ports::new(0, flows(plan), shard_bits(plan, rate));
    let reservation = ports::reserve(ports.count(), &mut rng)?;
    let ports = Ports {
        base: reservation.base,
        ..ports
    };
    let transmitter = Transmitter::open(reservation.mark)?;
    let mut kernel = Kernel::load(Settings {
        config: Config {
            abi_version: ABI_VERSION,
            mark: reservation.mark,
            ports,
            timeout_ns: nanoseconds(plan.probes.timeout),
            flags: 0,
            reserved: [0; 3],
        },
        key: NonceKey([secret.u64(..), secret.u64(..)]),
        ring_bytes: ring_bytes(rate),
    })?;
    let slots = kernel.slots()?;
    let rings = kernel.rings()?;
    let batched = rate >= BATCHED_WAKEUP_RATE;
    kernel.set_wakeup_bytes(if batched { WAKEUP_BYTES } else { 0 })?;
    let attachments = attach(plan, network, ways, &mut kernel, &[]).await?;
    Ok(Equipment {
        notice: slots_notice(plan, rate, ports),
        kernel,
        rings,
        slots,
        transmitter,
        attachments,
        batched,
        seed,
        held: Held {
            _ports: reservation,
        },
    })
}

/// Flows for each target. A ping needs as many as there can be probes under way
/// where those of one flow must not overlap: SYNs, and datagrams once a reply does
/// not say which of them it answers.
pub(super) fn flows(plan: &Plan) -> u16 {
    let asked = plan.probes.flows;
    match &plan.job {
        Job::Ping(options) if syn(plan) || plan.probes.protocol == Protocol::Udp => {
            let interval = options.interval.as_secs_f64().max(1e-3);
            let under_way = (plan.probes.timeout.as_secs_f64() / interval).ceil() as u16;
            asked.max(under_way.saturating_add(1).min(MOST_SPARE_FLOWS))
        }
        Job::Ping(_) | Job::Trace(_) => asked,
    }
}

/// Whether probes open connections.
pub(super) fn syn(plan: &Plan) -> bool {
    plan.probes.protocol == Protocol::Tcp && !plan.probes.tcp_ack
}

/// Probes a second that the plan can come to.
fn expected_rate(plan: &Plan, targets: u64) -> u64 {
    let (at_once, interval) = match &plan.job {
        Job::Ping(options) => (targets, options.interval),
        Job::Trace(options) => {
            let hops = u64::from(options.max_ttl.saturating_sub(options.first_ttl)) + 1;
            let flows = u64::from(plan.probes.flows);
            (
                targets.saturating_mul(hops).saturating_mul(flows),
                options.interval,
            )
        }
    };
    let interval = interval.max(Duration::from_millis(1));
    let rate = (at_once as f64 / interval.as_secs_f64()).ceil() as u64;
    rate.min(plan.probes.rate.unwrap_or(u64::MAX))
}

/// Shards for twice the probes that can wait for an answer.
fn shard_bits(plan: &Plan, rate: u64) -> u16 {
    let in_flight = (rate as f64 * plan.probes.timeout.as_secs_f64()).ceil() as u64;
    let wanted = in_flight.saturating_mul(2).max(LEAST_SLOTS);
    let slots = wanted.min(u64::from(plan.path.slots).max(LEAST_SLOTS));
    let bits = slots
        .next_power_of_two()
        .trailing_zeros()
        .saturating_sub(16);
    let most = (MOST_PORTS / u32::from(flows(plan)).max(1)).max(1).ilog2();
    bits.min(most) as u16
}

/// What the user should know of the slots' bounds before the run; `None`: nothing.
fn slots_notice(plan: &Plan, rate: u64, ports: Ports) -> Option<String> {
    let timeout = plan.probes.timeout.as_secs_f64();
    let of_all = (f64::from(ports.slots()) / (2.0 * timeout)) as u64;
    let of_one = (LEAST_SLOTS as f64 / (2.0 * timeout)) as u64;
    let Job::Ping(options) = &plan.job else {
        return None;
    };
    // So few cannot use them up.
    if options
        .count
        .is_some_and(|count| u64::from(count) < LEAST_SLOTS / 2)
    {
        return None;
    }
    let interval = options.interval.as_secs_f64().max(1e-9);
    if 1.0 / interval > of_one as f64 {
        return Some(format!(
            "above {of_one} probes/s to one target, probes that nobody answers use its slots up: \
             more are not sent, and counted as never sent; a shorter --timeout allows more"
        ));
    }
    (rate > of_all).then(|| {
        format!(
            "above {of_all} probes/s, probes that nobody answers use the slots up: more are not \
             sent, and counted as never sent; more --slots or a shorter --timeout allow more"
        )
    })
}

/// Bytes of each CPU's ring: 64-byte events (72 with the header) of a quarter second.
fn ring_bytes(rate: u64) -> u32 {
    let bytes = (rate / 4).saturating_mul(72).clamp(256 << 10, 64 << 20);
    bytes.next_power_of_two() as u32
}

/// Attaches to the lowest devices under the interfaces that the routes use,
/// except where `attached` already.
pub(super) async fn attach(
    plan: &Plan,
    network: &Network,
    ways: &Ways,
    kernel: &mut Kernel,
    attached: &[Attachment],
) -> Result<Vec<Attachment>> {
    let used: BTreeSet<u32> = ways.found.iter().map(|way| way.path.ifindex).collect();
    let mut fresh: Vec<Attachment> = Vec::new();
    for ifindex in used {
        let lowest = network
            .attach_points(ifindex)
            .await
            .map_err(|error| Error::Environment(error.to_string()))?;
        for interface in lowest {
            let mut known = attached.iter().chain(&fresh);
            if known.all(|a| a.ifindex != interface.index) {
                fresh.push(kernel.attach(&interface, plan.path.rx)?);
            }
        }
    }
    Ok(fresh)
}
