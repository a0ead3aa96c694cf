//! The rate, and what bounds a run.

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

#[test]
fn the_rate_is_kept_and_credit_is_not_saved_up() {
    let lab = Lab::chain(1).build().unwrap();
    for (family, rate, rounds) in [(Family::V4, "1000", "100"), (Family::V6, "10k", "1000")] {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--first-ttl", "1", "--max-ttl", "20", "--rate", rate])
            .args([
                "--probes",
                rounds,
                "--round-interval",
                "0",
                "--format",
                "none",
            ])
            .to(target)
            .run()
            .unwrap();
        let metadata = run.metadata().unwrap();
        let asked = if rate == "1000" { 1_000.0 } else { 10_000.0 };
        let sent_rate = metadata.sent_rate;
        // A host that stalls sends less; none sends more.
        assert!(sent_rate <= asked * 1.01, "{sent_rate} of {asked}");
        assert!(sent_rate >= asked * 0.8, "{sent_rate} of {asked}");
    }
}

#[test]
fn a_bound_on_probes_is_kept_exactly() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::sweep(lab.vantage())
            .args([
                "--max-probes",
                "7",
                "--tx-cores",
                "2",
                "--max-ttl",
                "30",
                "--rate",
                "max",
            ])
            .to(target)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.counters().unwrap().sent, 7);
    }
}

#[test]
fn signals_change_the_rate_and_end_the_run() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let mut running = Probe::people(lab.vantage(), "sweep")
            .args(["--allow-private", "--rate", "100", "--probes", "1000"])
            .args(["--max-ttl", "2", "--round-interval", "0"])
            .to(target)
            .start()
            .unwrap();
        running.wait_for_lines(5).unwrap();
        running.signal(Signal::SIGUSR1).unwrap();
        running.wait_for_lines(10).unwrap();
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(130));
        assert!(run.stderr.contains("105/s"), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert_eq!(counters.sent, counters.valid);
        assert!(counters.sent < 2_000);
    }
}

#[test]
fn silence_cuts_a_run_short_that_asks_for_answers() {
    let lab = Lab::chain(1).build().unwrap();
    for network in ["10.250.0.0/24", "fd00:fa::/120"] {
        // A router without a route would say so.
        let hole = format!("route add blackhole {network}");
        lab.node("r1").unwrap().ip([hole]).unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "100", "--min-response-rate", "0.5"])
            .args(["--probes", "1000", network])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("--min-response-rate"), "{}", run.stderr);
    }
}
