//! What a sweep says of its stamps.

use probe_common::lab::Internet;
use probe_tests::{lab::InternetLab, probe::Probe};

#[test]
fn sockets_tell_how_late_the_kernel_stamped() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let run = Probe::sweep(lab.vantage())
        .args([
            "--ping",
            "--tx",
            "raw",
            "--rate",
            "20k",
            "--timeout",
            "300ms",
        ])
        .args(["10.0.0.0/20"])
        .run()
        .unwrap();
    let stamps = &run.metadata().unwrap().stamps[0];
    // There is a slot for each: none was given away again.
    let tx = stamps.user_minus_kernel_ns.tx.unwrap();
    assert_eq!(tx.count, run.counters().unwrap().stamped);
    assert!(tx.are_in_order() && tx.p50 > 0, "{tx:?}");
    assert_eq!(stamps.qdisc.as_deref(), Some("noqueue"));
    assert_eq!(stamps.tx_uncertainty_ns.map(|wait| wait.max), Some(0));
}

#[test]
fn the_generator_tells_how_long_probes_waited_for_their_batch() {
    let lab = InternetLab::build(Internet::DEFAULT).unwrap();
    let run = Probe::sweep(lab.vantage())
        .args(["--ping", "--tx", "xdp", "--tx-batch", "8", "--rate", "100k"])
        .args(["--timeout", "300ms", "10.0.0.0/18"])
        .run()
        .unwrap();
    let metadata = run.metadata().unwrap();
    let (stamps, span) = (
        &metadata.stamps[0],
        metadata.sweep.as_ref().unwrap().tx_span.unwrap(),
    );
    let wait = stamps.tx_uncertainty_ns.unwrap();
    assert_eq!((wait.mean, wait.max), (span.mean_ns, span.max_ns));
    assert!(wait.max >= wait.mean && wait.max > 0, "{wait:?}");
    assert_eq!(stamps.tx_uncertainty, "batch wait");
    assert_eq!(
        (stamps.qdisc.as_deref(), stamps.user_minus_kernel_ns.tx),
        (None, None)
    );
}
