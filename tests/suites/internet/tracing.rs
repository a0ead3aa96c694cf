//! `probe trace` and the system's own tools see the paths of the truth.

use std::net::IpAddr;

use probe_common::{
    abi::lab::PASS_ALL,
    lab::{Internet, Request},
};
use probe_tests::{
    lab::{
        Family, InternetLab,
        truth::{self, Flow},
    },
    probe::{Hop, Probe},
};

/// A few silent routers, but not so many in a row that a trace gives up.
const INTERNET: Internet = Internet {
    dead: 0,
    silent: 100,
    balanced: 200,
    ..Internet::DEFAULT
};

fn targets(internet: &Internet, family: Family, count: u32) -> Vec<IpAddr> {
    match family {
        Family::V4 => truth::targets_v4(internet, count)
            .map(IpAddr::from)
            .collect(),
        Family::V6 => truth::targets_v6(internet, count)
            .map(IpAddr::from)
            .collect(),
    }
}

fn seen(hops: &[Hop]) -> Vec<Option<IpAddr>> {
    let responder = |hop: &Hop| hop.responders.first().map(|responder| responder.address);
    hops.iter().map(responder).collect()
}

#[test]
fn a_trace_shows_the_path_of_the_truth() {
    let lab = InternetLab::build(INTERNET).unwrap();
    for family in Family::ALL {
        for target in targets(lab.truth(), family, 3) {
            for (option, request) in [
                ("--icmp", Request::Echo),
                ("--udp", Request::Udp),
                ("--tcp", Request::Syn(80)),
            ] {
                let run = Probe::trace(lab.vantage())
                    .args([option, "--interval", "20ms", "--timeout", "300ms"])
                    .to(target);
                let trace = run.run().unwrap().trace().unwrap();
                assert_eq!(trace.stop, "target", "{trace:?}");
                let seen = seen(&trace.hops);
                let path = |port| {
                    let flow = Flow {
                        source: lab.source(family),
                        target,
                        request,
                        ports: [port, if request == Request::Udp { 33_434 } else { 80 }],
                    };
                    flow.path(lab.truth())
                };
                // The run's own port decides which arms its flow takes.
                let explained = (1_024..=u16::MAX).any(|port| path(port) == seen);
                assert!(explained, "{option} {target}: {seen:?}, not {:?}", path(0));
                for (hop, responder) in trace.hops.iter().zip(&seen) {
                    assert!(responder.is_none() || hop.received == hop.sent, "{hop:?}");
                }
            }
        }
    }
    assert!(lab.traffic().unwrap().adds_up());
}

#[test]
fn a_dead_target_ends_a_trace_behind_its_last_router() {
    let internet = Internet {
        dead: 1_000,
        silent: 0,
        ..Internet::DEFAULT
    };
    let lab = InternetLab::build(internet).unwrap();
    let target = targets(lab.truth(), Family::V4, 1)[0];
    let run = Probe::trace(lab.vantage()).args(["--interval", "20ms", "--timeout", "300ms"]);
    let trace = run.to(target).run().unwrap().trace().unwrap();
    assert_eq!(trace.stop, "gap-limit");
    let flow = Flow {
        source: lab.source(Family::V4),
        target,
        request: Request::Echo,
        ports: [0, 0],
    };
    let path = flow.path(lab.truth());
    assert!(path[..path.len() - 1].iter().all(Option::is_some));
    let mut seen = seen(&trace.hops);
    seen.truncate(path.len());
    assert_eq!(seen, path);
}

#[test]
fn tools_without_a_program_of_their_own_get_replies_too() {
    let lab = InternetLab::build(INTERNET).unwrap();
    let _guard = lab.guard(PASS_ALL).unwrap();
    for family in Family::ALL {
        let target = targets(lab.truth(), family, 1)[0].to_string();
        let output = lab
            .vantage()
            .run("ping", &["-n", "-c", "3", "-i", "0.01", &target])
            .unwrap();
        assert!(output.contains("3 received"), "{output}");
    }
}
