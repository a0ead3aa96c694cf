//! What the host's own stack sees of a sweep.

use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab, Namespace},
    probe::Probe,
};

use crate::generator::targets;

/// Echo replies that the stack of a host has seen.
fn echo_replies(host: &Namespace, family: Family) -> u64 {
    let (file, name) = match family {
        Family::V4 => ("/proc/net/snmp", "InEchoReps"),
        Family::V6 => ("/proc/net/snmp6", "Icmp6InEchoReplies"),
    };
    let text = host.run("cat", &[file]).unwrap();
    let value = match family {
        Family::V4 => {
            let mut lines = text.lines().filter(|line| line.starts_with("Icmp: "));
            let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
            let place = names.split(' ').position(|other| other == name);
            values.split(' ').nth(place.unwrap())
        }
        Family::V6 => {
            let line = text.lines().find(|line| line.starts_with(name));
            line.unwrap().split_whitespace().nth(1)
        }
    };
    value.unwrap().parse().unwrap()
}

#[test]
fn replies_go_on_to_the_host_only_if_asked_for() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    for family in Family::ALL {
        let targets: String = targets(&lab, family, 2_000)
            .iter()
            .map(|target| format!("{target}\n"))
            .collect();
        for is_passed_on in [false, true] {
            let before = echo_replies(lab.vantage(), family);
            let probe = Probe::sweep(lab.vantage()).args(["--ping", "--rate", "10k"]);
            let probe = probe.args(["--timeout", "300ms", "--targets", "-"]);
            let probe = probe.args(is_passed_on.then_some("--no-consume"));
            let run = probe.input(&targets).run().unwrap();
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let (seen, answered) = (
                echo_replies(lab.vantage(), family) - before,
                run.counters().unwrap().answered(),
            );
            assert!(answered > 1_000, "{answered}");
            assert_eq!(seen, if is_passed_on { answered } else { 0 });
        }
    }
}
