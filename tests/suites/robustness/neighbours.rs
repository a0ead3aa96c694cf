//! The next hop moves to another Ethernet address.

use std::{thread, time::Duration};

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

use crate::CONTINUOUS;

/// The kernel believes a new address only so long after the last (`locktime`).
const LOCK_TIME: Duration = Duration::from_millis(1500);

/// Pings across a router whose address changes after a while, and returns how many replies
/// were lost.
fn lost_while_moving(lab: &Lab, family: Family, after: Duration) -> u64 {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(CONTINUOUS);
    let mut running = probe
        .args(["--timeout", "500ms"])
        .to(target)
        .start()
        .unwrap();
    running.wait_for_lines(20).unwrap();
    thread::sleep(after);
    let router = lab.node("r1").unwrap();
    router
        .ip(["link set vantage address 02:00:00:00:77:77"])
        .unwrap();
    let before = running.lines().unwrap().len();
    running.wait_for_lines(before + 100).unwrap();
    running.signal(Signal::SIGINT).unwrap();
    let run = running.wait().unwrap();
    assert_eq!(run.code, Some(0), "{family}: {}", run.stderr);
    let ping = run.ping().unwrap();
    ping.sent - ping.received
}

#[test]
fn a_neighbour_that_announces_its_new_address_is_followed() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let router = lab.node("r1").unwrap();
        let announce = [
            ("ipv4/conf/vantage/arp_notify", "1"),
            ("ipv6/conf/vantage/ndisc_notify", "1"),
        ];
        router.sysctl(&announce).unwrap();
        let lost = lost_while_moving(&lab, family, LOCK_TIME);
        // Those on their way, and those until the announcement.
        assert!(lost < 50, "{family}: {lost} lost");
    }
}

#[test]
fn a_neighbour_that_moves_in_silence_is_followed_once_the_kernel_would() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let directory = if family == Family::V4 { "ipv4" } else { "ipv6" };
        for (name, value) in [
            ("base_reachable_time_ms", "500"),
            ("delay_first_probe_time", "1"),
            ("retrans_time_ms", "100"),
        ] {
            let path = format!("{directory}/neigh/r1/{name}");
            lab.vantage().sysctl(&[(&path, value)]).unwrap();
        }
        // By then the kernel has long forgotten that the neighbour was of use.
        lost_while_moving(&lab, family, 3 * LOCK_TIME);
    }
}
