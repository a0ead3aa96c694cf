//! The rate, and what bounds a run.

use std::{
    iter, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, InternetLab, Lab},
    probe::{Probe, Run},
};

use crate::{BACK_ENDS, generator::ALL_ALIVE};

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
        // A host that stalls sends less, and says so; none sends more.
        assert!(sent_rate <= asked * 1.01, "{sent_rate} of {asked}");
        let sent = metadata.counters.sent as f64;
        let allowed = sent_rate * (1.0 + shortfall(&run) as f64 / sent);
        assert!(allowed >= asked * 0.95, "{sent_rate} of {asked}");
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
        assert_eq!(counters.sent, counters.answered());
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

/// What a sweep owes second by second that is stopped for 60 ms, twice: 2,400 probes.
fn owed_after_stops(tx: &str, family: Family) -> Vec<u64> {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let status = tempfile::NamedTempFile::new().unwrap();
    let running = Probe::sweep(lab.vantage())
        .args(["--ping", "--timeout", "100ms", "--tx", tx])
        .args(["--rate", "20k", "--max-probes", "160000"])
        .args(["--format", "none", &lab.network(family, 18)])
        .args(["--status-file"])
        .args([status.path()])
        .start()
        .unwrap();
    for _ in 0..2 {
        thread::sleep(Duration::from_secs(1));
        running.signal(Signal::SIGSTOP).unwrap();
        thread::sleep(Duration::from_millis(60));
        running.signal(Signal::SIGCONT).unwrap();
    }
    let run = running.wait().unwrap();
    assert_eq!(run.counters().unwrap().sent, 160_000);
    crate::status::column(status.path(), "shortfall")
}

#[test]
fn what_a_stall_costs_is_made_up_for() {
    for (tx, family) in &BACK_ENDS[..2] {
        let is_paid = |_| {
            let owed = owed_after_stops(tx, *family);
            println!("{tx}: {owed:?}");
            let pairs = owed.windows(2);
            let paid = pairs.map(|pair| pair[0].saturating_sub(pair[1]));
            paid.sum::<u64>() >= 1_200
        };
        // A busy host owes more with each second.
        assert!((0..3).any(is_paid), "{tx}");
    }
}

/// Probes that were allowed and did not leave in time, the sweep says.
fn shortfall(run: &Run) -> u64 {
    run.metadata().unwrap().sweep.as_ref().unwrap().shortfall
}

#[test]
fn no_signal_lifts_the_rate_above_what_bounds_it() {
    for (tx, family) in BACK_ENDS {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let mut running = Probe::people(lab.vantage(), "sweep")
            .args(["--allow-private", "--ttl", "1", "--tx", tx, "--rate", "4k"])
            .args(["--hop-rate", "1k", &lab.network(family, 16)])
            .start()
            .unwrap();
        running.wait_for_lines(100).unwrap();
        let (faster, slower) = (Signal::SIGUSR1, Signal::SIGUSR2);
        for (told, signal) in (1..).zip([faster, slower, faster, faster]) {
            running.signal(signal).unwrap();
            running.wait_until_told("the rate is ", told).unwrap();
        }
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        let lines = run.stderr.lines();
        let rates: Vec<_> = lines
            .filter_map(|line| line.split_once("the rate is "))
            .map(|(_, rate)| rate)
            .collect();
        let bounded = "1000/s now, as much as --hop-rate allows";
        let expected = [bounded, "950/s now", "998/s now", bounded];
        assert_eq!(rates, expected, "{tx} {family}");
        let rate = run.metadata().unwrap().sweep.as_ref().unwrap().rate;
        assert_eq!(rate, Some(1_000));
    }
}

#[test]
fn no_round_is_waited_for_after_the_last() {
    let interval = Duration::from_secs(20);
    for (tx, family) in BACK_ENDS {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let begin = Instant::now();
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--round-interval", "20s", "--timeout", "100ms"])
            .args(["--tx", tx, "--max-probes", "1000000"])
            .args(["--targets", "-"])
            .input(&format!("{}\n", lab.gateway(family)))
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(begin.elapsed() < interval, "{tx} {family}");
        assert_eq!(run.counters().unwrap().planned, 1);
    }
}

#[test]
fn time_between_rounds_is_no_shortfall() {
    for (tx, family) in BACK_ENDS {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let targets: String = crate::generator::targets(&lab, family, 100)
            .iter()
            .map(|target| format!("{target}\n"))
            .collect();
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--probes", "3", "--round-interval", "1s"])
            .args(["--rate", "100k", "--timeout", "100ms", "--tx", tx])
            .args(["--targets", "-"])
            .input(&targets)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.counters().unwrap().planned, 300);
        // Two seconds would be 200,000; a busy host may stall for some time.
        assert!(
            shortfall(&run) < 150_000,
            "{tx} {family}: {}",
            shortfall(&run)
        );
    }
}

#[test]
fn a_bound_on_time_is_kept_to_parts_of_a_second() {
    for (tx, family) in BACK_ENDS {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let sent = || {
            let run = Probe::sweep(lab.vantage())
                .args(["--ping", "--rate", "10k", "--max-runtime", "200ms"])
                .args(["--timeout", "100ms", "--tx", tx, &lab.network(family, 16)])
                .run()
                .unwrap();
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            run.counters().unwrap().sent
        };
        // A whole second would be 10,000. A busy host may look at the time too late.
        let runs: Vec<u64> = iter::repeat_with(sent).take(3).collect();
        assert!(
            runs.iter().any(|sent| (1..8_000).contains(sent)),
            "{tx} {family}: {runs:?}"
        );
    }
}
