//! What replies tell of the ways there and back, in records of every form.

use std::fs;

use probe_tests::{
    lab::{Family, Lab, Mangling},
    probe::{Probe, Run},
};
use serde_json::Value;

use crate::{SOON, assert_clean};

/// Three routers, of which the second translates sources and sets DSCP to 10.
fn lab() -> Lab {
    let lab = Lab::chain(3).build().unwrap();
    lab.translate_source("r2").unwrap();
    lab.mangle("r2", Mangling::Dscp(10)).unwrap();
    lab
}

fn sweep(lab: &Lab, family: Family, arguments: &[&str]) -> Run {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::sweep(lab.vantage()).args(["--max-ttl", "5"]);
    let run = probe.args(SOON).args(arguments).to(target).run().unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_clean(&run);
    run
}

#[test]
fn replies_tell_the_same_by_sockets_and_by_the_generator() {
    let lab = lab();
    for family in Family::ALL {
        for tx in ["raw", "xdp"] {
            let run = sweep(&lab, family, &["--udp", "--tx", tx]);
            let mut replies = run.replies().unwrap();
            replies.sort_by_key(|reply| reply.ttl);
            let told = replies.iter().map(|reply| &reply.tells);
            let told: Vec<_> = told.clone().collect();
            let ways: Vec<_> = told.iter().map(|told| told.back_hops).collect();
            assert_eq!(ways, [1, 2, 3, 4, 4].map(Some), "{family} {tx}");
            assert!(
                told.iter().all(|told| told.asymmetry == Some(0)),
                "{told:?}"
            );
            let ttls: Vec<_> = told.iter().map(|told| told.quoted_ttl).collect();
            // The probe with a TTL of 5 had 2 left at the target.
            assert_eq!(ttls, [1, 1, 1, 1, 2].map(Some));
            for (ttl, told) in (1..).zip(told) {
                let is_behind = ttl > 2;
                let what = is_behind.then_some("source+checksum");
                assert_eq!((told.nat, told.rewritten.as_deref()), (is_behind, what));
                let tos = if is_behind { 10 << 2 } else { 0 };
                assert_eq!(told.quoted_tos, Some(tos), "{family} {tx} {ttl}");
            }
            let metadata = run.metadata().unwrap();
            let probe = metadata.sweep.as_ref().unwrap().probe;
            let length = match family {
                Family::V4 => probe.ipv4_length,
                Family::V6 => probe.ipv6_length,
            };
            assert!(
                replies
                    .iter()
                    .all(|reply| reply.tells.quoted_length == Some(length))
            );
        }
    }
}

#[test]
fn csv_and_paths_tell_it_too() {
    let lab = lab();
    let run = sweep(&lab, Family::V4, &["--udp", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let columns = [
        "ttl",
        "back_hops",
        "asymmetry",
        "quoted_tos",
        "nat",
        "rewritten",
    ]
    .map(place);
    let mut rows: Vec<_> = reader
        .records()
        .map(|row| columns.map(|column| row.as_ref().unwrap()[column].to_owned()))
        .collect();
    rows.sort();
    assert_eq!(rows[1], ["2", "2", "0", "0", "false", ""]);
    assert_eq!(rows[2], ["3", "3", "0", "40", "true", "source+checksum"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paths.jsonl");
    let name = file.to_str().unwrap();
    sweep(&lab, Family::V6, &["--icmp", "--paths", "--output", name]);
    let path: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let hops = path["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 4, "{path}");
    let of = |field: &str| {
        hops.iter()
            .map(|hop| hop[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("asymmetry"), [0, 0, 0, 0].map(Value::from));
    let rewritten = [None, None, Some("source+checksum"), None];
    assert_eq!(of("rewritten"), rewritten.map(Value::from));
    assert_eq!(hops[2]["quoted_tos"], 40);
}
