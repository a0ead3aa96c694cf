//! What Linux does to packets between us and who answers: NAT with and without state,
//! re-marking, fragments.

use std::net::IpAddr;

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Reply, Run},
};

use crate::{PROTOCOLS, clean_replies, mangle};

const FORWARD: &str = "type filter hook forward priority 0";

fn keyword(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

fn trace(lab: &Lab, family: Family, protocol: &str) -> Run {
    let quick = [
        "--interval",
        "10ms",
        "--timeout",
        "300ms",
        "--replies",
        protocol,
    ];
    let probe = Probe::trace(lab.vantage()).args(quick);
    let target = lab.address(family, "target").unwrap();
    probe.to(target).run().unwrap()
}

/// The replies of routers, by whether they are behind the first.
fn of_routers(run: &Run) -> (Vec<Reply>, Vec<Reply>) {
    let mut replies = clean_replies(run);
    replies.retain(|reply| reply.kind == "time-exceeded");
    let (near, far): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.ttl == 1);
    assert!(near.len() >= 3 && far.len() >= 3, "{near:?} {far:?}");
    (near, far)
}

#[track_caller]
fn assert_path(lab: &Lab, family: Family, run: &Run) {
    let path = lab.path(family).unwrap().addresses().unwrap();
    assert_eq!(run.trace().unwrap().addresses().unwrap(), path);
    assert_eq!(run.counters().unwrap().rejected(), 0);
}

/// Every value of a field of the records of replies.
fn values(run: &Run, field: &str) -> Vec<i64> {
    let records = run.records().unwrap();
    let values = records
        .iter()
        .filter_map(|record| record.get(field)?.as_i64());
    values.collect()
}

/// A NAT with state puts the quote right again before it hands the error on.
#[test]
fn masquerading_leaves_no_trace() {
    let lab = Lab::chain(3).build().unwrap();
    let rules = ["oifname r2 masquerade".to_owned()];
    let chain = "type nat hook postrouting priority 100";
    mangle(lab.node("r1").unwrap(), chain, &rules);
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let run = trace(&lab, family, protocol);
            assert_path(&lab, family, &run);
            let replies = clean_replies(&run);
            assert!(
                replies
                    .iter()
                    .all(|reply| reply.grade == "A" && !reply.tells.nat)
            );
        }
    }
}

/// As clouds do: the source that routers see, and quote, is another, and what they send
/// there comes back to us.
#[test]
fn a_source_rewritten_on_the_way_is_seen_in_the_quotes_behind() {
    let lab = Lab::chain(3).build().unwrap();
    for (family, outside) in Family::ALL.into_iter().zip(["10.77.0.1", "fd77::1"]) {
        let (ip, us) = (keyword(family), lab.address(family, "vantage").unwrap());
        let bits = if family == Family::V4 { 32 } else { 128 };
        lab.route_to("vantage", family, &format!("{outside}/{bits}"))
            .unwrap();
        let r1 = lab.node("r1").unwrap();
        let out = format!("{ip} saddr {us} {ip} saddr set {outside}");
        mangle(r1, FORWARD, &[out]);
        let back = format!("{ip} daddr {outside} {ip} daddr set {us}");
        mangle(r1, "type filter hook prerouting priority -300", &[back]);
        for protocol in PROTOCOLS {
            let run = trace(&lab, family, protocol);
            assert_path(&lab, family, &run);
            let (near, far) = of_routers(&run);
            assert!(near.iter().all(|reply| !reply.tells.nat), "{near:?}");
            assert!(
                far.iter()
                    .all(|reply| reply.tells.nat && reply.grade == "A"),
                "{far:?}"
            );
        }
    }
}

/// 64 bits of nonce prove a quote whose destination is another; 16 bits do not.
#[test]
fn a_destination_rewritten_on_the_way_is_believed_where_the_nonce_is_whole() {
    let lab = Lab::chain(3).build().unwrap();
    for (family, inside) in Family::ALL.into_iter().zip(["10.78.0.1", "fd78::1"]) {
        let (ip, target) = (keyword(family), lab.address(family, "target").unwrap());
        let bits = if family == Family::V4 { 32 } else { 128 };
        let prefix = format!("{inside}/{bits}");
        lab.target()
            .ip([format!("addr add {prefix} dev lo")])
            .unwrap();
        lab.route_to("target", family, &prefix).unwrap();
        let rule = format!("{ip} daddr {target} {ip} daddr set {inside}");
        mangle(
            lab.node("r1").unwrap(),
            "type filter hook prerouting priority -300",
            &[rule],
        );
        for protocol in ["--icmp", "--udp"] {
            let run = trace(&lab, family, protocol);
            let (near, far) = of_routers(&run);
            let mut replies = near.iter().chain(&far);
            assert!(replies.all(|reply| reply.grade == "A"));
            // And the target answers from where it was reached.
            let last = run.trace().unwrap().addresses().unwrap().pop();
            assert_eq!(last, Some(inside.parse::<IpAddr>().unwrap()), "{protocol}");
        }
        let run = trace(&lab, family, "--tcp");
        let counters = run.counters().unwrap();
        assert_eq!(counters.valid, 0, "{counters:#?}");
        assert_eq!(counters.bad_destination, counters.candidates);
    }
}

/// The quote shows what a router made of TOS and identification.
#[test]
fn marks_and_identifications_may_change_on_the_way() {
    let lab = Lab::chain(3).build().unwrap();
    let rules = ["ip dscp set af41", "ip id set 4660", "ip6 dscp set af41"].map(str::to_owned);
    mangle(lab.node("r1").unwrap(), FORWARD, &rules);
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let run = trace(&lab, family, protocol);
            assert_path(&lab, family, &run);
            let (near, far) = of_routers(&run);
            assert!(
                near.iter()
                    .chain(&far)
                    .all(|reply| reply.grade == "A" && !reply.tells.nat)
            );
        }
    }
}

/// A router that shortens the life of packets, and one that refuses them with life left.
#[test]
fn the_ttl_may_change_on_the_way() {
    let lab = Lab::chain(3).build().unwrap();
    let rules = ["ip ttl set 1", "ip6 hoplimit set 1"].map(str::to_owned);
    mangle(lab.node("r1").unwrap(), FORWARD, &rules);
    for family in Family::ALL {
        let r2 = lab.address(family, "r2").unwrap();
        let run = trace(&lab, family, "--udp");
        let (_, far) = of_routers(&run);
        assert!(
            far.iter()
                .all(|reply| reply.responder == r2 && reply.grade == "A")
        );
    }
    let lab = Lab::chain(3).build().unwrap();
    let refuse = "meta l4proto udp reject with icmpx type admin-prohibited".to_owned();
    mangle(
        lab.node("r2").unwrap(),
        "type filter hook prerouting priority 0",
        &[refuse],
    );
    for family in Family::ALL {
        let run = trace(&lab, family, "--udp");
        let refused = clean_replies(&run);
        assert!(refused.iter().any(|reply| reply.kind == "unreachable"));
        assert!(refused.iter().all(|reply| reply.grade == "A"));
        assert!(
            values(&run, "quoted_ttl").iter().any(|ttl| *ttl > 1),
            "{}",
            run.stdout
        );
    }
}

/// Routers behind a link of 68 octets, the least that IPv4 knows: their errors about
/// SYNs come in two fragments, and only the first says whose they are. The router at the
/// link itself quotes less.
#[test]
fn an_error_in_fragments_is_read_from_the_first() {
    let lab = Lab::chain(3).build().unwrap();
    lab.node("r1")
        .unwrap()
        .ip(["link set vantage mtu 68"])
        .unwrap();
    for rx in crate::RECEIVERS {
        let quick = [
            "--interval",
            "10ms",
            "--timeout",
            "300ms",
            "--replies",
            "--tcp",
        ];
        let probe = Probe::trace(lab.vantage()).args(quick).args(["--rx", rx]);
        let target = lab.address(Family::V4, "target").unwrap();
        let run = probe.to(target).run().unwrap();
        let (near, far) = of_routers(&run);
        assert!(near.iter().chain(&far).all(|reply| reply.grade == "A"));
        assert_path(&lab, Family::V4, &run);
    }
    assert!(fragments_made(&lab) >= 2 * 3);
}

/// A probe of more octets than a link takes is quoted as its first fragment.
#[test]
fn a_probe_in_fragments_is_known_by_its_first() {
    let lab = Lab::chain(3).build().unwrap();
    for (node, device) in [("r1", "r2"), ("r2", "r1")] {
        let small = format!("link set {device} mtu 68");
        lab.node(node).unwrap().ip([small]).unwrap();
    }
    let contact = "a-rather-long-address-for-complaints@example.org";
    for protocol in ["--icmp", "--udp"] {
        let probe = Probe::sweep(lab.vantage()).args(["--max-ttl", "4", "--contact", contact]);
        let target = lab.address(Family::V4, "target").unwrap();
        let run = probe.args([protocol]).to(target).run().unwrap();
        let mut replies = clean_replies(&run);
        replies.sort_by_key(|reply| reply.ttl);
        assert!(replies.iter().all(|reply| reply.grade == "A"));
        let heard: Vec<_> = replies.iter().map(|reply| reply.responder).collect();
        let path = lab.path(Family::V4).unwrap().addresses().unwrap();
        assert_eq!(heard, path, "{protocol}: {}", run.stderr);
    }
    assert!(fragments_made(&lab) >= 2 * 3);
}

/// Fragments that the first router has made.
fn fragments_made(lab: &Lab) -> u64 {
    let text = lab
        .node("r1")
        .unwrap()
        .run("cat", &["/proc/net/snmp"])
        .unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Ip:"));
    let names = lines.next().unwrap().split_whitespace();
    let mut counts = names.zip(lines.next().unwrap().split_whitespace());
    let (_, made) = counts.find(|(name, _)| *name == "FragCreates").unwrap();
    made.parse().unwrap()
}
