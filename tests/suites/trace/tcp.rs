//! Ports of the target: open, closed, filtered; near and far.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use probe_tests::{
    lab::{Family, Hook, Lab, Wire},
    probe::{Probe, Run},
};

use crate::{FAST, SOON, chains::assert_clean};

/// What the target answered segments with, by every reply that was written.
fn kinds_from(run: &Run, target: IpAddr) -> BTreeSet<String> {
    let replies = run.replies().unwrap().into_iter();
    let from_target = replies.filter(|reply| reply.responder == target && reply.protocol == "tcp");
    from_target.map(|reply| reply.kind).collect()
}

fn trace(lab: &Lab, family: Family, arguments: &[&str]) -> Run {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::trace(lab.vantage()).args(["--tcp", "--replies"]);
    probe.args(arguments).to(target).run().unwrap()
}

#[test]
fn an_open_port_says_syn_ack_a_closed_one_rst() {
    let lab = Lab::chain(2).build().unwrap();
    let _service = lab.listen_tcp(443).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for (port, kind) in [("443", "syn-ack"), ("80", "rst")] {
            let run = trace(&lab, family, &["--port", port, "--interval", "10ms"]);
            let trace = run.trace().unwrap();
            assert_eq!(
                (run.code, trace.last_word()),
                (Some(0), Some(kind)),
                "{family}"
            );
            assert_eq!(kinds_from(&run, target), [kind.to_owned()].into());
            assert_eq!(trace.hops[2].received, 3);
            assert_clean(&run);
        }
    }
}

#[test]
fn a_filtered_port_does_not_answer() {
    let lab = Lab::chain(2).build().unwrap();
    lab.filter("target", Hook::Input, "meta l4proto tcp drop")
        .unwrap();
    for family in Family::ALL {
        let run = trace(
            &lab,
            family,
            &[&SOON[..], &FAST, &["--gap-limit", "2"]].concat(),
        );
        let trace = run.trace().unwrap();
        assert_eq!((run.code, trace.stop.as_str()), (Some(1), "gap-limit"));
        let routers = ["r1", "r2"].map(|router| lab.address(family, router).ok());
        assert_eq!(trace.answering()[..2], routers);
        assert!(trace.answering()[2..].iter().all(Option::is_none));
    }
}

#[test]
fn an_open_port_far_away_is_never_called_closed_or_lost() {
    let delay = Duration::from_millis(50);
    let lab = Lab::chain(3)
        .wire("r3", "target", Wire::delay(delay))
        .build()
        .unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = trace(&lab, family, &["--interval", "0", "--queries", "10"]);
        assert_eq!(kinds_from(&run, target), ["syn-ack".to_owned()].into());
        let trace = run.trace().unwrap();
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(trace.addresses().unwrap(), expected);
        let counts: Vec<_> = trace
            .hops
            .iter()
            .map(|hop| (hop.sent, hop.received))
            .collect();
        assert_eq!(counts, [(10, 10); 4], "{trace:#?}");
        let rtt = trace.hops[3].rtt_ns.unwrap();
        assert!(rtt.shortest() >= 2 * delay);
        assert_clean(&run);
    }
}

#[test]
fn many_flows_to_an_open_port_far_away_are_all_answered() {
    let lab = Lab::chain(1)
        .wire("r1", "target", Wire::delay(Duration::from_millis(20)))
        .build()
        .unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = trace(&lab, family, &["--interval", "0", "--flows", "8"]);
        assert_eq!(kinds_from(&run, target), ["syn-ack".to_owned()].into());
        let traces = run.traces().unwrap();
        assert_eq!(traces.len(), 8);
        assert!(traces.iter().all(|trace| trace.losses().is_empty()));
        assert_clean(&run);
    }
}

#[test]
fn ack_segments_are_reset_by_open_and_closed_ports() {
    let lab = Lab::chain(2).build().unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    for (port, family) in [
        ("80", Family::V4),
        ("81", Family::V4),
        ("80", Family::V6),
        ("81", Family::V6),
    ] {
        let run = trace(&lab, family, &["--tcp-flags", "ack", "--port", port]);
        let trace = run.trace().unwrap();
        assert_eq!((trace.last_word(), trace.losses().len()), (Some("rst"), 0));
        assert_clean(&run);
    }
}
