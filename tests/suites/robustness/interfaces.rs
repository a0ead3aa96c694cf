//! The interface goes away while a run uses it.

use std::{net::IpAddr, time::Duration};

use probe_tests::{
    lab::{Family, Lab},
    probe::{Ping, Probe, Run, Running, repeat_while},
};

use crate::{CONTINUOUS, assert_one_line};

fn start_ping(lab: &Lab, family: Family) -> Running {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(CONTINUOUS);
    let mut running = probe.to(target).start().unwrap();
    running.wait_for_lines(20).unwrap();
    running
}

#[track_caller]
fn assert_cut_short(run: &Run, words: &[&str]) {
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert_one_line(run, words);
    let ping = run.ping().unwrap();
    assert!(ping.received >= 20, "{ping:?}");
    assert_eq!(run.replies().unwrap().len() as u64, ping.received);
}

#[test]
fn an_interface_that_goes_down_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.vantage().ip(["link set r1 down"]).unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1", "down"]);
    }
}

#[test]
fn a_cable_that_is_pulled_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.node("r1")
            .unwrap()
            .ip(["link set vantage down"])
            .unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1", "down"]);
    }
}

#[test]
fn an_interface_that_is_deleted_ends_the_run() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let running = start_ping(&lab, family);
        lab.vantage().ip(["link del r1"]).unwrap();
        assert_cut_short(&running.wait().unwrap(), &["r1"]);
    }
}

#[test]
fn a_trace_over_an_interface_that_goes_down_shows_what_it_found() {
    let lab = Lab::chain(2).build().unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    for protocol in ["--icmp", "--udp", "--tcp"] {
        let arguments = [
            "--rounds",
            "10000",
            "--interval",
            "10ms",
            "--replies",
            protocol,
        ];
        let probe = Probe::trace(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(60).unwrap();
        lab.vantage().ip(["link set r1 down"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert_one_line(&run, &["r1", "down"]);
        let expected = lab.path(Family::V6).unwrap().addresses().unwrap();
        assert_eq!(run.trace().unwrap().addresses().unwrap(), expected);
        lab.set_link("vantage", "r1", probe_tests::lab::LinkState::Up)
            .unwrap();
    }
}

#[test]
fn an_interface_that_the_run_does_not_use_may_go() {
    for family in Family::ALL {
        let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
        let target = lab.address(family, "a1").unwrap();
        let arguments = ["--interval", "10ms", "--replies", "--count", "100"];
        let probe = Probe::ping(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(20).unwrap();
        lab.vantage().ip(["link del b1"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(
            (run.code, run.ping().unwrap().received),
            (Some(0), 100),
            "{}",
            run.stderr
        );
    }
}

/// Where two ways lead to the target, the run goes on by the one that is left.
#[test]
fn an_interface_that_another_stands_in_for_may_go() {
    for family in Family::ALL {
        let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
        let target = lab.address(family, "target").unwrap();
        let (ip, bits) = match family {
            Family::V4 => ("-4", 32),
            Family::V6 => ("-6", 128),
        };
        let host = format!("{target}/{bits}");
        let flush = [ip, "route", "flush", "exact", &host];
        lab.vantage().run("ip", &flush).unwrap();
        for (node, metric) in [("a1", 5), ("b1", 6)] {
            let via = lab.address(family, node).unwrap();
            let route = format!("{target} via {via} dev {node} metric {metric}");
            lab.vantage().ip([format!("route add {route}")]).unwrap();
        }
        let mut running = start_ping_of(&lab, &[target], 400);
        lab.vantage().ip(["link set a1 down"]).unwrap();
        running.wait_for_lines(200).unwrap();
        // Nothing leaves by it any more.
        lab.vantage().ip(["link del a1"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{family}: {}", run.stderr);
        let ping = run.ping().unwrap();
        assert!(ping.received > 300, "{family}: {ping:?} {}", run.stderr);
    }
}

fn start_ping_of(lab: &Lab, targets: &[IpAddr], count: u32) -> Running {
    let count = count.to_string();
    let arguments = ["--interval", "10ms", "--replies", "--count", &count];
    let probe = Probe::ping(lab.vantage()).args(arguments);
    let probe = probe.args(["--timeout", "500ms"]);
    let probe = targets
        .iter()
        .fold(probe, |probe, target| probe.to(*target));
    let mut running = probe.start().unwrap();
    running.wait_for_lines(50).unwrap();
    running
}

/// What has no way is never sent, and says so; the others do not notice.
#[test]
fn a_way_that_is_lost_is_told_and_taken_again_when_it_is_back() {
    for (family, ip, kind, errno) in [
        (Family::V4, "-4", "unreachable", "enetunreach"),
        (Family::V6, "-6", "prohibit", "eacces"),
    ] {
        let lab = Lab::chain(2).build().unwrap();
        let [near, target] = ["r1", "target"].map(|node| lab.address(family, node).unwrap());
        let target_name = target.to_string();
        let mut running = start_ping_of(&lab, &[target, near], 500);
        let change = |verb| {
            let rule = [ip, "rule", verb, "to", &target_name, "pref", "1", kind];
            lab.vantage().run("ip", &rule).unwrap();
        };
        change("add");
        running.wait_for_lines(300).unwrap();
        change("del");
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{family}: {}", run.stderr);
        let pings = run.pings().unwrap();
        let of = |address| pings.iter().find(|ping| ping.target == address).unwrap();
        assert_eq!(of(near).received, 500, "{}", run.stderr);
        let lost = of(target);
        let never_sent = lost.causes.get(errno).copied().unwrap_or(0);
        assert!(never_sent > 50, "{lost:?}");
        assert_eq!(never_sent + lost.received, 500, "{lost:?}");
        let lines: Vec<_> = run.stderr.lines().collect();
        assert!(
            matches!(lines[..], [lost, back] if lost.contains("nothing can be sent")
                && back.contains("there is a way")),
            "{lines:?}"
        );
    }
}

/// A host of this host's own link that does not answer yet is a target as others are.
#[test]
fn a_neighbour_that_comes_up_later_is_pinged_from_then_on() {
    for family in Family::ALL {
        // The time that a start waits for a neighbour.
        let is_waited_for = |ping: &Ping| ping.held_up() >= Duration::from_millis(1_400);
        let (near, late) = repeat_while(
            |(near, _)| is_waited_for(near),
            |_| beside_a_late_neighbour(family),
        );
        // Nobody waits for the one that is not there.
        assert_eq!(near.received, 900);
        assert!(!is_waited_for(&near), "{near:?}");
        let never_sent = late.causes.get("ehostunreach").copied().unwrap_or(0);
        assert!(late.received > 100 && never_sent > 50, "{late:?}");
        assert_eq!(late.received + never_sent, 900, "{late:?}");
    }
}

/// What a run says of a neighbour, and of another that comes up meanwhile.
fn beside_a_late_neighbour(family: Family) -> (Ping, Ping) {
    let lab = Lab::chain(1).build().unwrap();
    let near = lab.address(family, "r1").unwrap();
    let (absent, length) = match near {
        IpAddr::V4(near) => {
            let [a, b, c, _] = near.octets();
            (IpAddr::from([a, b, c, 77]), 24)
        }
        IpAddr::V6(near) => {
            let mut octets = near.octets();
            octets[15] = 0x77;
            (IpAddr::from(octets), 64)
        }
    };
    let running = start_ping_of(&lab, &[near, absent], 900);
    let address = format!("addr add {absent}/{length} dev vantage nodad");
    let address = match family {
        Family::V4 => address.replace(" nodad", ""),
        Family::V6 => address,
    };
    lab.node("r1").unwrap().ip([address]).unwrap();
    let run = running.wait().unwrap();
    assert_eq!(run.code, Some(0), "{family}: {}", run.stderr);
    let pings = run.pings().unwrap();
    let of = |address| pings.iter().find(|ping| ping.target == address);
    (of(near).unwrap().clone(), of(absent).unwrap().clone())
}
