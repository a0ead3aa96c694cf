//! Routers that say which MPLS labels a probe came with, in both forms.

use std::{collections::HashMap, net::IpAddr};

use probe_common::lab::{Internet, Labels, Request};
use probe_tests::{
    lab::{Family, InternetLab, truth},
    packet::checksum,
    probe::{Label, Probe},
};
use serde_json::json;

use crate::campaign::Campaign;

const INTERNET: Internet = Internet {
    labelled: 500,
    ..Internet::DEFAULT
};

/// RFC 4884 and RFC 4950, octet by octet.
#[test]
fn labels_stand_behind_a_padded_quote() {
    for family in Family::ALL {
        for request in [Request::Echo, Request::Udp, Request::Syn(80), Request::Ack] {
            let campaign = Campaign::new(INTERNET, family, request, 100).unwrap();
            let outcome = campaign.run().unwrap();
            let (mut stated, mut unstated) = (0, 0);
            for (reply, probe, readings) in outcome.replies() {
                let ([reading], Some(labels)) = (readings, reply.labels) else {
                    continue;
                };
                let (kept, ttl, length) = match family {
                    Family::V4 => (28, 8, [0, 32, 0, 0]),
                    Family::V6 => (60, 7, [16, 0, 0, 0]),
                };
                let mut arrived = probe[..kept].to_vec();
                arrived[ttl] = 1;
                let mut quote = reading.body[..kept].to_vec();
                if family == Family::V4 {
                    // The checksum changes with the TTL; `reading` has checked it.
                    quote[10..12].copy_from_slice(&arrived[10..12]);
                }
                assert_eq!(quote, arrived);
                assert!(reading.body[kept..128].iter().all(|octet| *octet == 0));
                let extension = &reading.body[128..];
                assert_eq!(checksum::internet(extension), 0);
                assert_eq!(extension[..2], [0x20, 0]);
                assert_eq!(extension[4..8], [0, 12, 1, 1]);
                let entries = labels.entries.map(u32::to_be_bytes).concat();
                assert_eq!(extension[8..], entries);
                assert_eq!(reading.rest, if labels.stated { length } else { [0; 4] });
                *(if labels.stated {
                    &mut stated
                } else {
                    &mut unstated
                }) += 1;
            }
            assert!(stated > 50 && unstated > 50, "{stated}, {unstated}");
        }
    }
}

/// The labels of a router as `probe` writes them.
fn written(labels: Labels) -> Vec<Label> {
    let entries = labels.entries.into_iter();
    let label = |entry: u32| Label {
        label: entry >> 12,
        tc: (entry >> 9) as u8 & 7,
        s: entry >> 8 & 1 == 1,
        ttl: entry as u8,
    };
    entries.map(label).collect()
}

/// What the truth says of labels, by target and TTL.
fn expected(lab: &InternetLab, targets: &[IpAddr]) -> HashMap<(IpAddr, u8), Vec<Label>> {
    let mut expected = HashMap::new();
    for target in targets {
        let family = if target.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let flow = truth::Flow {
            source: lab.source(family),
            target: *target,
            request: Request::Echo,
            ports: [0, 0],
        };
        for ttl in 1..=20 {
            if let probe_common::lab::Answer::Reply(reply) = flow.answer(lab.truth(), ttl) {
                let labels = reply.labels.map_or_else(Vec::new, written);
                expected.insert((*target, ttl), labels);
            }
        }
    }
    expected
}

fn targets(family: Family, count: u32) -> Vec<IpAddr> {
    match family {
        Family::V4 => truth::targets_v4(&INTERNET, count)
            .map(IpAddr::from)
            .collect(),
        Family::V6 => truth::targets_v6(&INTERNET, count)
            .map(IpAddr::from)
            .collect(),
    }
}

#[test]
fn a_sweep_writes_the_labels_that_routers_say() {
    for family in Family::ALL {
        for hook in ["xdp-native", "tcx"] {
            let lab = InternetLab::build(INTERNET).unwrap();
            let _guard = (hook == "tcx").then(|| lab.guard(probe_common::abi::lab::PASS_ALL));
            let targets = targets(family, 500);
            let list: String = targets.iter().map(|target| format!("{target}\n")).collect();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), list).unwrap();
            let run = Probe::sweep(lab.vantage())
                .args(["--max-ttl", "20", "--timeout", "2s", "--rate", "20k"])
                .args(["--rx", hook, "--targets"])
                .args([file.path()])
                .run()
                .unwrap();
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let expected = expected(&lab, &targets);
            let replies = run.replies().unwrap();
            let labelled = replies.iter().filter(|reply| !reply.mpls.is_empty());
            let labelled = labelled.count() as u64;
            assert!(labelled > 1_000);
            let extensions = &run.metadata().unwrap().extensions;
            assert_eq!(extensions.read, labelled);
            assert_eq!(extensions.unread.values().sum::<u64>(), 0);
            for reply in &replies {
                assert_eq!(
                    reply.mpls,
                    expected[&(reply.target, reply.ttl)],
                    "{reply:?}"
                );
            }
            assert_eq!(replies.len(), expected.len());
        }
    }
}

#[test]
fn paths_keep_the_labels_of_their_hops() {
    let lab = InternetLab::build(INTERNET).unwrap();
    let targets = targets(Family::V4, 100);
    let expected = expected(&lab, &targets);
    let probe = Probe::sweep(lab.vantage()).args(["--paths", "--max-ttl", "20", "--rate", "20k"]);
    let run = targets
        .iter()
        .fold(probe, |probe, target| probe.to(*target))
        .run()
        .unwrap();
    let mut labelled = 0;
    for path in run.records().unwrap() {
        let target = path["target"].as_str().unwrap().parse().unwrap();
        for hop in path["hops"].as_array().unwrap() {
            let ttl = hop["ttl"].as_u64().unwrap() as u8;
            let labels = hop.get("mpls").cloned().unwrap_or_else(|| json!([]));
            let labels: Vec<Label> = serde_json::from_value(labels).unwrap();
            assert_eq!(labels, expected[&(target, ttl)], "{hop}");
            labelled += u64::from(!labels.is_empty());
        }
    }
    assert!(labelled > 100, "{labelled}");
    // Also those beyond the ends of paths.
    assert!(run.metadata().unwrap().extensions.read >= labelled);
}

#[test]
fn a_trace_says_the_labels_of_its_hops() {
    let lab = InternetLab::build(Internet {
        dead: 0,
        silent: 0,
        ..INTERNET
    })
    .unwrap();
    for family in Family::ALL {
        let targets = targets(family, 3);
        let expected = expected(&lab, &targets);
        for target in targets {
            let trace = || {
                let run = Probe::trace(lab.vantage()).args(["--interval", "20ms"]);
                run.args(["--extensions"]).to(target)
            };
            let report = trace().run().unwrap().trace().unwrap();
            for hop in &report.hops {
                let responder = hop.responders.first().unwrap();
                assert_eq!(responder.mpls, expected[&(target, hop.ttl)], "{hop:?}");
            }
        }
    }
}
