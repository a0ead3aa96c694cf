//! More than one interface to leave by.

use probe_tests::{
    lab::{
        Family, Lab,
        address::{Side, of_link},
    },
    probe::Probe,
};

use crate::BACK_ENDS;

/// Probes leave by this one; replies come back by `b1`.
fn leave_by(lab: &Lab, router: &str) {
    for family in Family::ALL {
        let bits = if family == Family::V4 { 32 } else { 128 };
        let [us, target] = ["vantage", "target"].map(|name| lab.address(family, name).unwrap());
        let link = lab.topology().link("vantage", router).unwrap();
        let gateway = of_link(family, link, Side::Far);
        let out = format!("route replace {target}/{bits} src {us} via {gateway} dev {router}");
        lab.vantage().ip([out]).unwrap();
        let link = lab.topology().link("b1", "target").unwrap();
        let back = of_link(family, link, Side::Near);
        let back = format!("route replace {us}/{bits} via {back} dev b1");
        lab.target().ip([back]).unwrap();
    }
}

#[test]
fn an_interface_that_no_probe_leaves_by_any_more_may_go_down() {
    for (tx, family) in BACK_ENDS {
        let lab = Lab::parse("vantage (a1 | b1) target").build().unwrap();
        leave_by(&lab, "a1");
        let target = lab.address(family, "target").unwrap();
        let mut running = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "500", "--probes", "100000"])
            .args(["--round-interval", "0", "--tx", tx])
            .to(target)
            .start()
            .unwrap();
        running.wait_for_lines(50).unwrap();
        leave_by(&lab, "b1");
        let lines = running.lines().unwrap().len();
        running.wait_for_lines(lines + 500).unwrap();
        lab.vantage().ip(["link set a1 down"]).unwrap();
        let lines = running.lines().unwrap().len();
        running.wait_for_lines(lines + 500).unwrap();
        // The one that they leave by now may not.
        lab.vantage().ip(["link set b1 down"]).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{family} {tx}: {}", run.stderr);
        assert!(run.stderr.contains("b1 went down"), "{}", run.stderr);
    }
}
