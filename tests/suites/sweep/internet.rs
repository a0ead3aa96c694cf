//! The simulated internet: what is written is what it answers, no more, no less.

use std::{collections::HashMap, fs, net::IpAddr};

use probe_common::lab::{Answer, Count, Internet, Request};
use probe_tests::{
    lab::{Family, InternetLab, truth},
    probe::{Probe, Reply, Run},
};

use crate::{assert_clean, generator::targets};

/// The last TTL that is probed.
const MAX_TTL: u8 = 20;

/// Who answers a probe, and how.
pub(crate) type Answers = HashMap<(IpAddr, u8), (IpAddr, String)>;

/// What the simulated internet answers to all probes of a sweep.
pub(crate) fn expected(lab: &InternetLab, targets: &[IpAddr], request: Request) -> Answers {
    let mut answers = Answers::new();
    for target in targets {
        let family = if target.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let flow = truth::Flow {
            source: lab.source(family),
            target: *target,
            request,
            // Nothing balances by them here.
            ports: [0, 0],
        };
        for ttl in 1..=MAX_TTL {
            if let Answer::Reply(reply) = flow.answer(lab.truth(), ttl) {
                let responder = truth::unmapped(reply.responder);
                answers.insert((*target, ttl), (responder, reply.kind.name().to_owned()));
            }
        }
    }
    answers
}

/// What a sweep wrote.
fn found(replies: &[Reply]) -> Answers {
    let mut answers = Answers::new();
    for reply in replies {
        let before = answers.insert(
            (reply.target, reply.ttl),
            (reply.responder, reply.kind.clone()),
        );
        assert_eq!(before, None, "{reply:?} came twice");
    }
    answers
}

/// Sends all probes of up to 20 hops to these targets.
pub(crate) fn sweep(lab: &InternetLab, targets: &[IpAddr], extra: &[&str]) -> Run {
    run(Probe::sweep(lab.vantage()), targets, extra)
}

/// The same, by whatever sweep this is.
pub(crate) fn run(sweep: Probe<'_>, targets: &[IpAddr], extra: &[&str]) -> Run {
    let list = tempfile::NamedTempFile::new().unwrap();
    let lines: String = targets.iter().map(|target| format!("{target}\n")).collect();
    fs::write(list.path(), lines).unwrap();
    let run = sweep
        .args(["--max-ttl", "20", "--timeout", "500ms", "--targets"])
        .args([list.path()])
        .args(extra)
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

pub(crate) fn assert_true(lab: &InternetLab, run: &Run, expected: &Answers) {
    let counters = run.counters().unwrap();
    let traffic = lab.traffic().unwrap();
    assert_eq!(traffic.get(Count::Probes), counters.sent);
    // What came back but for what the wire had no room for.
    let came_back = traffic.sent_back() - lab.lost_replies().unwrap();
    assert_eq!(came_back, counters.answered() + counters.ring_full);
    let found = found(&run.replies().unwrap());
    let wrong = found
        .iter()
        .filter(|(place, what)| expected.get(place) != Some(what));
    let wrong: Vec<_> = wrong.take(5).collect();
    assert!(
        wrong.is_empty(),
        "not what the internet answered: {wrong:?}"
    );
    assert_eq!(came_back - counters.ring_full, found.len() as u64);
    if counters.sent == counters.planned {
        assert_eq!(expected.len() as u64, traffic.sent_back());
    }
}

#[test]
fn a_million_probes_find_every_hop_and_nothing_else() {
    for (family, count) in [(Family::V4, 65_536), (Family::V6, 16_384)] {
        assert!(
            (0..3).any(|_| finds_every_hop(family, count)),
            "{family}: replies lost in each run"
        );
    }
}

/// Whether a sweep has every reply there is; what it has is right. A reader that gets
/// no processor for a third of a second finds its ring full.
fn finds_every_hop(family: Family, count: u32) -> bool {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let targets = targets(&lab, family, count);
    let run = sweep(&lab, &targets, &["--rate", "100k"]);
    assert_true(&lab, &run, &expected(&lab, &targets, Request::Echo));
    run.counters().unwrap().ring_full == 0
}

#[test]
fn at_full_speed_what_is_missing_is_in_a_counter() {
    for family in Family::ALL {
        let lab = InternetLab::build(Internet::DEFAULT).unwrap();
        let targets = targets(&lab, family, 16_384);
        let run = sweep(&lab, &targets, &["--rate", "max", "--tx-cores", "2"]);
        let expected = expected(&lab, &targets, Request::Echo);
        assert_true(&lab, &run, &expected);
    }
}

#[test]
fn each_protocol_and_family_is_answered_as_the_truth_says() {
    let internet = Internet {
        balanced: 0,
        ..Internet::DEFAULT
    };
    for (protocol, request) in [
        ("--icmp", Request::Echo),
        ("--udp", Request::Udp),
        ("--tcp", Request::Syn(80)),
    ] {
        for family in Family::ALL {
            let lab = InternetLab::build(internet).unwrap();
            let targets = targets(&lab, family, 500);
            let mut arguments = vec![protocol, "--rate", "50k"];
            if protocol == "--tcp" {
                arguments.push("--beyond-target");
            }
            let run = sweep(&lab, &targets, &arguments);
            let expected = expected(&lab, &targets, request);
            assert_true(&lab, &run, &expected);
        }
    }
}

#[test]
fn doubled_and_forged_replies_are_counted_as_such() {
    let internet = Internet {
        doubled: 100,
        forged: 100,
        ..Internet::DEFAULT
    };
    for family in Family::ALL {
        let lab = InternetLab::build(internet).unwrap();
        let targets = targets(&lab, family, 1_000);
        let run = sweep(&lab, &targets, &["--rate", "50k"]);
        let counters = run.counters().unwrap();
        let traffic = lab.traffic().unwrap();
        assert!(traffic.get(Count::Doubled) > 100 && traffic.get(Count::Forged) > 100);
        assert!(
            counters.duplicate > 0 && counters.bad_nonce >= traffic.get(Count::Forged),
            "{counters:#?}"
        );
        let of_duplicates = run
            .replies()
            .unwrap()
            .iter()
            .filter(|reply| reply.duplicate)
            .count();
        assert_eq!(of_duplicates as u64, counters.duplicate);
    }
}

#[test]
fn a_sweep_of_the_targets_alone_finds_the_live_ones() {
    for family in Family::ALL {
        let lab = InternetLab::build(Internet::DEFAULT).unwrap();
        let targets = targets(&lab, family, 4_096);
        let run = sweep_ping(&lab, &targets);
        let replies = run.replies().unwrap();
        assert!(
            replies
                .iter()
                .all(|reply| reply.kind == "echo-reply" && reply.ttl == 64)
        );
        let expected = expected(&lab, &targets, Request::Echo);
        let alive = targets.iter().filter(|target| {
            expected
                .get(&(**target, MAX_TTL))
                .is_some_and(|(responder, _)| responder == *target)
        });
        assert_eq!(replies.len(), alive.count());
        assert_eq!(run.counters().unwrap().sent, 4_096);
    }
}

fn sweep_ping(lab: &InternetLab, targets: &[IpAddr]) -> Run {
    let lines: String = targets.iter().map(|target| format!("{target}\n")).collect();
    let probe = Probe::sweep(lab.vantage()).args(["--ping", "--rate", "50k", "--targets", "-"]);
    probe.input(&lines).run().unwrap()
}

#[test]
fn nothing_is_kept_of_what_was_answered() {
    for family in Family::ALL {
        let lab = InternetLab::build(Internet {
            dead: 0,
            silent: 0,
            ..Internet::DEFAULT
        })
        .unwrap();
        let targets = targets(&lab, family, 2_000);
        let run = sweep(&lab, &targets, &["--rate", "50k"]);
        assert_clean(&run);
    }
}
