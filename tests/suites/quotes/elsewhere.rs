//! Replies by another interface than the one that sent, and from another address.

use probe_tests::{
    lab::{
        Family, Lab,
        address::{Side, of_link},
    },
    probe::Probe,
};

use crate::{PROTOCOLS, clean_replies, mangle};

/// What goes out by `a1` comes back by `b1`.
fn asymmetric() -> Lab {
    let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
    for family in Family::ALL {
        let bits = if family == Family::V4 { 32 } else { 128 };
        let [us, a1, target] = ["vantage", "a1", "target"].map(|n| lab.address(family, n).unwrap());
        let out = format!("route replace {target}/{bits} src {us} via {a1} dev a1");
        lab.vantage().ip([out]).unwrap();
        let link = lab.topology().link("b1", "target").unwrap();
        let b1 = of_link(family, link, Side::Near);
        let back = format!("route replace {us}/{bits} via {b1} dev b1");
        lab.target().ip([back]).unwrap();
    }
    lab
}

#[test]
fn a_reply_may_come_in_by_another_interface() {
    let lab = asymmetric();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for protocol in PROTOCOLS {
            for rx in ["auto", "tcx"] {
                let probe = Probe::ping(lab.vantage()).args(["--count", "5", "--interval", "10ms"]);
                let probe = probe.args(["--replies", "--rx", rx, protocol]);
                let run = probe.to(target).run().unwrap();
                let ping = run.ping().unwrap();
                assert_eq!(
                    (run.code, ping.received),
                    (Some(0), 5),
                    "{family} {protocol} {rx}"
                );
                // They tell where they were stamped.
                assert_eq!(
                    (ping.stamp.as_str(), ping.rtt_ns.unwrap().count),
                    ("tcx/tcx", 5)
                );
                let replies = clean_replies(&run);
                assert!(
                    replies
                        .iter()
                        .all(|reply| reply.grade == "A" && !reply.tells.nat)
                );
                let metadata = run.metadata().unwrap();
                assert_eq!(metadata.interfaces, ["a1"]);
                assert_eq!(metadata.reply_interfaces, ["b1"]);
            }
        }
    }
}

#[test]
fn a_sweep_hears_what_comes_in_by_another_interface() {
    let lab = asymmetric();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::sweep(lab.vantage()).args(["--ping", "--probes", "5"]);
        let run = probe.to(target).run().unwrap();
        let replies = clean_replies(&run);
        assert_eq!(replies.len(), 5, "{family}: {}", run.stderr);
        assert!(replies.iter().all(|reply| reply.kind == "echo-reply"));
    }
}

/// A device that only listened, at TCX, is read where the run asks for once probes leave by it.
#[test]
fn an_interface_that_probes_come_to_leave_by_has_the_receiver_that_was_asked_for() {
    for family in Family::ALL {
        assert_received_where_asked_for(family);
    }
}

fn assert_received_where_asked_for(family: Family) {
    let lab = asymmetric();
    let bits = if family == Family::V4 { 32 } else { 128 };
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(["--count", "400", "--interval", "10ms"]);
    let probe = probe.args(["--replies", "--rx", "xdp-native"]);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(50).unwrap();
    let b1 = lab.address(family, "b1").unwrap();
    let us = lab.address(family, "vantage").unwrap();
    let out = format!("route replace {target}/{bits} src {us} via {b1} dev b1");
    lab.vantage().ip([out]).unwrap();
    let run = running.wait().unwrap();
    let replies = clean_replies(&run);
    let stamps = [replies.first(), replies.last()].map(|reply| reply.unwrap().stamp.as_str());
    assert_eq!(stamps, ["tcx/tcx", "tcx/xdp-native"]);
    let metadata = run.metadata().unwrap();
    assert_eq!(metadata.interfaces, ["a1", "b1"]);
    assert!(metadata.reply_interfaces.is_empty());
}

/// Only the nonce's 64 bits, which an echo reply has whole, prove it: a segment from
/// another address does not.
#[test]
fn an_echo_reply_from_another_address_is_valid_and_a_segment_is_not() {
    let lab = Lab::chain(1).build().unwrap();
    let rewrite =
        |keyword: &str, real, other| format!("{keyword} saddr {real} {keyword} saddr set {other}");
    let others = ["10.78.0.1", "fd78::1"];
    let rules = Family::ALL.map(|family| {
        let real = lab.address(family, "target").unwrap();
        match family {
            Family::V4 => rewrite("ip", real, others[0]),
            Family::V6 => rewrite("ip6", real, others[1]),
        }
    });
    mangle(
        lab.node("r1").unwrap(),
        "type filter hook forward priority 0",
        &rules,
    );
    for (family, other) in Family::ALL.into_iter().zip(others) {
        let target = lab.address(family, "target").unwrap();
        let five = [
            "--count",
            "5",
            "--interval",
            "10ms",
            "--timeout",
            "300ms",
            "--replies",
        ];
        let ping = |protocol: &str| {
            let probe = Probe::ping(lab.vantage()).args(five).args([protocol]);
            probe.to(target).run().unwrap()
        };
        let run = ping("--icmp");
        let replies = clean_replies(&run);
        assert_eq!((run.code, replies.len()), (Some(0), 5), "{family}");
        for reply in replies {
            assert_eq!(reply.responder.to_string(), other);
            assert_eq!((reply.grade.as_str(), reply.tells.nat), ("A", false));
        }
        let run = ping("--tcp");
        let counters = run.counters().unwrap();
        assert_eq!(
            (counters.valid, counters.bad_destination),
            (0, 5),
            "{family}"
        );
    }
}
