//! Each lost probe of a hop by its cause.

use std::{collections::BTreeMap, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Hop, Probe, Trace, repeat_while},
};

fn trace(lab: &Lab, family: Family, rounds: &str) -> Trace {
    let target = lab.address(family, "target").unwrap();
    let arguments = ["--rounds", rounds, "--queries", "1", "--interval", "10ms"];
    let probe = Probe::trace(lab.vantage()).args(arguments);
    let run = probe.to(target).run().unwrap();
    run.trace().unwrap()
}

#[track_caller]
fn assert_only(hop: &Hop, cause: Option<&str>) {
    let causes: Vec<_> = hop
        .causes
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    let lost = hop.sent - hop.received;
    match cause {
        None => assert_eq!((lost, causes), (0, vec![]), "{hop:?}"),
        Some(cause) => {
            assert!(lost > 0, "{hop:?}");
            assert_eq!(causes, [(cause, lost)], "{hop:?}");
        }
    }
}

/// Of two hops behind one link, the one that lost more than the other may by chance look as
/// if some of that were a limit.
#[track_caller]
fn assert_mostly_of_the_path(hop: &Hop) {
    let of = |cause| hop.causes.get(cause).copied().unwrap_or(0);
    let lost = hop.sent - hop.received;
    let (path, limited) = (of("path"), of("rate_limited"));
    assert!(path + limited == lost && path > limited, "{hop:?}");
}

/// Whether what was lost, and some was, is of this cause alone.
fn is_only(hop: &Hop, cause: &str) -> bool {
    let lost = hop.sent - hop.received;
    lost > 0 && hop.causes == BTreeMap::from([(cause.to_owned(), lost)])
}

/// Behind a link that loses, all hops lose: none of it is a limit, however they differ.
#[test]
fn loss_of_a_link_is_the_paths_at_all_hops_behind_it() {
    for (seed, family) in [
        (1, Family::V4),
        (2, Family::V6),
        (3, Family::V4),
        (4, Family::V6),
    ] {
        // What is beyond chance by one comparison in forty is not by another seed.
        let trace = repeat_while(
            |trace: &Trace| !trace.hops[1..].iter().all(|hop| is_only(hop, "path")),
            |times| across_a_link_that_loses(family, seed + 10 * times),
        );
        assert_only(&trace.hops[0], None);
        for hop in &trace.hops[1..] {
            assert_only(hop, Some("path"));
            let [low, high] = hop.loss.ci95.unwrap();
            let ratio = hop.loss.ratio.unwrap();
            assert!(low < ratio && ratio < high, "{hop:?}");
            // Lost on the way there or back: one interval in twenty does not hold it, but
            // is as good as never off by one and a half times its width.
            assert!((ratio - 0.36).abs() < 1.5 * (high - low), "{hop:?}");
        }
    }
}

fn across_a_link_that_loses(family: Family, seed: u32) -> Trace {
    let wire = Wire::delay(Duration::ZERO).loss(0.2).seed(seed.into());
    let lab = Lab::chain(4).wire("r1", "r2", wire).build().unwrap();
    trace(&lab, family, "150")
}

#[test]
fn each_hop_has_the_cause_that_is_its_own() {
    let wire = Wire::delay(Duration::ZERO).loss(0.2).seed(6);
    let lab = Lab::chain(4)
        .default_icmp_limits()
        .wire("r3", "r4", wire)
        .build()
        .unwrap();
    lab.silence("r1").unwrap();
    let none = [("ipv4/icmp_ratelimit", "0"), ("ipv6/icmp/ratelimit", "0")];
    for node in ["r3", "r4"] {
        lab.node(node).unwrap().sysctl(&none).unwrap();
    }
    for family in Family::ALL {
        let trace = trace(&lab, family, "200");
        assert_only(&trace.hops[0], Some("silent"));
        assert_only(&trace.hops[1], Some("rate_limited"));
        assert_only(&trace.hops[2], None);
        assert_mostly_of_the_path(&trace.hops[3]);
        assert_only(&trace.hops[4], Some("path"));
        // What a limit hides is no loss of the path, and is bounded by what is behind.
        let [silent, limited, ..] = &trace.hops[..] else {
            panic!("{trace:?}")
        };
        assert_eq!((limited.loss.ratio, silent.loss.ci95), (Some(0.0), None));
        let [low, high] = limited.loss.ci95.unwrap();
        assert!(low == 0.0 && high < 0.05, "{limited:?}");
    }
}
