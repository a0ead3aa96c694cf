//! What is probed, and in which parts.

use std::{collections::BTreeMap, net::IpAddr};

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

use crate::{SOON, places};

/// A network that the target answers for.
fn lab() -> Lab {
    let lab = Lab::chain(1).build().unwrap();
    let route = ["route", "add", "local", "10.200.0.0/16", "dev", "lo"];
    lab.target().run("ip", &route).unwrap();
    lab.route_to("target", Family::V4, "10.200.0.0/16").unwrap();
    lab
}

#[test]
fn the_parts_of_a_sweep_are_the_whole_and_the_seed_is_the_order() {
    let lab = lab();
    let sweep = |extra: &[&str]| {
        let run = Probe::sweep(lab.vantage())
            .args([
                "--seed",
                "7",
                "--max-ttl",
                "3",
                "--rate",
                "20k",
                "10.200.1.0/25",
            ])
            .args(SOON)
            .args(extra)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    let order = |extra: &[&str]| -> Vec<(IpAddr, u8)> {
        let mut replies = sweep(extra).replies().unwrap();
        replies.sort_by_key(|reply| reply.tx_ns);
        replies
            .iter()
            .map(|reply| (reply.target, reply.ttl))
            .collect()
    };
    let whole = order(&[]);
    assert_eq!(whole.len(), 128 * 3);
    assert_eq!(order(&[]), whole);
    let mut parts: BTreeMap<_, u32> = BTreeMap::new();
    for part in ["0/3", "1/3", "2/3"] {
        for (place, count) in places(&sweep(&["--shard", part]).replies().unwrap()) {
            *parts.entry(place).or_default() += count;
        }
    }
    assert_eq!(parts.len(), 128 * 3);
    assert!(parts.values().all(|count| *count == 1));
}

#[test]
fn excluded_networks_get_no_probe() {
    let lab = lab();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "10.200.2.64/26 # not these\r\n").unwrap();
    let run = Probe::sweep(lab.vantage())
        .args(["--ping", "--rate", "20k", "--exclude"])
        .args([file.path()])
        .args(["10.200.2.0/25", "10.200.2.10-20", "10.200.2.100"])
        .args(SOON)
        .run()
        .unwrap();
    let replies = run.replies().unwrap();
    assert_eq!(places(&replies).len(), 64);
    let inside = |reply: &probe_tests::probe::Reply| {
        reply
            .target
            .to_string()
            .rsplit('.')
            .next()
            .unwrap()
            .parse::<u8>()
            .unwrap()
            < 64
    };
    assert!(replies.iter().all(inside));
    assert_eq!(run.counters().unwrap().planned, 64);
}

#[test]
fn a_list_on_standard_input_is_read_whatever_its_line_ends() {
    let lab = lab();
    let run = Probe::sweep(lab.vantage())
        .args(["--ping", "--rate", "20k", "--targets", "-"])
        .args(SOON)
        .input("\u{feff}10.200.0.1\r\n# comment\r\n10.200.0.1\n10.200.3.0/30\n")
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.replies().unwrap().len(), 5);
}
