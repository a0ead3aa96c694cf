//! Targets behind routers, by each protocol.

use std::{collections::BTreeMap, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Probe, Rtt, Run, repeat_while},
};

use crate::{PROTOCOLS, SOON, TEN};

#[test]
fn each_protocol_and_family_has_its_percentiles() {
    let lab = Lab::chain(3).build().unwrap();
    for protocol in PROTOCOLS {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::ping(lab.vantage()).args(TEN).args([protocol]);
            let run = probe.to(target).run().unwrap();
            let ping = run.ping().unwrap();
            assert_eq!(run.code, Some(0), "{protocol} {family}: {}", run.stderr);
            assert_eq!((ping.sent, ping.received), (10, 10), "{protocol} {family}");
            assert_eq!(ping.target, target);
            let rtt = ping.rtt_ns.unwrap();
            assert!(
                rtt.count == 10 && rtt.is_ordered() && rtt.min > 0,
                "{rtt:?}"
            );
            let counters = run.counters().unwrap();
            assert_eq!((counters.planned, counters.valid), (10, 10));
            assert_eq!(counters.rejected(), 0, "{counters:#?}");
        }
    }
}

#[test]
fn open_ports_answer_each_in_its_way() {
    let lab = Lab::chain(1)
        .wire("r1", "target", Wire::delay(Duration::from_millis(20)))
        .build()
        .unwrap();
    let _services = (lab.listen_tcp(443).unwrap(), lab.echo_udp(7).unwrap());
    for (protocol, port, kind) in [
        ("--tcp", "443", "syn-ack"),
        ("--tcp", "444", "rst"),
        ("--udp", "8", "port-unreachable"),
    ] {
        for family in Family::ALL {
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::ping(lab.vantage()).args([protocol, "--port", port]);
            let run = probe
                .args(TEN)
                .args(["--replies"])
                .to(target)
                .run()
                .unwrap();
            let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
            for reply in run.replies().unwrap() {
                *kinds.entry(reply.kind).or_default() += 1;
            }
            assert_eq!(
                kinds,
                [(kind.to_owned(), 10)].into(),
                "{family} {}",
                run.stderr
            );
            let ping = run.ping().unwrap();
            assert_eq!(ping.received, 10);
            assert!(ping.rtt_ns.unwrap().shortest() >= Duration::from_millis(40));
        }
    }
}

#[test]
fn a_udp_service_is_pinged_one_probe_at_a_time() {
    let lab = Lab::chain(1).build().unwrap();
    let _service = lab.echo_udp(7).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(["--udp", "--port", "7", "--replies"]);
        let run = probe.args(TEN).to(target).run().unwrap();
        assert_eq!(run.ping().unwrap().received, 10, "{family}: {}", run.stdout);
        let replies = run.replies().unwrap();
        assert!(replies.iter().all(|reply| reply.kind == "udp-reply"));
    }
}

#[test]
fn a_udp_service_far_away_is_pinged_without_loss_and_never_given_the_time_of_another_probe() {
    let delay = Duration::from_millis(30);
    let lab = Lab::chain(1)
        .wire("r1", "target", Wire::delay(delay))
        .build()
        .unwrap();
    let _service = lab.echo_udp(7).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        // Several probes are under way at once: the first replies could answer any of
        // them, and other probes go in their place, each on a flow of its own.
        let probe = || Probe::ping(lab.vantage()).args(["--udp", "--port", "7"]);
        // Replies that name no probe are waited for so much longer than a round trip takes.
        let patience = Duration::from_millis(50);
        let is_late = |rtt: Rtt| Duration::from_nanos(rtt.max) > 2 * delay + patience * 4 / 5;
        let run = repeat_while(
            |run: &Run| run.ping().unwrap().rtt_ns.is_some_and(is_late),
            |_| probe().args(TEN).to(target).run().unwrap(),
        );
        let ping = run.ping().unwrap();
        assert_eq!((ping.sent, ping.received), (10, 10));
        assert!(ping.rtt_ns.unwrap().shortest() >= 2 * delay);
        let counters = run.counters().unwrap();
        let void = counters.foreign;
        assert_eq!(counters.candidates, 10 + void, "{counters:#?}");
        assert_eq!(counters.planned, 10 + void, "{counters:#?}");
    }
}

#[test]
fn several_targets_at_once_each_have_their_own_summary() {
    let lab = Lab::chain(3).build().unwrap();
    let nodes = ["r1", "r2", "r3", "target"];
    let hosts: Vec<_> = nodes
        .iter()
        .flat_map(|node| Family::ALL.map(|family| lab.address(family, node).unwrap()))
        .collect();
    let probe = Probe::ping(lab.vantage()).args(TEN);
    let run = hosts
        .iter()
        .fold(probe, |probe, host| probe.to(*host))
        .run()
        .unwrap();
    let pings = run.pings().unwrap();
    let seen: Vec<_> = pings
        .iter()
        .map(|ping| (ping.target, ping.received))
        .collect();
    let expected: Vec<_> = hosts.iter().map(|host| (*host, 10)).collect();
    assert_eq!((run.code, seen), (Some(0), expected));
}

#[test]
fn one_dead_target_of_several_is_exit_code_1() {
    let lab = Lab::chain(2).build().unwrap();
    lab.silence("r2").unwrap();
    for family in Family::ALL {
        let hosts = ["r2", "target"].map(|node| lab.address(family, node).unwrap());
        let probe = Probe::ping(lab.vantage()).args(TEN).args(SOON);
        let run = probe.to(hosts[0]).to(hosts[1]).run().unwrap();
        let received: Vec<_> = run
            .pings()
            .unwrap()
            .iter()
            .map(|ping| ping.received)
            .collect();
        assert_eq!((run.code, received), (Some(1), vec![0, 10]));
    }
}

#[test]
fn errors_of_routers_are_not_the_targets_answers() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        // The TTL ends at the second router.
        let probe = Probe::ping(lab.vantage()).args(TEN).args(["--ttl", "2"]);
        let run = probe.to(target).run().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!((run.code, ping.received, ping.errors), (Some(1), 0, 10));
        assert!(ping.rtt_ns.is_none());
    }
}

#[test]
fn a_name_with_addresses_of_both_versions_is_pinged_at_both_if_asked() {
    let lab = Lab::chain(1).build().unwrap();
    let [v4, v6] = Family::ALL.map(|family| lab.address(family, "target").unwrap());
    // A hosts file is where names come from in a network without name servers.
    let script = format!(
        "printf '{v4} both.example\\n{v6} both.example\\n' > /tmp/h$$ \
         && mount --bind /tmp/h$$ /etc/hosts && rm /tmp/h$$; exec \"$0\" \"$@\""
    );
    let wrapper = ["unshare", "-m", "sh", "-c", &script];
    for (options, expected) in [
        (&["-4", "-6"][..], [v4, v6].as_slice()),
        (&["-4"], &[v4]),
        (&["-6"], &[v6]),
    ] {
        let probe = Probe::ping(lab.vantage()).through(wrapper).args(TEN);
        let run = probe.args(options).args(["both.example"]).run().unwrap();
        assert_eq!(run.code, Some(0), "{options:?}: {}", run.stderr);
        let pings = run.pings().unwrap();
        let mut found: Vec<_> = pings.iter().map(|ping| ping.target).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{options:?}");
        assert!(pings.iter().all(|ping| ping.received == 10));
    }
}

#[test]
fn a_link_local_address_is_pinged_by_the_interface_that_is_named() {
    let lab = Lab::chain(1).build().unwrap();
    let router = lab.node("r1").unwrap();
    let given = ["addr add fe80::77/64 dev vantage nodad"];
    router.ip(given).unwrap();
    for protocol in PROTOCOLS {
        let probe = Probe::ping(lab.vantage()).args(TEN).args([protocol]);
        let run = probe.args(["--interface", "r1", "fe80::77"]).run().unwrap();
        assert_eq!(run.code, Some(0), "{protocol}: {}", run.stderr);
        assert_eq!(run.ping().unwrap().received, 10);
    }
    let run = Probe::ping(lab.vantage()).args(["fe80::77"]).run().unwrap();
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--interface"), "{}", run.stderr);
}
