//! The network changes under it.

use nix::sys::signal::Signal;
use probe_common::lab::Count;
use probe_tests::{
    lab::{Family, InternetLab},
    probe::{Probe, Running},
};

use super::{ALL_ALIVE, BY_GENERATOR, assert_generated, section};

/// A sweep of many targets that goes on for long.
fn start(lab: &InternetLab, family: Family, rate: &str, extra: &[&str]) -> Running {
    let mut running = Probe::sweep(lab.vantage())
        .args(["--ping", "--rate", rate, "--timeout", "300ms"])
        .args(BY_GENERATOR)
        .args(extra)
        .args([lab.network(family, 22)])
        .start()
        .unwrap();
    running.wait_for_lines(500).unwrap();
    running
}

#[test]
fn an_interface_that_goes_down_ends_the_sweep_with_what_was_measured() {
    for family in Family::ALL {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let running = start(&lab, family, "20k", &[]);
        lab.vantage()
            .ip([format!("link set {} down", InternetLab::DEVICE)])
            .unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("went down"), "{}", run.stderr);
        assert_generated(&run);
        let counters = run.counters().unwrap();
        assert!(counters.recorded >= 500, "{counters:#?}");
        assert_eq!(counters.sent, lab.traffic().unwrap().get(Count::Probes));
    }
}

/// The frames that came from a hardware address.
fn from(frames: &[Vec<u8>], mac: [u8; 6]) -> usize {
    frames.iter().filter(|frame| is_from(frame, mac)).count()
}

fn is_from(frame: &[u8], mac: [u8; 6]) -> bool {
    frame.get(6..12) == Some(&mac[..])
}

#[test]
fn probes_follow_a_gateway_that_has_another_hardware_address() {
    for family in Family::ALL {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let capture = lab.capture(family).unwrap();
        let network = &lab.network(family, 22);
        let mut running = Probe::sweep(lab.vantage())
            .args(["--ping", "--rate", "2k", "--no-consume", network])
            .args(BY_GENERATOR)
            .start()
            .unwrap();
        running.wait_for_lines(500).unwrap();
        let frames = capture.frames().unwrap();
        assert!(from(&frames, InternetLab::GATEWAY_MAC) >= 500);
        for last in [7, 8, 9] {
            let mac = [2, 0, 0, 0, 0, last];
            let (gateway, device) = (lab.gateway(family), InternetLab::DEVICE);
            let text = InternetLab::mac_text(mac);
            lab.vantage()
                .ip([format!(
                    "neigh replace {gateway} lladdr {text} dev {device} nud permanent"
                )])
                .unwrap();
            let mut frames = Vec::new();
            running
                .wait_until("400 probes to it", |_| {
                    frames.extend(capture.frames()?);
                    Ok(from(&frames, mac) >= 400)
                })
                .unwrap();
            // Once it is followed, no probe goes the old way.
            let first = frames.iter().position(|frame| is_from(frame, mac));
            let since = &frames[first.unwrap()..];
            assert_eq!(from(since, mac), since.len());
        }
        running.signal(Signal::SIGINT).unwrap();
        let run = running.wait().unwrap();
        assert_generated(&run);
        let counters = run.counters().unwrap();
        assert_eq!(counters.sent, counters.answered(), "{counters:#?}");
    }
}

#[test]
fn frames_that_the_driver_refuses_are_counted_as_dropped() {
    for (lanes, family) in [("1", Family::V6), ("2", Family::V4)] {
        let mut lab = InternetLab::build(ALL_ALIVE).unwrap();
        let running = start(
            &lab,
            family,
            "5k",
            &["--tx-cores", lanes, "--max-probes", "20001"],
        );
        let before = running.lines().unwrap().len() as u64;
        lab.vanish().unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_generated(&run);
        let counters = run.counters().unwrap();
        let arrived = lab.traffic().unwrap().get(Count::Probes);
        assert_eq!(counters.stamped, 20_001);
        assert!(counters.dropped_after_stamp > 0, "{counters:#?}");
        assert!(counters.sent >= before, "{counters:#?}");
        assert_eq!(counters.sent, arrived, "{counters:#?}");
        // All are of one TTL: its row says so too.
        let hops: Vec<_> = section(&run).hops.iter().map(|hop| hop.sent).collect();
        assert_eq!(hops, [counters.sent]);
    }
}

#[test]
fn frames_that_the_driver_refuses_are_failures_that_end_a_sweep_which_bounds_them() {
    for family in Family::ALL {
        let mut lab = InternetLab::build(ALL_ALIVE).unwrap();
        let bound = ["--max-send-failures", "100", "--max-probes", "400001"];
        let running = start(&lab, family, "20k", &bound);
        lab.vanish().unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("--max-send-failures"), "{}", run.stderr);
        assert_generated(&run);
        let counters = run.counters().unwrap();
        assert!(counters.dropped_after_stamp > 100, "{counters:#?}");
        assert_eq!(counters.sent, lab.traffic().unwrap().get(Count::Probes));
    }
}

#[test]
fn a_route_that_is_gone_leaves_probes_unsent_and_counted() {
    for family in Family::ALL {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let running = start(&lab, family, "20k", &["--max-probes", "60000"]);
        lab.vantage()
            .ip([format!("route add blackhole {}", lab.network(family, 21))])
            .unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert!(counters.skipped["no_route"] > 1_000, "{counters:#?}");
        assert_eq!(counters.stamped, 60_000);
        assert_eq!(counters.sent, counters.answered(), "{counters:#?}");
        assert_eq!(counters.sent, lab.traffic().unwrap().get(Count::Probes));
    }
}

#[test]
fn a_way_that_only_sockets_can_go_ends_the_sweep_and_loses_no_probe() {
    for family in Family::ALL {
        let lab = InternetLab::build(ALL_ALIVE).unwrap();
        let running = start(&lab, family, "5k", &[]);
        // No gateway: each host would have a hardware address of its own.
        lab.vantage()
            .ip([format!(
                "route add {} dev {}",
                lab.network(family, 21),
                InternetLab::DEVICE
            )])
            .unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("--tx raw"), "{}", run.stderr);
        assert_generated(&run);
        let counters = run.counters().unwrap();
        assert_eq!(counters.never_stamped(), 0, "{counters:#?}");
    }
}

#[test]
fn a_device_that_takes_nothing_is_left_alone_most_of_the_time() {
    for (lanes, family) in [("1", Family::V6), ("2", Family::V4)] {
        let mut lab = InternetLab::build(ALL_ALIVE).unwrap();
        let bound = [
            "--tx-cores",
            lanes,
            "--max-runtime",
            "3s",
            "--probes",
            "1000",
        ];
        let running = start(&lab, family, "200k", &bound);
        lab.vanish().unwrap();
        let run = running.wait().unwrap();
        assert_generated(&run);
        let counters = run.counters().unwrap();
        // What the rate allows would be far more, of some seconds.
        let refused = counters.dropped_after_stamp;
        assert!((1..30_000).contains(&refused), "{counters:#?}");
        assert_eq!(counters.sent, lab.traffic().unwrap().get(Count::Probes));
    }
}
