//! A queueing discipline that drops behind the stamp.

use probe_tests::{
    lab::{Family, Lab},
    probe::{Ping, Probe, Run},
};

const FLOOD: [&str; 4] = ["--count", "1000", "--interval", "200us"];
/// Two or three probes, then a hundred a second.
const SHALLOW: &str = "tbf rate 64kbit burst 200 limit 200";

#[track_caller]
fn assert_told_apart(run: &Run, ping: &Ping) {
    let counters = run.counters().unwrap();
    assert!(counters.dropped_after_stamp > 0, "{counters:#?}");
    assert!(counters.valid > 0, "{counters:#?}");
    assert_eq!(
        ping.loss.never_sent, counters.dropped_after_stamp,
        "{ping:?}"
    );
    assert_eq!(ping.loss.unanswered, counters.unanswered, "{ping:?}");
    assert_eq!((counters.planned, counters.never_stamped()), (1000, 0));
    // What never left is no loss of the path.
    assert_eq!((counters.unanswered, ping.loss.ratio), (0, Some(0.0)));
}

#[test]
fn what_a_token_bucket_drops_was_never_sent() {
    for protocol in crate::PROTOCOLS {
        let lab = Lab::chain(1).build().unwrap();
        let targets = Family::ALL.map(|family| lab.address(family, "target").unwrap());
        // The neighbour is asked for before its answer could be dropped.
        for target in targets {
            Probe::ping(lab.vantage())
                .args(["-c", "1"])
                .to(target)
                .run()
                .unwrap();
        }
        lab.qdisc("vantage", "r1", SHALLOW).unwrap();
        for target in targets {
            let probe = Probe::ping(lab.vantage()).args(FLOOD).args([protocol]);
            let run = probe.args(crate::SOON).to(target).run().unwrap();
            assert_told_apart(&run, &run.ping().unwrap());
        }
    }
}

#[test]
fn what_is_dropped_on_a_device_without_ethernet_header_was_never_sent() {
    let lab = Lab::chain(1).tunnel("vantage", "r1").build().unwrap();
    lab.qdisc("vantage", "r1", SHALLOW).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(FLOOD).args(crate::SOON);
        let run = probe.to(target).run().unwrap();
        assert_told_apart(&run, &run.ping().unwrap());
    }
}

#[test]
fn what_a_router_drops_is_unanswered() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let target = lab.address(family, "target").unwrap();
        Probe::ping(lab.vantage())
            .args(["-c", "1"])
            .to(target)
            .run()
            .unwrap();
        lab.qdisc("r1", "target", SHALLOW).unwrap();
        let probe = Probe::ping(lab.vantage()).args(FLOOD).args(crate::SOON);
        let run = probe.to(target).run().unwrap();
        let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
        assert_eq!(counters.dropped_after_stamp, 0);
        assert!(ping.loss.unanswered > 0 && ping.received > 0, "{ping:?}");
        assert_eq!(ping.loss.unanswered + ping.received, 1000);
        // It looks like a token bucket, for it is one; but echo replies are not what hosts limit.
        assert_eq!(ping.causes.get("path"), Some(&ping.loss.unanswered));
        let run = Probe::trace(lab.vantage())
            .args(["--rounds", "1000", "--queries", "1", "--interval", "2ms"])
            .args(crate::SOON)
            .to(target)
            .run()
            .unwrap();
        let last = run.trace().unwrap().hops.pop().unwrap();
        let lost = last.sent - last.received;
        assert!(lost > 100, "{last:?}");
        assert_eq!(last.causes.get("path"), Some(&lost), "{last:?}");
    }
}
