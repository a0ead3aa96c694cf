//! What a scenario can do to a network, seen with traceroute and ping.

use anyhow::Result;
use probe_tests::lab::{Family, Hook, Lab, LinkState, Refusal};

use crate::tools::{addresses, ping, traceroute};

#[test]
fn a_link_goes_down_and_comes_back() {
    let lab = Lab::chain(2).build().unwrap();
    for (a, b) in [
        ("r1", "r2"),
        ("r2", "r1"),
        ("vantage", "r1"),
        ("target", "r2"),
    ] {
        lab.set_link(a, b, LinkState::Down).unwrap();
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            assert_eq!(
                ping(&lab, target, 1, &["-W", "1"]).map_or(0, |p| p.received),
                0
            );
        }
        lab.set_link(a, b, LinkState::Up).unwrap();
        for family in Family::ALL {
            // A neighbour that did not answer while the link was down stays unknown to
            // its router for a moment.
            let target = lab.address(family, "target").unwrap();
            let answered = |_| ping(&lab, target, 1, &["-W", "1"]).is_ok_and(|p| p.received == 1);
            assert!((0..10).any(answered), "{a}-{b} {family}");
            let expected = lab.path(family).unwrap().addresses().unwrap();
            let seen = traceroute(&lab, family, &["-I"]).unwrap();
            assert_eq!(addresses(&seen).unwrap(), expected, "{a}-{b} {family}");
        }
    }
}

#[test]
fn a_router_refuses_by_each_code() {
    for (refusal, v4, v6) in [
        (Refusal::NoRoute, Some("!N"), Some("!N")),
        (Refusal::Unreachable, Some("!H"), Some("!N")),
        (Refusal::Prohibit, Some("!X"), Some("!X")),
        (Refusal::Blackhole, None, None),
    ] {
        for router in ["r1", "r2"] {
            let lab = Lab::chain(2).build().unwrap();
            lab.refuse(router, refusal).unwrap();
            for (family, annotation) in Family::ALL.into_iter().zip([v4, v6]) {
                let hops = traceroute(&lab, family, &["-I", "-w", "0.3"]).unwrap();
                let refused = hops.iter().find(|hop| hop.annotation.is_some());
                let seen = refused.and_then(|hop| hop.annotation.as_deref());
                assert_eq!(seen, annotation, "{router} {refusal:?} {family}: {hops:?}");
                if let Some(hop) = refused {
                    assert_eq!(hop.address, Some(lab.address(family, router).unwrap()));
                }
            }
        }
    }
}

#[test]
fn a_filter_rejects_one_protocol() {
    let lab = Lab::chain(2).build().unwrap();
    lab.filter(
        "r1",
        Hook::Forward,
        "meta l4proto udp reject with icmpx type admin-prohibited",
    )
    .unwrap();
    for family in Family::ALL {
        let expected = lab.path(family).unwrap().addresses().unwrap();
        let icmp = traceroute(&lab, family, &["-I"]).unwrap();
        assert_eq!(addresses(&icmp).unwrap(), expected);
        let udp = traceroute(&lab, family, &["-U"]).unwrap();
        let last = udp.last().unwrap();
        assert_eq!(last.address, Some(lab.address(family, "r1").unwrap()));
        assert_eq!(last.annotation.as_deref(), Some("!X"), "{family}");
    }
}

#[test]
fn a_silent_router_forwards() {
    let lab = Lab::chain(3).build().unwrap();
    lab.silence("r2").unwrap();
    for family in Family::ALL {
        let expected = lab.path(family).unwrap().addresses().unwrap();
        let hops = traceroute(&lab, family, &["-I", "-w", "0.3"]).unwrap();
        let seen: Vec<_> = hops.iter().map(|hop| hop.address).collect();
        let expected: Vec<_> = (0..)
            .zip(&expected)
            .map(|(place, a)| (place != 1).then_some(*a))
            .collect();
        assert_eq!(seen, expected, "{family}");
    }
}

#[test]
fn a_token_bucket_drops() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    let flood = |lab: &Lab| {
        ping(lab, target, 300, &["-i", "0.001", "-W", "1"])
            .unwrap()
            .received
    };
    assert_eq!(flood(&lab), 300);
    lab.qdisc("r1", "target", "tbf rate 64kbit burst 2kb latency 1ms")
        .unwrap();
    assert!(flood(&lab) < 300);
}

#[test]
fn a_macvlan_has_addresses_of_its_own() {
    let lab = Lab::chain(2).build().unwrap();
    let macvlan = lab.add_macvlan("r1").unwrap();
    for (family, own) in [(Family::V4, macvlan.v4), (Family::V6, macvlan.v6)] {
        let target = lab.address(family, "target").unwrap();
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(
            ping(&lab, target, 3, &["-i", "0.01", "-I", &macvlan.device])
                .unwrap()
                .received,
            3
        );
        let own = own.to_string();
        let seen = traceroute(&lab, family, &["-I", "-i", &macvlan.device, "-s", &own]).unwrap();
        assert_eq!(addresses(&seen).unwrap(), expected, "{family}");
        let seen = traceroute(&lab, family, &["-I"]).unwrap();
        assert_eq!(addresses(&seen).unwrap(), expected, "{family}, the parent");
    }
}

#[test]
fn icmp_limits_are_lifted_unless_wanted() {
    for family in Family::ALL {
        let lifted = Lab::chain(1).build().unwrap();
        let limited = Lab::chain(1).default_icmp_limits().build().unwrap();
        assert_eq!(
            errors_of_first_hop(&lifted, family).unwrap(),
            60,
            "{family}"
        );
        assert!(
            errors_of_first_hop(&limited, family).unwrap() < 60,
            "{family}"
        );
    }
}

/// How many of 60 probes with TTL 1, sent fast, the first router answers.
fn errors_of_first_hop(lab: &Lab, family: Family) -> Result<usize> {
    let target = lab.address(family, "target")?;
    let output = lab
        .vantage()
        .command("ping")
        .args([
            "-n",
            "-t",
            "1",
            "-c",
            "60",
            "-i",
            "0.002",
            "-W",
            "1",
            &target.to_string(),
        ])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let errors = text.lines().filter(|line| line.starts_with("From "));
    Ok(errors.count())
}
