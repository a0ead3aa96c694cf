//! Ports of the target that answer with data, or say that they are closed.

use std::time::Duration;

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::Probe,
};

use crate::{FAST, chains::assert_clean};

#[test]
fn a_closed_port_says_so() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::trace(lab.vantage()).args(["--udp"]).args(FAST);
        let run = probe.to(target).run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!(
            (run.code, trace.last_word()),
            (Some(0), Some("port-unreachable"))
        );
        assert_clean(&run);
    }
}

#[test]
fn an_open_port_is_the_target_with_a_plausible_time() {
    let delay = Duration::from_millis(5);
    let lab = Lab::chain(2)
        .wire("r2", "target", Wire::delay(delay))
        .build()
        .unwrap();
    let _service = lab.echo_udp(7).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::trace(lab.vantage()).args(["--udp", "--port", "7"]);
        // Farther apart than a wire that is held up is late.
        let run = probe.args(["--interval", "300ms"]).to(target);
        let run = run.run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!(
            (run.code, trace.last_word()),
            (Some(0), Some("udp-reply")),
            "{family}"
        );
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(trace.addresses().unwrap(), expected);
        assert!(trace.losses().is_empty(), "{trace:#?}");
        // No probe is given the answer of another.
        let rtt = trace.hops[2].rtt_ns.unwrap();
        assert_eq!(rtt.count, 3);
        assert!(rtt.shortest() >= 2 * delay, "{rtt:?}");
        assert!(Duration::from_nanos(rtt.max) < 50 * delay, "{rtt:?}");
    }
}
