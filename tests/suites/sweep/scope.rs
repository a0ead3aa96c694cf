//! What is probed, and in which parts.

use std::{collections::BTreeMap, net::IpAddr};

use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Reply},
};

use crate::{SOON, places};

/// The first addresses of a network that the target answers for, /16 or /112, with more
/// of their numbers to be written behind.
const PREFIXES: [(Family, &str, &str); 2] = [
    (Family::V4, "10.200.", "10.200.0.0/16"),
    (Family::V6, "fd00:c8::", "fd00:c8::/112"),
];

fn lab() -> Lab {
    let lab = Lab::chain(1).build().unwrap();
    for (family, _, network) in PREFIXES {
        let route = ["route", "add", "local", network, "dev", "lo"];
        lab.target().run("ip", &route).unwrap();
        lab.route_to("target", family, network).unwrap();
    }
    lab
}

#[test]
fn the_parts_of_a_sweep_are_the_whole_and_the_seed_is_the_order() {
    let lab = lab();
    let sweep = |network: &str, extra: &[&str]| {
        let run = Probe::sweep(lab.vantage())
            .args(["--seed", "7", "--max-ttl", "3", "--rate", "20k", network])
            .args(SOON)
            .args(extra)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    let order = |network: &str, extra: &[&str]| -> Vec<(IpAddr, u8)> {
        let mut replies = sweep(network, extra).replies().unwrap();
        replies.sort_by_key(|reply| reply.tx_ns);
        replies
            .iter()
            .map(|reply| (reply.target, reply.ttl))
            .collect()
    };
    for network in ["10.200.1.0/25", "fd00:c8::100/121"] {
        let whole = order(network, &[]);
        assert_eq!(whole.len(), 128 * 3);
        assert_eq!(order(network, &[]), whole);
        let mut parts: BTreeMap<_, u32> = BTreeMap::new();
        for part in ["0/3", "1/3", "2/3"] {
            for (place, count) in places(&sweep(network, &["--shard", part]).replies().unwrap()) {
                *parts.entry(place).or_default() += count;
            }
        }
        assert_eq!(parts.len(), 128 * 3);
        assert!(parts.values().all(|count| *count == 1));
    }
}

#[test]
fn excluded_networks_get_no_probe() {
    let lab = lab();
    for (exclude, targets, first) in [
        (
            "10.200.2.64/26 # not these\r\n",
            ["10.200.2.0/25", "10.200.2.10-20", "10.200.2.100"],
            "10.200.2.0",
        ),
        (
            "fd00:c8::240/122 # not these\r\n",
            ["fd00:c8::200/121", "fd00:c8::20a-214", "fd00:c8::264"],
            "fd00:c8::200",
        ),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), exclude).unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "20k", "--exclude"])
            .args([file.path()])
            .args(targets)
            .args(SOON)
            .run()
            .unwrap();
        let replies = run.replies().unwrap();
        assert_eq!(places(&replies).len(), 64);
        let first: IpAddr = first.parse().unwrap();
        let inside = |reply: &Reply| number(reply.target) - number(first) < 64;
        assert!(replies.iter().all(inside));
        assert_eq!(run.counters().unwrap().planned, 64);
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[test]
fn a_list_on_standard_input_is_read_whatever_its_line_ends() {
    let lab = lab();
    for (_, prefix, _) in PREFIXES {
        let hosts = match prefix {
            "10.200." => ["0.1", "3.0/30"],
            _ => ["1", "300/126"],
        };
        let [one, four] = hosts.map(|host| format!("{prefix}{host}"));
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "20k", "--targets", "-"])
            .args(SOON)
            .input(&format!("\u{feff}{one}\r\n# comment\r\n{one}\n{four}\n"))
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.replies().unwrap().len(), 5);
    }
}

#[test]
fn one_version_of_both_is_swept_if_asked_and_both_unless() {
    let lab = lab();
    for (options, count, left_out) in [
        (&[][..], 12, 0),
        (&["-4"], 4, 8),
        (&["-6"], 8, 4),
        (&["-4", "-6"], 12, 0),
    ] {
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "10.200.0.0/30", "fd00:c8::/125"])
            .args(options)
            .args(SOON)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{options:?}: {}", run.stderr);
        assert_eq!(run.replies().unwrap().len(), count, "{options:?}");
        let sweep = run.metadata().unwrap().sweep.as_ref().unwrap();
        assert_eq!(sweep.left_out.other_family, left_out, "{options:?}");
    }
}
