//! The rate, what bounds it, and what bounds a run.

use nix::sys::signal::Signal;
use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Reply},
};

use super::{ALL_ALIVE, BY_GENERATOR, assert_generated, section};

/// Few enough answers that nobody is busy with them, and enough to show when probes
/// left.
const MOST_DEAD: Internet = Internet {
    dead: 990,
    ..Internet::DEFAULT
};

/// From the first to the last probe that was answered, seconds.
fn span(replies: &[Reply]) -> f64 {
    let stamps = || replies.iter().filter_map(|reply| reply.tx_ns);
    (stamps().max().unwrap() - stamps().min().unwrap()) as f64 / 1e9
}

#[test]
fn the_rate_is_kept_exactly_but_for_stalls_which_are_told() {
    let lab = InternetLab::build(MOST_DEAD).unwrap();
    for (rate, lanes, family) in [
        (50_000, "1", Family::V6),
        (200_000, "1", Family::V4),
        (100_000, "2", Family::V6),
    ] {
        let asked = f64::from(rate);
        let run = Probe::sweep(lab.vantage())
            .args(["--ping", "--timeout", "300ms", &lab.network(family, 22)])
            .args(["--rate", &rate.to_string(), "--tx-cores", lanes])
            .args(["--max-probes", &(4 * rate).to_string()])
            .args(BY_GENERATOR)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_generated(&run);
        let sent = run.counters().unwrap().stamped;
        assert_eq!(sent, 4 * rate as u64);
        let span = span(&run.replies().unwrap());
        let (mean, shortfall) = (sent as f64 / span, section(&run).shortfall);
        // A host that stalls sends less; none sends more.
        assert!(mean <= asked * 1.01, "{mean} of {asked}");
        let allowed = (sent + shortfall) as f64 / span;
        // One of two lanes that has sent its part waits for the other.
        let is_told = lanes != "1" || allowed >= asked * 0.99;
        assert!(is_told, "{mean} of {asked}, short of {shortfall}");
    }
}

#[test]
fn signals_change_the_rate_while_it_runs() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    let mut running = Probe::people(lab.vantage(), "sweep")
        .args(["--allow-private", "--ping", "--rate", "2000", "10.0.0.0/12"])
        .args(BY_GENERATOR)
        .start()
        .unwrap();
    running.wait_for_lines(1_000).unwrap();
    for told in 1..=15 {
        running.signal(Signal::SIGUSR1).unwrap();
        running.wait_until_told("the rate is ", told).unwrap();
    }
    let lines = running.lines().unwrap().len();
    running.wait_for_lines(lines + 6_000).unwrap();
    running.signal(Signal::SIGINT).unwrap();
    let run = running.wait().unwrap();
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert_generated(&run);
    let mut told = run.stderr.lines().filter_map(|line| {
        let (_, rest) = line.split_once("the rate is ")?;
        rest.split_once("/s now")?.0.parse::<f64>().ok()
    });
    let last = told.next_back().unwrap();
    // Fifteen times a twentieth.
    assert!((last - 4_158.0).abs() < 10.0, "{}", run.stderr);
    let mut replies = run.replies().unwrap();
    replies.sort_by_key(|reply| reply.tx_ns);
    let after = &replies[lines + 500..];
    let rate = after.len() as f64 / span(after);
    let allowed = (after.len() as u64 + section(&run).shortfall) as f64 / span(after);
    // What a stall cost before may be made up for at 3 %.
    assert!(rate <= last * 1.04, "{rate} of {last}");
    assert!(allowed > last * 0.98, "{rate} of {last}");
}

#[test]
fn a_bound_on_probes_is_kept_exactly_by_all_lanes_together() {
    let lab = InternetLab::build(ALL_ALIVE).unwrap();
    for (lanes, family) in [("1", Family::V6), ("2", Family::V4)] {
        let run = Probe::sweep(lab.vantage())
            .args(["--rate", "max", "--max-ttl", "20", "--max-probes", "70001"])
            .args([
                "--format",
                "none",
                "--tx-cores",
                lanes,
                &lab.network(family, 16),
            ])
            .args(BY_GENERATOR)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_generated(&run);
        assert_eq!(run.counters().unwrap().planned, 70_001);
    }
}

#[test]
fn a_bound_on_time_ends_the_run_as_planned() {
    let lab = InternetLab::build(MOST_DEAD).unwrap();
    let run = Probe::sweep(lab.vantage())
        .args([
            "--ping",
            "--rate",
            "20k",
            "--max-runtime",
            "2s",
            &lab.network(Family::V6, 22),
        ])
        .args(BY_GENERATOR)
        .run()
        .unwrap();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_generated(&run);
    let sent = run.counters().unwrap().sent;
    assert!(sent > 1_000 && sent < 1 << 20, "{sent}");
}

#[test]
fn a_share_of_the_link_is_not_exceeded_and_the_user_is_told() {
    let lab = InternetLab::build(MOST_DEAD).unwrap();
    for (tx, family, octets) in [("xdp", Family::V4, 84), ("raw", Family::V6, 98)] {
        let run = Probe::people(lab.vantage(), "sweep")
            .args([
                "--allow-private",
                "--ping",
                "--rate",
                "max",
                &lab.network(family, 22),
            ])
            .args(["--max-share-of-link", "0.02", "--max-runtime", "2s"])
            .args(["--tx", tx])
            .run()
            .unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let rate = section(&run).rate.unwrap();
        // A veth says that it does 10 Gbit/s; an echo request takes so many octets of it.
        assert_eq!(rate, 10_000_000_000 / 5_000 / 8 / octets);
        let told = format!("{rate} probes/s are 0.02 % of the link's 10000 Mbit/s");
        assert!(run.stderr.contains(&told), "{}", run.stderr);
        assert!(run.stderr.contains("--max-share-of-link"), "{}", run.stderr);
        let counters = run.counters().unwrap();
        // Twice the time that it may take, for hosts that stall.
        assert!(counters.sent <= 4 * rate, "{counters:#?}");
    }
}
