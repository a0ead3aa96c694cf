//! What a sweep needs of the host, and how much of it.

use std::{collections::BTreeSet, sync::Arc};

use probe_common::{abi::Config, adaptive::SHARED_TTLS};

use super::{
    backend::{self, Choice},
    ceiling::{self, Ceiling},
    reader::Look,
};
use crate::{
    engine::sweep::plan::SweepPlan,
    error::Result,
    io::{
        bpf::{Attachment, Kernel},
        generator::Generator,
        network::{Network, WayMap},
        ports::Reservation,
        ring::RingSet,
        slots::SlotTable,
        trails::{Room, TrailTable},
        transmit::Transmitter,
    },
    run::{
        attach::attach,
        equip::{self, Needs, Provision},
        sizing::{self, SHARD},
    },
};

/// What one core and the kernel's sockets can do at most, probes a second: what
/// slots are there for if no rate is given.
pub(super) const MOST_BY_SOCKET: u64 = 1_000_000;

/// What the generator can do at most on one processor, and what slots are there for
/// if no rate is given: what the fastest devices here answer for.
pub(super) const MOST_BY_GENERATOR: u64 = 5_000_000;
const EXPECTED_OF_GENERATOR: u64 = 2_000_000;

/// Most trails (64 MiB), words of the stop set (32 MiB) and of the hints (8 MiB).
const MOST_TRAILS: u64 = 1 << 20;
const MOST_STOPS: u64 = 1 << 22;
const MOST_HINTS: u64 = 1 << 20;

/// How much a sweep takes, and how fast it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizing {
    /// Logarithm of the number of shards.
    pub(super) shard_bits: u16,
    /// Bytes of each CPU's ring.
    pub(super) ring_bytes: u32,
    /// What makes readers look at their rings.
    pub(super) look: Look,
    /// Probes a second; `None`: as fast as it goes.
    pub(super) rate: Option<u64>,
    /// What bounds the rate below what was asked for.
    pub(super) notice: Option<String>,
    /// As fast as it may become on the way.
    pub(super) ceiling: Ceiling,
    /// Room for what is known of paths, in an adaptive sweep.
    pub(super) paths: Option<Room>,
}

impl Sizing {
    /// What a plan needs.
    pub(super) fn of(plan: &SweepPlan, brake: Option<Brake>, generator: bool) -> Self {
        let asked = plan.probes.rate;
        let expected = asked.unwrap_or(match generator {
            true => EXPECTED_OF_GENERATOR * u64::from(plan.lanes),
            false => MOST_BY_SOCKET,
        });
        let timeout = plan.probes.timeout.as_secs_f64();
        let in_flight = (expected as f64 * timeout).ceil() as u64;
        let targets = u64::from(plan.targets.len());
        let shard_bits =
            sizing::shard_bits(2 * in_flight, targets, plan.path.slots, plan.space.flows);
        let slots = SHARD << shard_bits;
        let of_slots = (slots as f64 / (2.0 * timeout)) as u64;
        let ceiling = Ceiling::of(plan, of_slots, brake.as_ref().map(|brake| brake.rate));
        let (rate, notice) = bounded(plan, asked, of_slots);
        let fastest = match generator {
            true => MOST_BY_GENERATOR * u64::from(plan.lanes),
            false => MOST_BY_SOCKET * u64::from(plan.lanes),
        };
        let held = brake.filter(|brake| rate.unwrap_or(fastest) > brake.rate);
        let (rate, notice) = match held {
            Some(brake) => (Some(brake.rate), Some(brake.notice)),
            None => (rate, notice),
        };
        Self {
            shard_bits,
            ring_bytes: sizing::ring_bytes(expected),
            look: Look::of(plan, expected),
            rate,
            notice,
            ceiling,
            paths: plan.rules().map(|_| room(plan, in_flight)),
        }
    }
}

/// Room for what is known of paths: as many trails as may wait for a reply, and stop
/// set and hints for as many routers and networks as there may be.
fn room(plan: &SweepPlan, in_flight: u64) -> Room {
    let paths = plan.steps().length();
    let power = |count: u64, least: u64, most: u64| {
        u32::try_from(count.clamp(least, most).next_power_of_two()).unwrap_or(u32::MAX >> 1)
    };
    let lanes = u64::from(plan.lanes);
    Room {
        seats: power(in_flight.min(paths), 64 * lanes, MOST_TRAILS),
        stop_mask: power(2 * paths, 1 << 12, MOST_STOPS) - 1,
        hint_mask: power(2 * paths, 1 << 12, MOST_HINTS) - 1,
    }
}

/// How fast the link allows probes to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brake {
    rate: u64,
    notice: String,
}

/// The share of the slowest link that the user allows; `None` where no link tells its
/// speed.
pub(super) async fn brake(plan: &SweepPlan, network: &Network, ways: &WayMap) -> Option<Brake> {
    let v6 = !plan.targets.is_v4_only();
    let octets = SweepPlan::octets_on_wire(plan.probes.protocol, v6, &plan.probes.contact);
    let mut slowest: Option<u64> = None;
    for ifindex in interfaces(ways) {
        if let Some(speed) = network.link_speed(ifindex).await {
            slowest = Some(slowest.map_or(speed, |slowest| slowest.min(speed)));
        }
    }
    let speed = slowest?;
    let rate = (speed as f64 * plan.share_of_link / (octets * 8) as f64) as u64;
    Some(Brake {
        rate: rate.max(1),
        notice: format!(
            "{rate} probes/s are {} % of the link's {} Mbit/s; a higher --max-share-of-link allows \
             more",
            percent(plan.share_of_link),
            speed / 1_000_000
        ),
    })
}

/// A share in percent, as the user may have written it: without what the binary form
/// adds.
fn percent(share: f64) -> f64 {
    const PLACES: f64 = 1e6;
    (share * 100.0 * PLACES).round() / PLACES
}

/// The rate within its caps, and a sentence if one of them holds.
fn bounded(plan: &SweepPlan, asked: Option<u64>, of_slots: u64) -> (Option<u64>, Option<String>) {
    let mut rate = asked;
    let mut notice = None;
    if asked.is_some_and(|asked| asked > of_slots) {
        rate = Some(of_slots);
        notice = Some(format!(
            "{of_slots} probes/s are as many as the slots allow that wait for answers; more \
             --slots, more targets or a shorter --timeout allow more"
        ));
    }
    if let Some((most, hop_rate)) = ceiling::of_hops(plan)
        && rate.is_none_or(|rate| rate > most)
    {
        rate = Some(most);
        notice = Some(format!(
            "{most} probes/s spare the hops that all targets share: {hop_rate}/s for each TTL up \
             to {SHARED_TTLS}; a higher --hop-rate or --first-ttl allows more"
        ));
    }
    (rate, notice)
}

/// Everything that a sweep holds on to. Dropping it leaves nothing behind.
pub(super) struct Equipment {
    pub(super) kernel: Kernel,
    pub(super) rings: RingSet,
    pub(super) slots: SlotTable,
    /// What is known of paths, in an adaptive sweep.
    pub(super) trails: Option<Arc<TrailTable>>,
    pub(super) senders: Senders,
    /// What the user should know of what sends.
    pub(super) notice: Option<String>,
    pub(super) attachments: Vec<Attachment>,
    /// Held so that no other run takes the ports.
    pub(super) reservation: Reservation,
}

/// What sends.
pub(super) enum Senders {
    /// Sockets, for each lane.
    Sockets(Vec<Transmitter>),
    /// The kernel's generator.
    Generator { generator: Generator, batch: u32 },
}

impl Senders {
    /// What one lane can do at most, probes a second.
    pub(super) fn fastest(&self) -> u64 {
        match self {
            Self::Sockets(_) => MOST_BY_SOCKET,
            Self::Generator { .. } => MOST_BY_GENERATOR,
        }
    }
}

/// Reserves, loads, attaches and opens what the plan needs.
pub(super) async fn equip(
    plan: &mut SweepPlan,
    sizing: &Sizing,
    mut choice: Choice,
    network: &Network,
    ways: &WayMap,
) -> Result<Equipment> {
    let batch = backend::batch(plan, sizing.rate);
    let needs = Needs {
        flows: plan.space.flows,
        shard_bits: sizing.shard_bits,
        ring_bytes: sizing.ring_bytes,
        batched: sizing.look != Look::Woken,
        timeout: plan.probes.timeout,
        flags: if plan.consume { Config::CONSUME } else { 0 },
        generator: choice
            .generator
            .as_ref()
            .map(|layout| backend::settings(plan, sizing, layout, batch)),
        paths: sizing.paths,
    };
    let Provision {
        mut kernel,
        rings,
        slots,
        trails,
        reservation,
    } = equip::provide(&needs, &mut fastrand::Rng::new())?;
    let used = interfaces(ways);
    let mut attachments = Vec::new();
    attach(plan.path.rx, network, used, &mut kernel, &mut attachments).await?;
    choice.confirm(ways, network).await;
    if choice.generator.is_none() && plan.may_add_lanes {
        plan.lanes = 1;
    }
    let senders = match choice.generator {
        Some(layout) => Senders::Generator {
            generator: kernel.generator(&layout)?,
            batch,
        },
        None => Senders::Sockets(
            (0..plan.lanes)
                .map(|_| Transmitter::open(reservation.mark))
                .collect::<Result<_>>()?,
        ),
    };
    Ok(Equipment {
        kernel,
        rings,
        slots,
        trails: trails.map(Arc::new),
        senders,
        notice: choice.notice,
        attachments,
        reservation,
    })
}

/// The interfaces that ways leave by.
pub(super) fn interfaces(ways: &WayMap) -> BTreeSet<u32> {
    ways.paths().map(|path| path.ifindex).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::{Request, parse};

    fn sizing(line: &str) -> Sizing {
        let args = ["probe", "sweep", "--contact", "x"];
        let args = args.into_iter().chain(line.split_whitespace());
        match parse(args) {
            Ok(Request::Sweep(plan)) => Sizing::of(&plan, None, false),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_plain_sweep_takes_the_least() {
        let expected = Sizing {
            shard_bits: 0,
            ring_bytes: 256 << 10,
            look: Look::Every(Duration::from_millis(10)),
            rate: Some(1_000),
            notice: None,
            ceiling: Ceiling {
                rate: 32_768,
                bound: "the slots allow",
            },
            paths: None,
        };
        assert_eq!(sizing("--ping 8.8.8.0/24"), expected);
    }

    #[test]
    fn as_many_paths_are_followed_as_may_wait_for_a_reply() {
        let seats = |line| sizing(line).paths.map(|room| room.seats);
        assert_eq!(seats("--rate 10k --timeout 2s 8.8.0.0/16"), Some(32_768));
        assert_eq!(seats("--rate 10k --timeout 2s 8.8.8.0/26"), Some(64));
        assert_eq!(seats("--rate max 8.0.0.0/8"), Some(1 << 20));
        assert_eq!(seats("--ping 8.8.8.0/24"), None);
    }

    #[test]
    fn twice_what_waits_has_a_slot() {
        let sizing = sizing("--rate 400k --ping 8.8.0.0/16");
        assert!(SHARD << sizing.shard_bits >= 2 * 400_000);
        assert_eq!(sizing.rate, Some(400_000));
    }

    #[test]
    fn readers_are_woken_for_each_event_only_where_senders_wait_for_it() {
        let look = |line| sizing(line).look;
        assert_eq!(look("--tcp --rate 1k 8.8.8.0/24"), Look::Woken);
        let often = Look::Every(Duration::from_millis(1));
        assert_eq!(look("--tcp --rate 400k 8.8.8.0/24"), often);
        assert_eq!(look("--rate 400k 8.8.8.0/24"), often);
        let seldom = Look::Every(Duration::from_millis(10));
        assert_eq!(look("--rate 10k 8.8.8.0/24"), seldom);
    }

    #[test]
    fn a_rate_that_slots_cannot_bear_is_bounded_and_the_user_told() {
        let line = "--allow-private --rate 1M --slots 65536 --timeout 2s --ping 10.0.0.0/16";
        let sizing = sizing(line);
        assert_eq!(sizing.rate, Some(65_536 / 4));
        assert!(
            sizing
                .notice
                .is_some_and(|notice| notice.contains("--slots"))
        );
    }

    #[test]
    fn hops_that_all_targets_share_are_spared() {
        let shared = sizing("--probing full --rate 100k --max-ttl 20 8.8.0.0/16");
        assert_eq!(shared.rate, Some(20_000));
        assert!(
            shared
                .notice
                .is_some_and(|notice| notice.contains("--hop-rate"))
        );
        for free in [
            // Further hops are not shared by all.
            "--probing full --first-ttl 5",
            "--probing full --hop-rate max",
            // Each hop has its own bound.
            "--probing adaptive",
        ] {
            let sizing = sizing(&format!("{free} --rate 100k 8.8.0.0/16"));
            assert_eq!(sizing.rate, Some(100_000), "{free}");
        }
    }

    #[test]
    fn as_fast_as_it_goes_has_no_bound_of_its_own() {
        let sizing = sizing("--allow-private --rate max --ping 10.0.0.0/8");
        assert_eq!(sizing.rate, None);
        assert!(sizing.ring_bytes <= 64 << 20);
    }

    fn braked(line: &str, rate: u64, generator: bool) -> Sizing {
        let args = ["probe", "sweep", "--contact", "x", "--allow-private"];
        let args = args.into_iter().chain(line.split_whitespace());
        let brake = Brake {
            rate,
            notice: "--max-share-of-link".into(),
        };
        match parse(args) {
            Ok(Request::Sweep(plan)) => Sizing::of(&plan, Some(brake), generator),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_link_bounds_the_rate_and_the_user_is_told_why() {
        for line in [
            "--rate 50k --ping 10.0.0.0/16",
            "--rate max --ping 10.0.0.0/16",
        ] {
            let sizing = braked(line, 20_000, false);
            assert_eq!(sizing.rate, Some(20_000), "{line}");
            assert_eq!(sizing.notice.as_deref(), Some("--max-share-of-link"));
        }
    }

    #[test]
    fn a_link_that_is_faster_than_what_sends_bounds_nothing() {
        let slow = braked("--rate 10k --ping 10.0.0.0/16", 20_000, false);
        assert_eq!((slow.rate, slow.notice), (Some(10_000), None));
        let line = "--rate max --ping 10.0.0.0/8";
        assert_eq!(braked(line, 2 * MOST_BY_SOCKET, false).rate, None);
        // The generator would go beyond it.
        let fast = 2 * MOST_BY_SOCKET;
        assert_eq!(braked(line, fast, true).rate, Some(fast));
    }

    #[test]
    fn a_share_is_told_as_it_was_given() {
        for (share, expected) in [
            (0.5, "50"),
            (0.07, "7"),
            (0.001 / 100.0, "0.001"),
            (1.0, "100"),
        ] {
            assert_eq!(percent(share).to_string(), expected);
        }
    }

    #[test]
    fn the_lowest_of_several_bounds_holds_and_is_the_one_that_is_told() {
        let line = "--rate 1M --slots 65536 --timeout 2s --ping 10.0.0.0/16";
        let of_slots = braked(line, 100_000, false);
        assert_eq!(of_slots.rate, Some(16_384));
        assert!(
            of_slots
                .notice
                .is_some_and(|notice| notice.contains("--slots"))
        );
        let of_link = braked(line, 10_000, false);
        assert_eq!(of_link.rate, Some(10_000));
    }
}
