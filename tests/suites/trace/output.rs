//! Formats, names, and runs that send nothing.

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};
use serde_json::Value;

use crate::FAST;

#[test]
fn a_dry_run_sends_nothing() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    count_what_leaves(&lab);
    let trace = Probe::trace(lab.vantage()).args(FAST).to(target);
    trace.run().unwrap();
    assert!(has_left(&lab) > 0);
    // Not even for its address is the next hop asked.
    lab.vantage().ip(["neigh flush dev r1"]).unwrap();
    let before = has_left(&lab);
    for protocol in crate::PROTOCOLS {
        let probe = Probe::people(lab.vantage(), "trace").args(["--dry-run", protocol]);
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stdout.contains(&target.to_string()), "{}", run.stdout);
    }
    assert_eq!(has_left(&lab), before);
}

/// Counts the IPv4 packets and questions for an address that leave the vantage point;
/// its kernel's answers to the router's own questions come when they like.
fn count_what_leaves(lab: &Lab) {
    let rules = [
        "add table netdev lab",
        "add counter netdev lab left",
        "add chain netdev lab out { type filter hook egress device r1 priority 0; }",
        "add rule netdev lab out ether type ip counter name left",
        "add rule netdev lab out arp operation request counter name left",
    ];
    lab.vantage().run("nft", &[&rules.join("; ")]).unwrap();
}

/// Packets counted so far.
fn has_left(lab: &Lab) -> u64 {
    let question = ["-j", "list", "counter", "netdev", "lab", "left"];
    let text = lab.vantage().run("nft", &question).unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let counters = answer["nftables"].as_array().unwrap().iter();
    let mut packets = counters.filter_map(|item| item["counter"]["packets"].as_u64());
    packets.next().unwrap()
}

#[test]
fn csv_has_a_header_and_a_row_for_each_trace() {
    let lab = Lab::chain(2).build().unwrap();
    let hosts = [("r2", Family::V4), ("target", Family::V6)]
        .map(|(node, family)| lab.address(family, node).unwrap());
    let probe = Probe::people(lab.vantage(), "trace").args(["-n", "--format", "csv"]);
    let probe = hosts
        .iter()
        .fold(probe.args(FAST), |probe, host| probe.to(*host));
    let run = probe.run().unwrap();
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(header.iter().next(), Some("target"));
    let hops = header.iter().position(|name| name == "hops").unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let lengths = rows.iter().map(|row| {
        let hops: Value = serde_json::from_str(&row[hops]).unwrap();
        (row[0].parse().unwrap(), hops.as_array().unwrap().len())
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [(hosts[0], 2), (hosts[1], 3)]);
}

#[test]
fn replies_are_written_beside_the_traces() {
    let lab = Lab::chain(2).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    let probe = Probe::trace(lab.vantage()).args(["--replies"]).args(FAST);
    let run = probe.to(target).run().unwrap();
    let (trace, replies) = (run.trace().unwrap(), run.replies().unwrap());
    for (ttl, address) in (1..).zip(trace.addresses().unwrap()) {
        let of_hop = replies.iter().filter(|reply| reply.ttl == ttl);
        let answered = of_hop.filter(|reply| reply.responder == address);
        let mut rounds: Vec<_> = answered.map(|reply| reply.round).collect();
        rounds.sort_unstable();
        assert_eq!(rounds, [0, 1, 2], "hop {ttl}: {replies:#?}");
    }
    let is_consistent = |reply: &probe_tests::probe::Reply| {
        reply.rtt_ns == Some(reply.rx_ns - reply.tx_ns.unwrap()) && !reply.late && !reply.duplicate
    };
    assert!(replies.iter().all(is_consistent), "{replies:#?}");
}

#[test]
fn names_of_routers_are_shown_unless_told_otherwise() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let router = lab.address(family, "r1").unwrap();
        // A hosts file is where names come from in a network without name servers.
        let script = format!(
            "printf '{router} first.example\\n{target} last.example\\n' > /tmp/h$$ \
             && mount --bind /tmp/h$$ /etc/hosts && rm /tmp/h$$; exec \"$0\" \"$@\""
        );
        let wrapper = ["unshare", "-m", "sh", "-c", &script];
        for (arguments, name) in [
            (vec!["--json"], Some("first.example")),
            (vec!["--json", "-n"], None),
        ] {
            let probe = Probe::people(lab.vantage(), "trace").through(wrapper);
            let run = probe.args(arguments).args(FAST).to(target).run().unwrap();
            let trace = run.trace().unwrap();
            assert_eq!(
                trace.hops[0].responders[0].name.as_deref(),
                name,
                "{}",
                run.stderr
            );
        }
        let probe = Probe::trace(lab.vantage()).through(wrapper).args(FAST);
        let run = probe.args(["last.example"]).run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!(
            (trace.target, trace.name.as_deref()),
            (target, Some("last.example"))
        );
    }
}
