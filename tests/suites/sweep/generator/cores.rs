//! On how many processors it sends, where nobody says.

use std::thread;

use probe_tests::{
    lab::{Family, InternetLab},
    probe::Probe,
};

use super::{ALL_ALIVE, BY_GENERATOR, section};

/// Lanes of a sweep of a few targets; all of them are probed once.
fn lanes(lab: &InternetLab, arguments: &str) -> u32 {
    let run = Probe::sweep(lab.vantage())
        .args(["--ping", "--timeout", "300ms"])
        .args(BY_GENERATOR)
        .args(arguments.split_whitespace())
        .args([lab.network(Family::V4, 10)])
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let counters = run.counters().unwrap();
    assert_eq!(counters.sent + counters.dropped_after_stamp, 1_024);
    section(&run).lanes
}

#[test]
fn it_takes_what_the_rate_is_worth_and_what_queues_and_readers_leave() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let processors = thread::available_parallelism().unwrap().get() as u32;
    let (all, but_one) = (processors.min(4), (processors - 1).clamp(1, 4));
    for (arguments, expected) in [
        ("--rate max --format none", all),
        ("--rate max --format jsonl", but_one),
        ("--rate 1M --format none", 1),
        ("--rate 1001k --format none", all.min(2)),
        ("--rate max --format none --tx-cores 1", 1),
    ] {
        assert_eq!(lanes(&lab, arguments), expected, "{arguments}");
    }
    let device = InternetLab::DEVICE;
    lab.vantage()
        .run("ethtool", &["-L", device, "tx", "1"])
        .unwrap();
    assert_eq!(lanes(&lab, "--rate max --format none"), 1, "one queue");
    let asked = format!("--rate max --format none --tx-cores {all}");
    assert_eq!(lanes(&lab, &asked), all, "as many as are asked for");
}
