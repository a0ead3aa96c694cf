//! Where a trace ends, and the reason it gives.

use probe_tests::{
    lab::{Family, Hook, Lab, Refusal},
    probe::{Probe, Trace},
};

use crate::{FAST, PROTOCOLS, SOON};

fn trace(lab: &Lab, family: Family, arguments: &[&str]) -> (Option<i32>, Trace) {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::trace(lab.vantage()).args(FAST).args(SOON);
    let run = probe.args(arguments).to(target).run().unwrap();
    (run.code, run.trace().unwrap())
}

#[test]
fn a_router_that_refuses_is_named_with_its_reason() {
    for (refusal, v4, v6) in [
        (Refusal::NoRoute, "net-unreachable", "no-route"),
        (Refusal::Unreachable, "host-unreachable", "no-route"),
        (Refusal::Prohibit, "admin-prohibited", "admin-prohibited"),
    ] {
        for protocol in PROTOCOLS {
            // A lab for each: no sysctl lifts the limit of five such errors a peer.
            let lab = Lab::chain(3).build().unwrap();
            lab.refuse("r2", refusal).unwrap();
            for (family, reason) in [(Family::V4, v4), (Family::V6, v6)] {
                let (code, trace) = trace(&lab, family, &[protocol]);
                assert_eq!((code, trace.stop.as_str()), (Some(1), "unreachable"));
                assert_eq!(trace.last_word(), Some(reason), "{trace:#?}");
                let expected = ["r1", "r2"].map(|router| lab.address(family, router).unwrap());
                assert_eq!(trace.addresses().unwrap(), expected);
            }
        }
    }
}

#[test]
fn a_filter_that_rejects_is_named_with_its_reason() {
    for (code, v4, v6) in [
        ("admin-prohibited", "admin-prohibited", "admin-prohibited"),
        (
            "host-unreachable",
            "host-unreachable",
            "address-unreachable",
        ),
        ("no-route", "net-unreachable", "no-route"),
    ] {
        for (family, reason) in [(Family::V4, v4), (Family::V6, v6)] {
            assert_filter_is_named(family, &format!("icmpx type {code}"), reason);
        }
    }
}

/// All that a filter can answer by which a router refuses.
#[test]
fn every_code_that_a_filter_has_is_named() {
    for (family, codes) in [
        (
            Family::V4,
            &[
                ("icmp type net-unreachable", "net-unreachable"),
                ("icmp type host-unreachable", "host-unreachable"),
                ("icmp type prot-unreachable", "protocol-unreachable"),
                ("icmp type net-prohibited", "net-prohibited"),
                ("icmp type host-prohibited", "host-prohibited"),
                ("icmp type admin-prohibited", "admin-prohibited"),
            ][..],
        ),
        (
            Family::V6,
            &[
                ("icmpv6 type no-route", "no-route"),
                ("icmpv6 type admin-prohibited", "admin-prohibited"),
                ("icmpv6 type addr-unreachable", "address-unreachable"),
                ("icmpv6 type policy-fail", "source-policy"),
                ("icmpv6 type reject-route", "reject-route"),
            ],
        ),
    ] {
        for (code, reason) in codes {
            assert_filter_is_named(family, code, reason);
        }
    }
}

/// A router that lets no UDP through answers by this code.
#[track_caller]
fn assert_filter_is_named(family: Family, code: &str, reason: &str) {
    let lab = Lab::chain(2).build().unwrap();
    let version = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    let rule = format!("meta nfproto {version} meta l4proto udp reject with {code}");
    lab.filter("r2", Hook::Forward, &rule).unwrap();
    let (_, refused) = trace(&lab, family, &["--udp"]);
    assert_eq!(refused.stop, "unreachable", "{code} {family}");
    assert_eq!(refused.last_word(), Some(reason));
    let (_, passed) = trace(&lab, family, &["--icmp"]);
    assert_eq!(passed.stop, "target", "{code} {family}");
}

#[test]
fn a_table_says_who_refused_and_why() {
    let lab = Lab::chain(2).build().unwrap();
    lab.refuse("r2", Refusal::Prohibit).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let router = lab.address(family, "r2").unwrap();
        let probe = Probe::people(lab.vantage(), "trace")
            .args(FAST)
            .args(["-n"]);
        let run = probe.to(target).run().unwrap();
        let last = run.stdout.lines().last().unwrap();
        assert_eq!(last, format!("stopped: {router} says admin-prohibited"));
    }
}

#[test]
fn a_black_hole_ends_at_the_gap_limit() {
    let lab = Lab::chain(3).build().unwrap();
    lab.refuse("r2", Refusal::Blackhole).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let (code, seen) = trace(&lab, family, &[protocol, "--gap-limit", "3"]);
            assert_eq!(code, Some(1), "{family} {protocol}");
            assert_eq!(seen.stop, "gap-limit");
            // Linux drops at a black hole before it looks at the TTL.
            let first = lab.address(family, "r1").ok();
            assert_eq!(seen.answering(), [first, None, None, None]);
        }
    }
}

#[test]
fn the_default_gap_limit_is_eight() {
    let lab = Lab::chain(2).build().unwrap();
    lab.refuse("r2", Refusal::Blackhole).unwrap();
    let (_, seen) = trace(&lab, Family::V4, &["--queries", "1"]);
    assert_eq!(seen.stop, "gap-limit");
    assert_eq!(seen.hops.len(), 1 + 8);
}

#[test]
fn max_ttl_ends_a_trace() {
    let lab = Lab::chain(5).build().unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let (code, seen) = trace(&lab, family, &[protocol, "--max-ttl", "3"]);
            assert_eq!((code, seen.stop.as_str()), (Some(1), "max-ttl"));
            let expected = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(seen.addresses().unwrap(), expected[..3], "{protocol}");
        }
    }
}

#[test]
fn first_ttl_begins_a_trace() {
    let lab = Lab::chain(5).build().unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let (code, seen) = trace(&lab, family, &[protocol, "--first-ttl", "4"]);
            assert_eq!((code, seen.stop.as_str()), (Some(0), "target"));
            let expected = lab.path(family).unwrap().addresses().unwrap();
            assert_eq!(seen.addresses().unwrap(), expected[3..], "{protocol}");
            assert_eq!(seen.hops[0].ttl, 4);
        }
    }
}

#[test]
fn a_first_ttl_beyond_the_target_still_finds_it() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let (code, seen) = trace(&lab, family, &["--first-ttl", "9"]);
        assert_eq!((code, seen.stop.as_str()), (Some(0), "target"));
        assert_eq!(seen.addresses().unwrap(), [seen.target]);
    }
}
