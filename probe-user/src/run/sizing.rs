//! How much a plan needs: flows, slots, rings.

use std::time::Duration;

use probe_common::{abi::Protocol, identity::Ports};

use crate::engine::plan::{Job, Plan, TraceOptions};

/// Traces that begin within one interval.
pub(super) const TRACES_AT_ONCE: u32 = 500;

/// Slots of a shard, and the least of a run. A target has one shard.
pub(super) const SHARD: u64 = 1 << 16;

/// So many targets share the shards evenly.
const EVEN: u64 = 4_096;

/// Most ports that a run takes.
const MOST_PORTS: u32 = 1 << 14;

/// Most flows that the probes of one target are spread over so as not to overlap.
const MOST_SPARE_FLOWS: u16 = 16;

/// The shortest interval that the host is expected to keep.
const LEAST_INTERVAL: Duration = Duration::from_micros(10);

/// Rate above which a reader is woken for many events at once.
const BATCHED_WAKEUP_RATE: u64 = 20_000;

/// An event with its header in the ring, bytes.
const EVENT: u64 = 72;

/// Most bytes of a ring that are there for more than a quarter of a second.
const MOST_TO_SPARE: u64 = 2 << 20;

/// What a plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizing {
    /// Flows for each target.
    pub(super) flows: u16,
    /// Logarithm of the number of shards: slots for twice the probes that can wait for
    /// an answer, or half as many again where targets are very many.
    pub(super) shard_bits: u16,
    /// Bytes of each CPU's ring: see [`ring_bytes`].
    pub(super) ring_bytes: u32,
    /// Whether the reader is woken for many events at once, and must look itself.
    pub(super) batched: bool,
    /// What the user should know of the slots' bounds before the run.
    pub(super) notice: Option<String>,
}

impl Sizing {
    /// What a plan needs for so many targets.
    pub(super) fn of(plan: &Plan, targets: u64) -> Self {
        let flows = flows(plan);
        let rate = expected_rate(plan, targets);
        let in_flight = (rate as f64 * plan.probes.timeout.as_secs_f64()).ceil() as u64;
        let slots = (in_flight as f64 * slots_of_each(targets)).ceil() as u64;
        let shard_bits = shard_bits(slots, targets, plan.path.slots, flows);
        Self {
            flows,
            shard_bits,
            ring_bytes: ring_bytes(rate),
            batched: is_batched(rate),
            notice: notice(plan, rate, targets, Ports::new(0, flows, shard_bits)),
        }
    }
}

/// Slots for each probe that can wait for an answer: of few targets, one shard may have
/// more than another.
fn slots_of_each(targets: u64) -> f64 {
    if targets < EVEN { 2.0 } else { 1.5 }
}

/// Flows for each target. A ping needs as many as there can be probes under way
/// where those of one flow must not overlap: SYNs, and datagrams once a reply does
/// not say which of them it answers.
pub(super) fn flows(plan: &Plan) -> u16 {
    let asked = plan.probes.flows;
    match &plan.job {
        Job::Ping(options)
            if plan.probes.opens_connections() || plan.probes.protocol == Protocol::Udp =>
        {
            let interval = options.interval.max(LEAST_INTERVAL).as_secs_f64();
            let under_way = (plan.probes.timeout.as_secs_f64() / interval).ceil() as u16;
            asked.max(under_way.saturating_add(1).min(MOST_SPARE_FLOWS))
        }
        Job::Ping(_) | Job::Trace(_) => asked,
    }
}

/// Probes a second that the plan can come to.
fn expected_rate(plan: &Plan, targets: u64) -> u64 {
    let (at_once, interval) = match &plan.job {
        Job::Ping(options) => (targets as f64, options.interval),
        Job::Trace(options) => {
            let hops = f64::from(options.max_ttl.saturating_sub(options.first_ttl)) + 1.0;
            (
                traces_at_once(plan, options, targets) * hops,
                options.interval,
            )
        }
    };
    let rate = (at_once / interval.max(LEAST_INTERVAL).as_secs_f64()).ceil() as u64;
    rate.min(plan.probes.rate.unwrap_or(u64::MAX))
}

/// Traces begin one after another, and end: not all are under way at once.
fn traces_at_once(plan: &Plan, options: &TraceOptions, targets: u64) -> f64 {
    let all = targets as f64 * f64::from(plan.probes.flows);
    let interval = options.interval.as_secs_f64();
    if interval == 0.0 {
        return all;
    }
    let probes = f64::from(options.queries) * f64::from(options.rounds);
    let intervals = probes + plan.probes.timeout.as_secs_f64() / interval;
    all.min(f64::from(TRACES_AT_ONCE) * intervals.ceil())
}

/// Shards for so many slots, no more than targets, `most_slots` and ports allow.
pub(super) fn shard_bits(slots: u64, targets: u64, most_slots: u32, flows: u16) -> u16 {
    let of_targets = targets.max(1).saturating_mul(SHARD);
    let slots = slots.min(of_targets).min(most_slots.into()).max(SHARD);
    let bits = slots.next_power_of_two().ilog2() - SHARD.ilog2();
    let most = (MOST_PORTS / u32::from(flows.max(1))).max(1).ilog2();
    bits.min(most) as u16
}

/// Bytes of each CPU's ring: the events of a second, as a reader on a busy host may be
/// that late, as far as they are few; of a quarter second anyhow.
pub(super) fn ring_bytes(rate: u64) -> u32 {
    let second = rate.saturating_mul(EVENT);
    let bytes = second.min(MOST_TO_SPARE).max(second / 4);
    bytes.clamp(256 << 10, 64 << 20).next_power_of_two() as u32
}

/// Whether readers are woken for many events at once, and must look themselves.
pub(super) fn is_batched(rate: u64) -> bool {
    rate >= BATCHED_WAKEUP_RATE
}

fn notice(plan: &Plan, rate: u64, targets: u64, ports: Ports) -> Option<String> {
    let Job::Ping(options) = &plan.job else {
        return None;
    };
    // So few cannot use them up.
    let few = |count: u32| u64::from(count) < SHARD / 2;
    if options.count.is_some_and(few) {
        return None;
    }
    let timeout = plan.probes.timeout.as_secs_f64();
    let of_all = (f64::from(ports.slots()) / (slots_of_each(targets) * timeout)) as u64;
    let of_one = (SHARD as f64 / (2.0 * timeout)) as u64;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::{Request, parse};

    fn plan(line: &str) -> Plan {
        let args = ["probe"].into_iter().chain(line.split_whitespace());
        match parse(args) {
            Ok(Request::Run(plan)) => *plan,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn slots(sizing: &Sizing) -> u64 {
        u64::from(Ports::new(0, sizing.flows, sizing.shard_bits).slots())
    }

    #[test]
    fn a_plain_run_takes_the_least() {
        for line in ["ping 192.0.2.1", "trace 192.0.2.1", "trace --tcp 192.0.2.1"] {
            let expected = Sizing {
                flows: 1,
                shard_bits: 0,
                ring_bytes: 256 << 10,
                batched: false,
                notice: None,
            };
            assert_eq!(Sizing::of(&plan(line), 1), expected, "{line}");
        }
    }

    #[test]
    fn a_fast_ping_of_many_has_slots_for_twice_what_waits() {
        let plan = plan("ping -i 100us --timeout 1s 192.0.2.1");
        let sizing = Sizing::of(&plan, 50);
        assert!(slots(&sizing) >= 2 * 10_000 * 50);
        assert!(sizing.batched);
    }

    #[test]
    fn a_hundred_thousand_once_a_second_have_room_and_are_told_nothing() {
        let sizing = Sizing::of(&plan("ping -i 1s --timeout 3s 192.0.2.1"), 100_000);
        assert!((450_000..=600_000).contains(&slots(&sizing)), "{sizing:?}");
        assert_eq!(sizing.notice, None);
    }

    #[test]
    fn a_ring_holds_a_second_of_slow_runs_and_a_quarter_of_fast_ones() {
        for (rate, bytes) in [
            (1_000, 256 << 10),
            (20_000, 2 << 20),
            (100_000, 2 << 20),
            (117_000, 4 << 20),
            (1_000_000, 32 << 20),
            (u64::MAX, 64 << 20),
        ] {
            assert_eq!(ring_bytes(rate), bytes, "{rate}");
        }
    }

    #[test]
    fn one_target_has_one_shard_however_fast() {
        assert_eq!(Sizing::of(&plan("ping -i 0 192.0.2.1"), 1).shard_bits, 0);
    }

    #[test]
    fn a_trace_of_very_many_takes_no_more_than_are_under_way() {
        let sizing = Sizing::of(&plan("trace 192.0.2.1"), 1_000_000);
        assert!(slots(&sizing) < 1 << 23, "{sizing:?}");
    }

    #[test]
    fn a_ping_by_syn_or_datagram_has_flows_for_what_is_under_way() {
        for (line, flows) in [
            ("ping --tcp -i 1s --timeout 3s 192.0.2.1", 4),
            ("ping --udp -i 1s --timeout 3s 192.0.2.1", 4),
            ("ping --tcp -i 1ms 192.0.2.1", 16),
            ("ping --tcp -i 0 192.0.2.1", 16),
            ("ping --tcp --flows 40 192.0.2.1", 40),
            ("ping --tcp --tcp-flags ack 192.0.2.1", 1),
            ("ping 192.0.2.1", 1),
        ] {
            assert_eq!(flows_of(line), flows, "{line}");
        }
    }

    fn flows_of(line: &str) -> u16 {
        Sizing::of(&plan(line), 1).flows
    }

    #[test]
    fn a_ping_that_can_use_its_slots_up_is_told_so() {
        let told = |line: &str, targets| Sizing::of(&plan(line), targets).notice.is_some();
        assert!(told("ping -i 10us 192.0.2.1", 1));
        assert!(told("ping -i 1ms --slots 65536 192.0.2.1", 1_000));
        assert!(!told("ping -i 10us -c 100 192.0.2.1", 1));
        assert!(!told("ping -i 1ms 192.0.2.1", 1_000));
    }

    proptest! {
        #[test]
        fn every_plan_stays_within_its_bounds(
            tool in prop::sample::select(vec!["trace", "trace --udp", "ping", "ping --udp", "ping --tcp"]),
            interval_us in 0u64..2_000_000,
            timeout_ms in 1u64..3_600_000,
            flows in 1u16..=1_024,
            slot_bits in 16u32..=26,
            rate in prop::option::of(1u64..5_000_000),
            targets in 1u64..10_000_000,
        ) {
            let rate = rate.map_or_else(String::new, |rate| format!("--rate {rate}"));
            let most = 1u64 << slot_bits;
            let plan = plan(&format!(
                "{tool} --interval {interval_us}us --timeout {timeout_ms}ms --flows {flows} --slots {most} {rate} 192.0.2.1"
            ));
            let sizing = Sizing::of(&plan, targets);
            let ports = Ports::new(0, sizing.flows, sizing.shard_bits);
            prop_assert!(ports.count() <= MOST_PORTS);
            prop_assert!(sizing.flows >= flows);
            prop_assert!(slots(&sizing) <= most);
            prop_assert!(sizing.ring_bytes.is_power_of_two() && sizing.ring_bytes <= 64 << 20);
        }
    }
}
