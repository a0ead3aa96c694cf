//! Replies that are none: each is counted under its name, and in no histogram.

use std::{thread, time::Duration};

use probe_tests::{
    lab::{Family, Lab},
    probe::{Echo, Forger, Probe, Run},
};

/// Five probes, each of which waits longer than a forger may be held up.
const FIVE: [&str; 6] = ["--count", "5", "--interval", "50ms", "--timeout", "2s"];

/// Pings a target that answers nothing itself; `answer` sends what it wants for
/// each request.
fn ping_answered_by(family: Family, answer: impl Fn(&Forger, &Echo)) -> Run {
    let lab = Lab::chain(0).build().unwrap();
    let forger = Forger::instead_of(lab.target(), "vantage").unwrap();
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(FIVE).args(["--replies"]);
    let running = probe.to(target).start().unwrap();
    for _ in 0..5 {
        answer(&forger, &forger.next_request().unwrap());
    }
    running.wait().unwrap()
}

#[track_caller]
fn assert_no_answer(run: &Run) {
    let ping = run.ping().unwrap();
    assert_eq!((run.code, ping.sent, ping.received), (Some(1), 5, 0));
    assert!(ping.rtt_ns.is_none() && ping.loss.unanswered == 5);
    assert!(run.replies().unwrap().is_empty());
    assert_eq!(run.counters().unwrap().valid, 0);
}

#[test]
fn right_replies_of_the_forger_are_valid() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            forger.send(&request.reply().unwrap());
        });
        let ping = run.ping().unwrap();
        assert_eq!((run.code, ping.received), (Some(0), 5), "{family}");
        assert_eq!(run.counters().unwrap().rejected(), 0);
    }
}

#[test]
fn a_reply_to_nobody_is_foreign() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            let reply = request.reply().unwrap();
            let stranger = request.identifier().wrapping_add(30_000);
            forger.send(&reply.with_identifier(stranger));
        });
        assert_no_answer(&run);
        assert_eq!(run.counters().unwrap().foreign, 5, "{family}");
    }
}

#[test]
fn a_slot_that_never_held_a_probe_is_foreign() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            let unused = request.sequence() + 1000;
            forger.send(&request.reply().unwrap().with_sequence(unused));
        });
        assert_no_answer(&run);
        assert_eq!(run.counters().unwrap().foreign, 5, "{family}");
    }
}

#[test]
fn a_wrong_nonce_is_a_bad_nonce() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            forger.send(&request.reply().unwrap().with_wrong_nonce());
        });
        assert_no_answer(&run);
        assert_eq!(run.counters().unwrap().bad_nonce, 5, "{family}");
    }
}

#[test]
fn a_forged_reply_does_not_take_the_place_of_the_right_one() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            let reply = request.reply().unwrap();
            forger.send(&reply.clone().with_wrong_nonce());
            thread::sleep(Duration::from_millis(5));
            forger.send(&reply);
        });
        let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
        assert_eq!((ping.received, counters.bad_nonce), (5, 5), "{family}");
        assert!(ping.rtt_ns.unwrap().shortest() >= Duration::from_millis(5));
    }
}

#[test]
fn a_second_reply_is_a_duplicate() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            let reply = request.reply().unwrap();
            forger.send(&reply);
            forger.send(&reply);
        });
        let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
        assert_eq!(
            (ping.received, ping.rtt_ns.unwrap().count),
            (5, 5),
            "{family}"
        );
        // With the first reply to the last probe the run is over.
        assert!(matches!(ping.duplicates, 4 | 5), "{family}: {ping:?}");
        assert_eq!(counters.duplicate, ping.duplicates);
    }
}

#[test]
fn a_truncated_reply_is_malformed_or_not_believed() {
    for family in Family::ALL {
        let run = ping_answered_by(family, |forger, request| {
            forger.send(&request.reply().unwrap().without_payload());
        });
        assert_no_answer(&run);
        assert_eq!(run.counters().unwrap().rejected(), 5, "{family}");
    }
}

/// A slot is given away once all the others of its shard have had their turn.
#[test]
fn a_reply_to_an_earlier_probe_of_the_slot_is_stale() {
    for family in Family::ALL {
        let lab = Lab::chain(0).build().unwrap();
        let forger = Forger::at(lab.target(), "vantage").unwrap();
        let target = lab.address(family, "target").unwrap();
        // All are used once, and all but a few again: there is time to forge meanwhile.
        let arguments = ["--count", "130000", "--interval", "0", "--timeout", "20ms"];
        let probe = Probe::ping(lab.vantage()).args(arguments);
        let running = probe.to(target).start().unwrap();
        let first = forger.next_request().unwrap();
        // Those of half the numbers that follow, those of the other half, and it is taken.
        let half = |request: &Echo| request.sequence().wrapping_sub(first.sequence()) >> 15;
        forger
            .next_request_that(|request| half(request) == 1)
            .unwrap();
        forger
            .next_request_that(|request| half(request) == 0)
            .unwrap();
        forger.send(&first.reply().unwrap());
        let run = running.wait().unwrap();
        let counters = run.counters().unwrap();
        assert_eq!(
            (counters.stale, counters.duplicate),
            (1, 0),
            "{family} {counters:#?}"
        );
        let ping = run.ping().unwrap();
        assert_eq!(ping.rtt_ns.unwrap().count, ping.received);
        assert_eq!(counters.valid, ping.received);
    }
}
