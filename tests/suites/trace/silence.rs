//! Routers that forward and say nothing.

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

use crate::{FAST, PROTOCOLS, SOON};

#[test]
fn a_silent_hop_is_shown_and_passed() {
    let lab = Lab::chain(4).build().unwrap();
    lab.silence("r2").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for protocol in PROTOCOLS {
            let probe = Probe::trace(lab.vantage()).args([protocol]).args(FAST);
            let run = probe.args(SOON).to(target).run().unwrap();
            let trace = run.trace().unwrap();
            assert_eq!((run.code, trace.stop.as_str()), (Some(0), "target"));
            let expected = lab.path(family).unwrap().addresses().unwrap();
            let expected: Vec<_> = expected.into_iter().map(Some).collect();
            let seen = trace.answering();
            assert_eq!(seen[0], expected[0], "{protocol} {family}");
            assert_eq!(seen[1], None, "{protocol} {family}");
            assert_eq!(seen[2..], expected[2..], "{protocol} {family}");
            let silent = &trace.hops[1];
            assert_eq!((silent.sent, silent.received), (3, 0));
            assert!(silent.rtt_ns.is_none() && silent.loss.ratio == Some(1.0));
            assert_eq!(trace.losses().len(), 1, "{trace:#?}");
        }
    }
}

#[test]
fn more_silent_hops_than_the_gap_limit_hide_the_target() {
    let lab = Lab::chain(4).build().unwrap();
    lab.silence("r2").unwrap();
    lab.silence("r3").unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for (limit, stop, hops) in [
            ("2", "gap-limit", 3),
            ("3", "target", 5),
            ("0", "target", 5),
        ] {
            let probe = Probe::trace(lab.vantage()).args(["--gap-limit", limit]);
            let run = probe.args(FAST).args(SOON).to(target).run().unwrap();
            let trace = run.trace().unwrap();
            assert_eq!(
                (trace.stop.as_str(), trace.hops.len()),
                (stop, hops),
                "{limit}"
            );
        }
    }
}
