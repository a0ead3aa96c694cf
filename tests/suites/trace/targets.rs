//! Several targets, in arguments, in files, on standard input.

use std::{collections::BTreeSet, io::Write as _, net::IpAddr};

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Run},
};

use crate::{FAST, chains::assert_clean};

/// The last address of each trace, which must be that trace's target.
fn reached(run: &Run) -> BTreeSet<IpAddr> {
    let traces = run.traces().unwrap();
    for trace in &traces {
        assert_eq!(trace.stop, "target", "{}: {trace:#?}", run.stderr);
        assert_eq!(trace.addresses().unwrap().last(), Some(&trace.target));
    }
    traces.iter().map(|trace| trace.target).collect()
}

fn hosts(lab: &Lab) -> BTreeSet<IpAddr> {
    let nodes = ["r1", "r3", "target"].into_iter();
    nodes
        .flat_map(|node| Family::ALL.map(|family| lab.address(family, node).unwrap()))
        .collect()
}

#[test]
fn several_at_once_of_both_families() {
    let lab = Lab::chain(3).build().unwrap();
    let wanted = hosts(&lab);
    for protocol in crate::PROTOCOLS {
        let probe = Probe::trace(lab.vantage()).args([protocol]).args(FAST);
        let run = wanted
            .iter()
            .fold(probe, |probe, host| probe.to(*host))
            .run()
            .unwrap();
        assert_eq!(
            (run.code, reached(&run)),
            (Some(0), wanted.clone()),
            "{}",
            run.stderr
        );
        assert_clean(&run);
    }
}

#[test]
fn from_a_file_and_from_standard_input() {
    let lab = Lab::chain(3).build().unwrap();
    let wanted = hosts(&lab);
    let list: String = wanted
        .iter()
        .map(|host| format!("{host}  # a host\n"))
        .collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(list.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let probe = Probe::trace(lab.vantage())
        .args(["--targets", path])
        .args(FAST);
    assert_eq!(reached(&probe.run().unwrap()), wanted);
    let probe = Probe::trace(lab.vantage())
        .args(["--targets", "-"])
        .args(FAST);
    assert_eq!(reached(&probe.input(&list).run().unwrap()), wanted);
}

#[test]
fn one_family_of_a_mixed_list_is_an_error_that_names_the_line() {
    let lab = Lab::chain(1).build().unwrap();
    let (v4, v6) = (
        lab.address(Family::V4, "target").unwrap(),
        lab.address(Family::V6, "target").unwrap(),
    );
    let probe = Probe::trace(lab.vantage()).args(["-4", "--targets", "-"]);
    let run = probe.input(&format!("{v4}\n{v6}\n")).run().unwrap();
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(
        run.stderr.contains(":2:") && run.stderr.contains("-4"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_target_without_a_route_does_not_keep_the_others_from_their_traces() {
    let lab = Lab::chain(1).build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    for (network, lost) in [
        ("192.0.2.0/24", "192.0.2.1"),
        ("2001:db8::/32", "2001:db8::1"),
    ] {
        lab.vantage()
            .ip([format!("route add unreachable {network}")])
            .unwrap();
        let probe = Probe::trace(lab.vantage()).args([lost]).args(FAST);
        let run = probe.to(target).run().unwrap();
        assert_eq!((run.code, reached(&run)), (Some(1), [target].into()));
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(lost), "{}", run.stderr);
    }
}
