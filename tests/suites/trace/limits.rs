//! Routers that answer only so often.

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

#[test]
fn a_rate_limit_is_not_called_loss_of_the_path() {
    let lab = Lab::chain(3).default_icmp_limits().build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--rounds", "50", "--queries", "1", "--interval", "20ms"];
        let probe = Probe::trace(lab.vantage()).args(arguments);
        let run = probe.args(crate::SOON).to(target).run().unwrap();
        let trace = run.trace().unwrap();
        assert_eq!((run.code, trace.stop.as_str()), (Some(0), "target"));
        let losses: Vec<_> = trace.hops.iter().map(|hop| hop.loss).collect();
        assert!(
            losses.iter().all(|loss| loss.unanswered == 0),
            "{family}: {losses:?}"
        );
        assert!(
            losses.iter().all(|loss| loss.ratio == 0.0),
            "{family}: {losses:?}"
        );
        assert!(
            losses[..3].iter().all(|loss| loss.rate_limited > 0),
            "{family}: {losses:?}"
        );
        assert_eq!(losses[3].rate_limited, 0);
        let expected = lab.path(family).unwrap().addresses().unwrap();
        assert_eq!(trace.addresses().unwrap(), expected);
    }
}

#[test]
fn a_table_says_rate_limited() {
    let lab = Lab::chain(2).default_icmp_limits().build().unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    let arguments = [
        "-n",
        "--rounds",
        "20",
        "--queries",
        "1",
        "--interval",
        "20ms",
    ];
    let probe = Probe::people(lab.vantage(), "trace").args(arguments);
    let table = probe.args(crate::SOON).to(target).run().unwrap().stdout;
    assert!(
        table.contains("rate-limited") || table.contains("rate limited"),
        "{table}"
    );
}
