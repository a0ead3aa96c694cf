//! The delay responder: every reply held long enough, and stamped on both sides.

use std::time::Duration;

use probe_tests::lab::{DelayResponder, Family, HoldTime, HoldTimes, Lab};

use crate::tools::ping;

fn shortest_ns(times: &HoldTimes) -> u64 {
    let holds = times.holds.iter().map(|hold| hold.out_ns - hold.in_ns);
    holds.min().unwrap_or(0)
}

#[test]
fn holds_are_as_long_as_programmed_and_none_is_missing() {
    let programmed = Duration::from_millis(2);
    // Directly behind the vantage point, and behind two routers.
    for node in ["vantage", "r2"] {
        let lab = Lab::chain(2).build().unwrap();
        for family in Family::ALL {
            let hold = HoldTime::Fixed(programmed);
            let responder = DelayResponder::attach(&lab, node, hold).unwrap();
            for host in [1, 0x1234] {
                let address = responder.address(family, host);
                let replies = ping(&lab, address, 100, &["-i", "0.002"]).unwrap();
                assert_eq!(replies.received, 100, "{address}");
                let millis = programmed.as_secs_f64() * 1e3;
                assert!(replies.shortest_ms.unwrap() >= millis, "{replies:?}");
            }
            let times = responder.finish().unwrap();
            assert_eq!(times.requests, 200);
            assert_eq!((times.unpaired, times.ring_full), (0, 0));
            assert_eq!(times.holds.len(), 200);
            assert!(Duration::from_nanos(shortest_ns(&times)) >= programmed);
        }
    }
}

#[test]
fn uniform_holds_spread_over_their_range() {
    let lab = Lab::chain(0).build().unwrap();
    let (short, long) = (Duration::from_millis(1), Duration::from_millis(9));
    let hold = HoldTime::Uniform {
        range: short..=long,
        seed: 3,
    };
    let responder = DelayResponder::attach(&lab, "vantage", hold).unwrap();
    let address = responder.address(Family::V4, 1);
    assert_eq!(
        ping(&lab, address, 200, &["-i", "0.002"]).unwrap().received,
        200
    );
    let times = responder.finish().unwrap();
    assert_eq!(times.holds.len(), 200);
    assert!(Duration::from_nanos(shortest_ns(&times)) >= short);
    let middle = (short + long) / 2;
    let held_longer = |hold: &&_| Duration::from_nanos(length_ns(hold)) > middle;
    let longer = times.holds.iter().filter(held_longer).count();
    assert!(
        longer > 40,
        "{longer} of 200 were held longer than the middle"
    );
}

fn length_ns(hold: &probe_common::abi::lab::Hold) -> u64 {
    hold.out_ns - hold.in_ns
}

#[test]
fn nothing_is_lost_under_a_flood() {
    let lab = Lab::chain(0).build().unwrap();
    let hold = HoldTime::Fixed(Duration::ZERO);
    let responder = DelayResponder::attach(&lab, "vantage", hold).unwrap();
    let address = responder.address(Family::V4, 1);
    let replies = ping(&lab, address, 20_000, &["-f", "-l", "64"]).unwrap();
    assert_eq!(replies.received, 20_000);
    let times = responder.finish().unwrap();
    assert_eq!(times.requests, 20_000);
    assert_eq!((times.unpaired, times.ring_full), (0, 0));
    assert_eq!(times.holds.len(), 20_000);
}

#[test]
fn a_probe_finds_its_hold_by_its_stamps() {
    let hold = |in_ns, out_ns| probe_common::abi::lab::Hold {
        in_ns,
        out_ns,
        target_low: [0; 8],
        identifier: 0,
        sequence: 0,
        reserved: 0,
    };
    let times = HoldTimes {
        holds: vec![hold(110, 150), hold(210, 260)],
        requests: 2,
        unpaired: 0,
        ring_full: 0,
    };
    assert_eq!(times.of_probe(100, 160), Some(&hold(110, 150)));
    assert_eq!(times.of_probe(200, 270), Some(&hold(210, 260)));
    assert_eq!(
        times.of_probe(200, 255),
        None,
        "the reply came before it left"
    );
    assert_eq!(times.of_probe(300, 400), None);
}
