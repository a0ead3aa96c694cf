//! The sessions of a plan.

use std::time::Duration;

use probe_common::abi::Protocol;

use super::{
    sizing::{TRACES_AT_ONCE, flows},
    ways::Ways,
};
use crate::{
    engine::{
        core::Engine,
        flows::Flows,
        latency::Precision,
        pace::Pace,
        ping::Ping,
        plan::{PingOptions, Plan, TraceOptions},
        trace::Trace,
    },
    io::clock,
};

/// Pings whose percentiles can have three digits: a hundred megabytes. Those of more are
/// compact.
const FINE_PINGS: u32 = 1_000;

/// One trace for each target and flow: session `target × flows + flow`.
pub(super) fn traces(plan: &Plan, options: &TraceOptions, ways: &Ways) -> Engine<Trace> {
    let mut engine = Engine::new(plan.probes.timeout, Pace::at_most(plan.probes.rate));
    let gap = options.interval / TRACES_AT_ONCE;
    let mut begin = clock::now();
    for way in &ways.found {
        for flow in 0..plan.probes.flows {
            let trace = Trace::new(
                options.clone(),
                flow,
                plan.probes.timeout,
                plan.probes.opens_connections(),
            );
            let trace = match plan.probes.protocol {
                Protocol::Tcp => trace.with_witness(),
                Protocol::Icmp | Protocol::Udp => trace,
            };
            engine.add(trace, way.address(), [flow], begin);
            begin = begin + gap;
        }
    }
    engine
}

/// One ping for each target: session `target`. They begin spread over an interval.
pub(super) fn pings(plan: &Plan, options: &PingOptions, ways: &Ways) -> Engine<Ping> {
    let mut engine = Engine::new(plan.probes.timeout, Pace::at_most(plan.probes.rate));
    let targets = ways.found.len().max(1) as u32;
    let now = clock::now();
    let reserved = flows(plan);
    let flows = if plan.probes.opens_connections() {
        Flows::first_free(reserved)
    } else {
        Flows::in_turn(plan.probes.flows, reserved)
    };
    // Only data from an open port names no probe.
    let told_by_flow = match plan.probes.protocol {
        Protocol::Udp => reserved,
        _ => 0,
    };
    let precision = if targets > FINE_PINGS {
        Precision::Compact
    } else {
        Precision::Fine
    };
    for (number, way) in (0u32..).zip(&ways.found) {
        let begin = now + Duration::from_nanos(phase_ns(options.interval, number, targets));
        let ping =
            Ping::new(options, begin, flows.clone(), plan.probes.timeout).with_precision(precision);
        let ping = match precision {
            Precision::Fine => ping.with_limits(),
            Precision::Compact => ping,
        };
        let ping = match plan.output.report_interval {
            Some(_) => ping.with_intervals(now),
            None => ping,
        };
        engine.add(ping, way.address(), 0..told_by_flow, begin);
    }
    engine
}

fn phase_ns(interval: Duration, number: u32, targets: u32) -> u64 {
    (interval.as_secs_f64() * 1e9 * f64::from(number) / f64::from(targets)) as u64
}
