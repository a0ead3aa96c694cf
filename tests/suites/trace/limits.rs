//! Routers that answer only so often.

use std::time::Duration;

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Probe, RateLimit, Run, Trace, repeat_while},
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

/// Probes each hop for thirteen seconds, much faster than routers answer.
fn pressed(lab: &Lab, protocol: &str) -> Trace {
    pressed_by(lab, Family::V4, &[protocol])
}

/// Where a hop has no limit: so long nothing is sent only if the host was held up.
fn pressed_by(lab: &Lab, family: Family, more: &[&str]) -> Trace {
    pressed_unless(Duration::from_millis(300), lab, family, more)
}

/// Anew, if longer than this no probe was sent that was answered.
fn pressed_unless(held_up: Duration, lab: &Lab, family: Family, more: &[&str]) -> Trace {
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
    let run = repeat_while(
        |run: &Run| run.longest_gap().unwrap() > held_up,
        |_| run().unwrap(),
    );
    run.trace().unwrap()
}

fn assert_limit(limit: Option<RateLimit>, per_second: f64, burst: u64) {
    let limit = limit.unwrap();
    println!("{limit:?}");
    let error = (limit.per_second / per_second - 1.0).abs();
    assert!(error < 0.1, "{limit:?}, not {per_second}");
    assert!(
        limit.burst.unwrap().abs_diff(burst) <= 1,
        "{limit:?}, not {burst}"
    );
}

/// Linux: six at first, then one each `icmp_ratelimit` milliseconds.
#[test]
fn the_limit_of_each_router_is_found() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    let faster = [("ipv4/icmp_ratelimit", "125")];
    lab.node("r2").unwrap().sysctl(&faster).unwrap();
    let none = [("ipv4/icmp_ratelimit", "0")];
    lab.node("r3").unwrap().sysctl(&none).unwrap();
    let trace = pressed(&lab, "--icmp");
    assert_limit(trace.hops[0].rate_limit, 1.0, 6);
    assert_limit(trace.hops[1].rate_limit, 8.0, 6);
    assert_eq!(trace.hops[2].rate_limit, None);
    assert_eq!(trace.hops[3].rate_limit, None);
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
    let trace = pressed_by(&lab, Family::V6, &["--icmp"]);
    assert_limit(trace.hops[0].rate_limit, 1000.0 / default, 6);
    assert_limit(trace.hops[1].rate_limit, 2.0, 6);
    assert_eq!(trace.hops[2].rate_limit, None);
    assert_eq!(trace.hops[3].rate_limit, None);
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
        let pressed = pressed_by(&lab, family, &[]);
        let respected = pressed_by(&lab, family, &["--respect-limits"]);
        let [before, limited] = [&pressed, &respected].map(|trace| &trace.hops[1]);
        assert_eq!(before.rate_limit.unwrap().interval_ns, None);
        let limit = limited.rate_limit.unwrap();
        println!(
            "{family}: {limit:?}, {} sent, {} received",
            limited.sent, limited.received
        );
        assert!((limit.per_second / 5.0 - 1.0).abs() < 0.1, "{limit:?}");
        // Nine tenths of that.
        let interval = limit.interval_ns.unwrap() as f64 / 1e9;
        assert!((interval * 5.0 * 0.9 - 1.0).abs() < 0.1, "{limit:?}");
        assert!(
            limited.loss.rate_limited * 2 < before.loss.rate_limited,
            "{limited:?}"
        );
        assert!(limited.received * 10 > before.received * 7, "{limited:?}");
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
    let trace = pressed_unless(held_up, &lab, Family::V4, &["--udp"]);
    assert_eq!(trace.stop, "target");
    for hop in &trace.hops {
        // At the target, probes of greater TTLs took the burst away first.
        let burst = if hop.ttl == 3 { 1 } else { 6 };
        assert_limit(hop.rate_limit, 1.0, burst);
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
    let trace = pressed(&lab, "--icmp");
    let limits: Vec<_> = trace.hops.iter().map(|hop| hop.rate_limit).collect();
    assert_eq!(limits, [None; 3]);
    assert!(trace.hops[1].loss.unanswered > 0);
}
