//! What replies tell of the ways there and back, across routers that do more than
//! forward.

use probe_tests::{
    lab::{Family, Hook, Lab, Mangling},
    probe::{Probe, Run, Tells, Trace},
};

use crate::{FAST, PROTOCOLS, chains::assert_clean};

fn run(lab: &Lab, family: Family, arguments: &[&str]) -> Run {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::trace(lab.vantage()).args(FAST).args(arguments);
    let run = probe.to(target).run().unwrap();
    assert_eq!(run.code, Some(0), "{arguments:?} {family}: {}", run.stderr);
    run
}

/// A trace that found every node at its place, and lost nothing.
#[track_caller]
fn trace(lab: &Lab, family: Family, arguments: &[&str]) -> Trace {
    let run = run(lab, family, arguments);
    let trace = run.trace().unwrap();
    let expected = lab.path(family).unwrap().addresses().unwrap();
    assert_eq!(trace.addresses().unwrap(), expected, "{arguments:?}");
    assert_clean(&run);
    trace
}

/// What the first responder of each hop told.
fn tells(trace: &Trace) -> Vec<&Tells> {
    let hops = trace.hops.iter();
    hops.map(|hop| &hop.responders[0].tells).collect()
}

fn rewritten(trace: &Trace) -> Vec<Option<&str>> {
    let tells = tells(trace).into_iter();
    tells.map(|tells| tells.rewritten.as_deref()).collect()
}

#[test]
fn a_plain_way_is_as_long_back_and_changes_nothing() {
    let lab = Lab::chain(3).build().unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let trace = trace(&lab, family, &[protocol, "--tos", "0x28"]);
            assert_eq!(trace.tos, 0x28);
            for (ttl, tells) in (1u8..).zip(tells(&trace)) {
                assert_eq!(tells.reply_ttl, Some(64 - (ttl - 1)), "{protocol} {family}");
                assert_eq!((tells.back_hops, tells.asymmetry), (Some(ttl), Some(0)));
                assert_eq!((tells.nat, &tells.rewritten), (false, &None));
                // A target that answers quotes nothing, but of a closed UDP port.
                let quotes = ttl < 4 || protocol == "--udp";
                let length = quotes.then_some(trace.length);
                assert_eq!(tells.quoted_ttl, quotes.then_some(1), "{protocol} {family}");
                assert_eq!(tells.quoted_tos, quotes.then_some(0x28));
                assert_eq!(tells.quoted_length, length, "{protocol} {family}");
            }
        }
    }
}

#[test]
fn a_longer_way_back_is_told_from_the_hop_on_that_takes_it() {
    let lab = Lab::parse("vantage r1 (a2 | b2 b3 b4) r5 target")
        .build()
        .unwrap();
    lab.route_by("r1", "target", "a2").unwrap();
    lab.route_by("r5", "vantage", "b4").unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let trace = run(&lab, family, &[protocol]).trace().unwrap();
            let nodes = ["r1", "a2", "r5", "target"];
            let expected = nodes.map(|node| lab.address(family, node).unwrap());
            assert_eq!(trace.addresses().unwrap(), expected);
            let ways = tells(&trace).into_iter();
            let ways: Vec<_> = ways.map(|told| (told.back_hops, told.asymmetry)).collect();
            let expected = [(1, 0), (2, 0), (5, 2), (6, 2)];
            let expected = expected.map(|(back, more)| (Some(back), Some(more)));
            assert_eq!(ways, expected, "{protocol} {family}");
        }
    }
    let target = lab.address(Family::V4, "target").unwrap();
    let people = Probe::people(lab.vantage(), "trace").args(["-n", "--back"]);
    let shown = people.args(FAST).to(target).run().unwrap().stdout;
    let notes: Vec<_> = shown
        .lines()
        .filter_map(|line| Some(line.split_once("  back ")?.1))
        .collect();
    assert_eq!(notes, ["5", "6"], "{shown}");
}

#[test]
fn a_nat_that_mends_quotes_is_passed_without_loss() {
    let lab = Lab::chain(3).build().unwrap();
    lab.masquerade("r2").unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let trace = trace(&lab, family, &[protocol]);
            assert_eq!(rewritten(&trace), [None; 4], "{protocol} {family}");
        }
    }
}

#[test]
fn a_nat_that_leaves_quotes_alone_is_seen_from_the_next_hop_on() {
    let lab = Lab::chain(3).build().unwrap();
    lab.translate_source("r2").unwrap();
    for family in Family::ALL {
        for (protocol, what) in [
            ("--udp", "source+checksum"),
            ("--tcp", "source"),
            // Only the checksum of ICMPv6 is over the addresses.
            (
                "--icmp",
                match family {
                    Family::V4 => "source",
                    Family::V6 => "source+checksum",
                },
            ),
        ] {
            let trace = trace(&lab, family, &[protocol]);
            let target = (protocol == "--udp").then_some(what);
            assert_eq!(
                rewritten(&trace),
                [None, None, Some(what), target],
                "{protocol} {family}"
            );
            let seen: Vec<_> = tells(&trace).iter().map(|told| told.nat).collect();
            assert_eq!(seen, [false, false, true, target.is_some()]);
        }
    }
}

#[test]
fn a_nat_that_mends_addresses_only_is_seen_by_checksums() {
    let lab = Lab::chain(3).build().unwrap();
    lab.translate_source_and_quotes("r2").unwrap();
    for family in Family::ALL {
        let udp = trace(&lab, family, &["--udp"]);
        let what = Some("checksum");
        assert_eq!(rewritten(&udp), [None, None, what, what], "{family}");
        // Only the checksum of ICMPv6 is over the addresses.
        let what = what.filter(|_| family == Family::V6);
        let icmp = trace(&lab, family, &["--icmp"]);
        assert_eq!(rewritten(&icmp), [None, None, what, None], "{family}");
    }
}

#[test]
fn a_destination_that_is_another_behind_a_router_is_seen() {
    let lab = Lab::chain(3).build().unwrap();
    lab.translate_destination("r2").unwrap();
    for family in Family::ALL {
        for (protocol, what) in [
            ("--udp", "destination+checksum"),
            (
                "--icmp",
                match family {
                    Family::V4 => "destination",
                    Family::V6 => "destination+checksum",
                },
            ),
        ] {
            let trace = trace(&lab, family, &[protocol]);
            let target = (protocol == "--udp").then_some(what);
            let seen = rewritten(&trace);
            assert_eq!(
                seen,
                [None, None, Some(what), target],
                "{protocol} {family}"
            );
        }
        // A segment's quote shows too little of the nonce to allow for that.
        let run = run(&lab, family, &["--tcp", "--timeout", "500ms"]);
        let trace = run.trace().unwrap();
        assert_eq!((trace.hops[2].received, trace.hops[3].received), (0, 3));
        assert!(run.counters().unwrap().bad_destination >= 3);
    }
}

#[test]
fn a_remarked_probe_is_seen_from_the_next_hop_on() {
    let lab = Lab::chain(3).build().unwrap();
    lab.mangle("r2", Mangling::Dscp(10)).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            // ECT(0): routers that remark leave the two bits of ECN alone.
            let trace = trace(&lab, family, &[protocol, "--tos", "2"]);
            let seen = tells(&trace)
                .into_iter()
                .take(3)
                .map(|told| told.quoted_tos);
            let expected = [2, 2, 10 << 2 | 2].map(Some);
            assert_eq!(seen.collect::<Vec<_>>(), expected, "{protocol} {family}");
        }
    }
    let target = lab.address(Family::V6, "target").unwrap();
    let people = Probe::people(lab.vantage(), "trace").args(["-n"]);
    let shown = people.args(FAST).to(target).run().unwrap().stdout;
    let noted = shown
        .lines()
        .filter(|line| line.contains("quoted TOS 0x28"));
    assert_eq!(noted.count(), 1, "{shown}");
}

#[test]
fn a_raised_ttl_is_told_by_who_quotes_it() {
    let lab = Lab::chain(4).build().unwrap();
    lab.mangle("r2", Mangling::Ttl(40)).unwrap();
    for family in Family::ALL {
        let run = run(&lab, family, &["--udp"]);
        let trace = run.trace().unwrap();
        // What r2 forwards gets to the target, whatever was left of its TTL.
        let nodes = ["r1", "r2", "target"];
        let expected = nodes.map(|node| lab.address(family, node).unwrap());
        assert_eq!(trace.addresses().unwrap(), expected);
        let told = tells(&trace)[2];
        assert_eq!(told.quoted_ttl, Some(38), "{family}");
        assert_eq!(told.back_hops, Some(5));
        assert_clean(&run);
    }
}

#[test]
fn a_router_that_forwards_a_ttl_of_zero_is_told_by_the_next() {
    let lab = Lab::chain(3).build().unwrap();
    lab.mangle("r1", Mangling::ZeroTtl).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let trace = trace(&lab, family, &[protocol]);
            let seen = tells(&trace)
                .into_iter()
                .take(3)
                .map(|told| told.quoted_ttl);
            let expected = [Some(1), Some(0), Some(1)];
            assert_eq!(seen.collect::<Vec<_>>(), expected, "{protocol} {family}");
        }
    }
}

#[test]
fn who_answers_in_the_targets_name_is_a_middlebox() {
    let lab = Lab::chain(4).build().unwrap();
    let _service = lab.listen_tcp(443).unwrap();
    // A proxy at r2, and a filter there that resets.
    let _proxy = lab.listen_tcp_at("r2", 8080).unwrap();
    lab.redirect_tcp("r2", 80, 8080).unwrap();
    lab.filter("r2", Hook::Forward, "tcp dport 81 reject with tcp reset")
        .unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for (port, kind, hops, back_hops) in [
            ("443", "syn-ack", 5, 5),
            ("80", "syn-ack", 2, 2),
            ("81", "rst", 3, 2),
            ("82", "rst", 5, 5),
        ] {
            let run = run(&lab, family, &["--tcp", "--port", port]);
            let trace = run.trace().unwrap();
            assert_eq!(trace.last_word(), Some(kind), "{family} {port}: {trace:#?}");
            assert_eq!(trace.hops.len(), hops);
            assert_eq!(trace.hops[hops - 1].responders[0].address, target);
            let told = trace.middlebox.unwrap();
            assert_eq!(told.suspected, back_hops != 5, "{family} {port}");
            assert_eq!((told.back_hops, told.echo_back_hops), (back_hops, 5));
            assert_clean(&run);
        }
    }
    let target = lab.address(Family::V4, "target").unwrap();
    let people = Probe::people(lab.vantage(), "trace").args(["-n", "--tcp"]);
    let shown = people.args(FAST).to(target).run().unwrap().stdout;
    assert_eq!(
        shown.lines().last(),
        Some(
            "a middlebox may have answered for the target: \
             its segments came back over 2 hops, its echo reply over 5 hops"
        ),
        "{shown}"
    );
}

#[test]
fn without_an_echo_reply_nothing_is_said_of_middleboxes() {
    let lab = Lab::chain(2).build().unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    // Neighbours must still be found.
    let echo_requests = "meta l4proto { icmp, icmpv6 } @th,0,8 { 8, 128 } drop";
    lab.filter("target", Hook::Input, echo_requests).unwrap();
    for family in Family::ALL {
        let run = run(&lab, family, &["--tcp"]);
        let trace = run.trace().unwrap();
        assert_eq!(
            (trace.last_word(), trace.middlebox),
            (Some("syn-ack"), None)
        );
        assert_eq!(run.counters().unwrap().unanswered, 1);
    }
}
