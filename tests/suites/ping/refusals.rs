//! What cannot be pinged: one line that says why, and the exit code.

use probe_tests::{
    lab::{Lab, Namespace},
    probe::{Probe, Run},
};

#[track_caller]
fn assert_refused(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    for word in words {
        assert!(
            run.stderr.contains(word),
            "{word} is not in: {}",
            run.stderr
        );
    }
}

#[test]
fn broadcast_and_multicast_addresses() {
    let lab = Lab::chain(1).build().unwrap();
    for (address, what) in [
        ("255.255.255.255", "broadcast"),
        ("10.1.0.255", "broadcast"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
    ] {
        let run = Probe::ping(lab.vantage())
            .args(["-c", "1", address])
            .run()
            .unwrap();
        assert_refused(&run, 2, &[address, what]);
    }
}

#[test]
fn a_name_that_does_not_resolve() {
    let lab = Lab::chain(1).build().unwrap();
    let name = "no-such-host.invalid";
    let run = Probe::ping(lab.vantage())
        .args(["-c", "1", name])
        .run()
        .unwrap();
    assert_refused(&run, 2, &[name]);
}

#[test]
fn an_interface_that_is_not_there() {
    let lab = Lab::chain(1).build().unwrap();
    let arguments = ["-c", "1", "--interface", "eth77", "10.2.0.2"];
    let run = Probe::ping(lab.vantage()).args(arguments).run().unwrap();
    assert_refused(&run, 3, &["eth77"]);
}

#[test]
fn an_interface_that_is_down() {
    let lab = Lab::chain(1).build().unwrap();
    lab.vantage()
        .ip(["link add dumb type veth peer name dumber"])
        .unwrap();
    let arguments = ["-c", "1", "--interface", "dumb", "10.2.0.2"];
    let run = Probe::ping(lab.vantage()).args(arguments).run().unwrap();
    assert_refused(&run, 3, &["dumb"]);
}

#[test]
fn a_target_without_a_route() {
    let lonely = Namespace::new("lonely").unwrap();
    for address in ["192.0.2.1", "2001:db8::1"] {
        let run = Probe::ping(&lonely)
            .args(["-c", "1", address])
            .run()
            .unwrap();
        assert_refused(&run, 3, &[address, "route"]);
    }
}

#[test]
fn a_neighbour_that_is_not_there() {
    let lab = Lab::chain(1).build().unwrap();
    for address in ["10.1.0.77", "fd00:0:0:1::77"] {
        let run = Probe::ping(lab.vantage())
            .args(["-c", "1", address])
            .run()
            .unwrap();
        assert_refused(&run, 3, &[address]);
    }
}

#[test]
fn a_source_of_somebody_else() {
    let lab = Lab::chain(1).build().unwrap();
    let arguments = ["-c", "1", "--source", "192.0.2.9", "10.2.0.2"];
    let run = Probe::ping(lab.vantage()).args(arguments).run().unwrap();
    assert_refused(&run, 3, &["192.0.2.9"]);
}

#[test]
fn arguments_that_contradict_each_other() {
    let lab = Lab::chain(1).build().unwrap();
    let run = |job, arguments: &[&str]| {
        Probe::people(lab.vantage(), job)
            .args(arguments)
            .run()
            .unwrap()
    };
    let bad = run("trace", &["--first-ttl", "9", "--max-ttl", "3", "10.2.0.2"]);
    assert_refused(&bad, 2, &["--max-ttl", "--first-ttl"]);
    assert_refused(&run("ping", &["--rate", "0", "10.2.0.2"]), 2, &["--rate"]);
    assert_refused(&run("ping", &[]), 2, &["TARGET"]);
    let bad = run("ping", &["--targets", "/nonexistent/list"]);
    assert_refused(&bad, 2, &["/nonexistent/list"]);
}

#[test]
fn a_list_with_a_bad_line_names_the_line() {
    let lab = Lab::chain(1).build().unwrap();
    let probe = Probe::ping(lab.vantage()).args(["-c", "1", "--targets", "-"]);
    let run = probe.input("10.2.0.2\n# fine\n10.2.0.300\n").run().unwrap();
    assert_refused(&run, 2, &[":3:", "10.2.0.300"]);
}
