//! SYNs: one at a time to a target, and none beyond it.

use std::{collections::BTreeSet, time::Duration};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::Probe,
};

use crate::assert_clean;

#[test]
fn an_open_port_far_away_is_never_called_closed() {
    let lab = Lab::chain(2)
        .wire("r2", "target", Wire::delay(Duration::from_millis(20)))
        .build()
        .unwrap();
    let _service = lab.listen_tcp(80).unwrap();
    // A reset that comes late makes it answer twice.
    let once = [("ipv4/tcp_synack_retries", "0")];
    lab.target().sysctl(&once).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--tcp", "--max-ttl", "12", "--rate", "max"])
            .args(["--beyond-target", "--timeout", "2s"])
            .to(target)
            .run()
            .unwrap();
        let replies = run.replies().unwrap();
        let of_target = replies.iter().filter(|reply| reply.responder == target);
        let kinds: BTreeSet<_> = of_target.map(|reply| reply.kind.as_str()).collect();
        assert_eq!(kinds, ["syn-ack"].into(), "{family}: {}", run.stderr);
        assert_eq!(replies.len(), 12);
        assert_clean(&run);
    }
}

#[test]
fn no_syn_goes_beyond_a_target_that_has_answered() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--tcp", "--max-ttl", "30", "--rate", "100"])
            .to(target)
            .run()
            .unwrap();
        let counters = run.counters().unwrap();
        let spared = counters.skipped["target_reached"];
        assert!(spared > 0, "{counters:#?}");
        assert_eq!(counters.planned, 30);
        assert_eq!(counters.sent, 30 - spared);
        assert_clean(&run);
    }
}
