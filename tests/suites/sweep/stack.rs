//! What the host's own stack sees of a sweep.

use probe_common::lab::Internet;
use probe_tests::{
    lab::{InternetLab, Namespace, truth},
    probe::Probe,
};

/// Echo replies that the stack of a host has seen.
fn echo_replies(host: &Namespace) -> u64 {
    let text = host.run("cat", &["/proc/net/snmp"]).unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Icmp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names.split(' ').position(|name| name == "InEchoReps");
    let value = values.split(' ').nth(place.unwrap()).unwrap();
    value.parse().unwrap()
}

#[test]
fn replies_go_on_to_the_host_only_if_asked_for() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let targets: String = truth::targets_v4(lab.truth(), 2_000)
        .map(|target| format!("{target}\n"))
        .collect();
    for is_passed_on in [false, true] {
        let before = echo_replies(lab.vantage());
        let probe = Probe::sweep(lab.vantage()).args(["--ping", "--rate", "10k"]);
        let probe = probe.args(["--timeout", "300ms", "--targets", "-"]);
        let probe = probe.args(is_passed_on.then_some("--no-consume"));
        let run = probe.input(&targets).run().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let (seen, valid) = (
            echo_replies(lab.vantage()) - before,
            run.counters().unwrap().valid,
        );
        assert!(valid > 1_000, "{valid}");
        assert_eq!(seen, if is_passed_on { valid } else { 0 });
    }
}
