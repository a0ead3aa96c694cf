//! Routers that answer only so often.

use std::{thread, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Probe, RateLimit, Trace, repeat_while},
};

#[test]
fn a_rate_limit_is_not_called_loss_of_the_path() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--rounds", "50", "--queries", "1", "--interval", "20ms"];
        let probe = Probe::trace(lab.vantage()).args(arguments);
        let run = probe.args(crate::SOON).to(target).run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!((run.code, trace.stop.as_str()), (Some(0), "target"));
        let losses: Vec<_> = trace.hops.iter().map(|hop| hop.loss).collect();
        assert!(
            losses.iter().all(|loss| loss.unanswered == 0),
            "{family}: {losses:?}"
        );
        assert!(
            losses.iter().all(|loss| loss.ratio == Some(0.0)),
            "{family}: {losses:?}"
        );
        assert!(
            losses[..3].iter().all(|loss| loss.rate_limited > 0),
            "{family}: {losses:?}"
        );
        assert_eq!(losses[3].rate_limited, 0);
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(trace.addresses().unwrap(), expected);
    }
}

#[test]
fn a_table_says_rate_limited() {
    let lab = Lab::chain(2).default_icmp_limits().build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = [
            "-n",
            "--rounds",
            "20",
            "--queries",
            "1",
            "--interval",
            "20ms",
        ];
        let probe = Probe::people(lab.vantage(), "trace").args(arguments);
        let table = probe.args(crate::SOON).to(target).run().unwrap().stdout;
        assert!(
            table.contains("rate-limited") || table.contains("rate limited"),
            "{table}"
        );
    }
}

/// Tokens a second, and at first, where that matters; `None`: no limit.
type Expected = Option<(f64, Option<u64>)>;

/// Where a hop has no limit: so long nothing is sent only if the host was held up.
const HELD_UP: Duration = Duration::from_millis(300);

/// Longer than it takes until all tokens are there again.
const REFILL: Duration = Duration::from_secs(7);

/// Probes each hop for thirteen seconds, much faster than routers answer.
fn pressed(lab: &Lab, family: Family, more: &[&str], expected: &[Expected]) -> Trace {
    pressed_unless(HELD_UP, lab, family, more, expected)
}

/// The same; anew, if limits are not as expected, and nothing was sent for longer than
/// `held_up` that was answered.
fn pressed_unless(
    held_up: Duration,
    lab: &Lab,
    family: Family,
    more: &[&str],
    expected: &[Expected],
) -> Trace {
    let is_right = |trace: &Trace| has_limits(trace, expected);
    let trace = pressed_until(is_right, held_up, lab, family, more);
    let limits: Vec<_> = trace.hops.iter().map(|hop| hop.rate_limit).collect();
    println!("{limits:?}");
    assert!(is_right(&trace), "{limits:?}, not {expected:?}");
    trace
}

fn pressed_until(
    is_right: impl Fn(&Trace) -> bool,
    held_up: Duration,
    lab: &Lab,
    family: Family,
    more: &[&str],
) -> Trace {
    let target = lab.address(family, "target").unwrap();
    let arguments = ["--rounds", "650", "--queries", "1", "--interval", "20ms"];
    let probe = || Probe::trace(lab.vantage()).args(arguments).args(more);
    let run = || {
        probe()
            .args(crate::SOON)
            .args(["--replies"])
            .to(target)
            .run()
    };
    let (trace, _) = repeat_while(
        |(trace, gap)| *gap > held_up && !is_right(trace),
        |times| {
            if times > 0 {
                thread::sleep(REFILL);
            }
            let run = run().unwrap();
            (run.trace().unwrap(), run.longest_gap().unwrap())
        },
    );
    trace
}

fn has_limits(trace: &Trace, expected: &[Expected]) -> bool {
    let limits = trace.hops.iter().map(|hop| hop.rate_limit);
    trace.hops.len() == expected.len()
        && limits.zip(expected).all(|pair| match pair {
            (Some(limit), Some((per_second, burst))) => is_close(limit, *per_second, *burst),
            (limit, expected) => limit.is_none() && expected.is_none(),
        })
}

fn is_close(limit: RateLimit, per_second: f64, burst: Option<u64>) -> bool {
    let is_near = |burst| limit.burst.is_some_and(|found| found.abs_diff(burst) <= 1);
    (limit.per_second / per_second - 1.0).abs() < 0.1 && burst.is_none_or(is_near)
}

/// Linux: six at first, then one each `icmp_ratelimit` milliseconds.
#[test]
fn the_limit_of_each_router_is_found() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    let faster = [("ipv4/icmp_ratelimit", "125")];
    lab.node("r2").unwrap().sysctl(&faster).unwrap();
    let none = [("ipv4/icmp_ratelimit", "0")];
    lab.node("r3").unwrap().sysctl(&none).unwrap();
    let expected = [Some((1.0, Some(6))), Some((8.0, Some(6))), None, None];
    pressed(&lab, Family::V4, &["--icmp"], &expected);
}

/// Linux, of all its errors together: tokens come at ticks, and errors take them by chance
/// (`icmp_global_allow`).
#[test]
fn the_limit_of_all_errors_of_a_router_is_found() {
    let lab = Lab::chain(1).build().unwrap();
    let all = [
        ("ipv4/icmp_msgs_per_sec", "200"),
        ("ipv4/icmp_msgs_burst", "20"),
    ];
    lab.node("r1").unwrap().sysctl(&all).unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    let arguments = ["--rounds", "1500", "--queries", "1", "--interval", "2ms"];
    let is_found = |limit: Option<RateLimit>| limit.is_some_and(|it| is_close(it, 200.0, None));
    let trace = repeat_while(
        |trace: &Trace| !is_found(trace.hops[0].rate_limit),
        |_| {
            let probe = Probe::trace(lab.vantage()).args(arguments);
            let run = probe.args(crate::SOON).to(target).run().unwrap();
            run.trace().unwrap()
        },
    );
    let limits: Vec<_> = trace.hops.iter().map(|hop| hop.rate_limit).collect();
    assert!(is_found(limits[0]) && limits[1].is_none(), "{limits:?}");
    assert_eq!(trace.hops[0].loss.ratio, Some(0.0));
}

/// A route back to the vantage point alone: kernels that give wider prefixes more make no
/// difference then (`icmpv6_xrlim_allow`).
fn narrow_route(lab: &Lab) {
    let vantage = lab.address(Family::V6, "vantage").unwrap();
    let prefix = format!("{vantage}/128");
    lab.route_to("vantage", Family::V6, &prefix).unwrap();
}

/// Linux, IPv6: six at first, then one each `icmp/ratelimit` milliseconds.
#[test]
fn the_limit_of_each_router_is_found_by_ipv6_too() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    narrow_route(&lab);
    let ratelimit = ["-n", "net.ipv6.icmp.ratelimit"];
    let default = lab.node("r1").unwrap().run("sysctl", &ratelimit).unwrap();
    let default: f64 = default.trim().parse().unwrap();
    let slower = [("ipv6/icmp/ratelimit", "500")];
    lab.node("r2").unwrap().sysctl(&slower).unwrap();
    let none = [("ipv6/icmp/ratelimit", "0")];
    lab.node("r3").unwrap().sysctl(&none).unwrap();
    let expected = [
        Some((1000.0 / default, Some(6))),
        Some((2.0, Some(6))),
        None,
        None,
    ];
    pressed(&lab, Family::V6, &["--icmp"], &expected);
}

/// Once it is found, a limited hop is asked no more often than it answers; the trace
/// takes no longer, and other hops are probed as before.
#[test]
fn limits_are_respected() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    narrow_route(&lab);
    let fast = [
        ("ipv4/icmp_ratelimit", "200"),
        ("ipv6/icmp/ratelimit", "200"),
    ];
    lab.node("r2").unwrap().sysctl(&fast).unwrap();
    let none = [("ipv4/icmp_ratelimit", "0"), ("ipv6/icmp/ratelimit", "0")];
    for node in ["r1", "r3"] {
        lab.node(node).unwrap().sysctl(&none).unwrap();
    }
    for family in Family::ALL {
        let expected = [None, Some((5.0, None)), None, None];
        let ignored = pressed(&lab, family, &[], &expected);
        let before = &ignored.hops[1];
        // Fewer probes for nothing, and hardly fewer replies.
        let is_respected = |trace: &Trace| {
            let limited = &trace.hops[1];
            limited.loss.rate_limited * 2 < before.loss.rate_limited
                && limited.received * 10 > before.received * 7
        };
        let is_right = |trace: &Trace| has_limits(trace, &expected) && is_respected(trace);
        let more = ["--respect-limits"];
        let respected = pressed_until(is_right, HELD_UP, &lab, family, &more);
        let limited = &respected.hops[1];
        assert!(is_right(&respected), "{limited:?}");
        assert_eq!(before.rate_limit.unwrap().interval_ns, None);
        let limit = limited.rate_limit.unwrap();
        println!(
            "{family}: {limit:?}, {} sent, {} received",
            limited.sent, limited.received
        );
        // Nine tenths of that.
        let interval = limit.interval_ns.unwrap() as f64 / 1e9;
        assert!((interval * 5.0 * 0.9 - 1.0).abs() < 0.1, "{limit:?}");
        for hop in [&respected.hops[0], &respected.hops[2], &respected.hops[3]] {
            assert_eq!((hop.sent, hop.received, hop.rate_limit), (650, 650, None));
        }
    }
}

#[test]
fn where_all_answer_by_the_same_limit_nothing_is_called_loss() {
    let lab = Lab::chain(2).default_icmp_limits().build().unwrap();
    // Each answers once a second.
    let held_up = Duration::from_millis(1_300);
    // At the target, probes of greater TTLs took the burst away first.
    let expected = [6, 6, 1].map(|burst| Some((1.0, Some(burst))));
    let trace = pressed_unless(held_up, &lab, Family::V4, &["--udp"], &expected);
    assert_eq!(trace.stop, "target");
    for hop in &trace.hops {
        assert_eq!(
            (hop.loss.unanswered, hop.loss.ratio),
            (0, Some(0.0)),
            "{hop:?}"
        );
    }
}

#[test]
fn a_path_that_loses_at_random_has_no_limit() {
    let wire = Wire::delay(Duration::ZERO).loss(0.2).seed(3);
    let lab = Lab::chain(2).wire("r1", "r2", wire).build().unwrap();
    let trace = pressed(&lab, Family::V4, &["--icmp"], &[None; 3]);
    assert!(trace.hops[1].loss.unanswered > 0);
}
