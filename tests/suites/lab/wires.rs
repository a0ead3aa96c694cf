//! Wires that delay, lose and double, and links without Ethernet header.

use std::time::{Duration, Instant};

use probe_tests::lab::{Family, Lab, Wire};

use crate::{
    services::exchange,
    tools::{addresses, ping, traceroute},
};

#[test]
fn a_wire_delays_by_no_less_than_programmed() {
    let delay = Duration::from_millis(5);
    let lab = Lab::chain(1)
        .wire("r1", "target", Wire::delay(delay))
        .build()
        .unwrap();
    let round_trip_ms = 2.0 * delay.as_secs_f64() * 1e3;
    for family in Family::ALL {
        let target = ping(
            &lab,
            lab.address(family, "target").unwrap(),
            20,
            &["-i", "0.01"],
        )
        .unwrap();
        assert_eq!(target.received, 20, "{family}");
        assert!(
            target.shortest_ms.unwrap() >= round_trip_ms,
            "{family}: {target:?}"
        );
        let expected = lab.path(family).unwrap().addresses().unwrap();
        let seen = traceroute(&lab, family, &["-I"]).unwrap();
        assert_eq!(addresses(&seen).unwrap(), expected, "{family}");
    }
}

#[test]
fn a_wire_keeps_checksums_right() {
    let wire = Wire::delay(Duration::from_millis(1));
    let lab = Lab::chain(0)
        .wire("vantage", "target", wire)
        .build()
        .unwrap();
    let _echo = lab.echo_udp(7).unwrap();
    let _open = lab.listen_tcp(80).unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        assert_eq!(exchange(&lab, target).unwrap(), b"hello");
        let started = Instant::now();
        lab.vantage()
            .enter(|| Ok(std::net::TcpStream::connect((target, 80))?))
            .unwrap();
        assert!(started.elapsed() >= Duration::from_millis(2), "{family}");
    }
}

#[test]
fn a_wire_loses_and_doubles() {
    let still = Wire::delay(Duration::ZERO);
    let lab = Lab::chain(0)
        .wire("vantage", "target", still.loss(1.0))
        .build()
        .unwrap();
    let target = lab.address(Family::V4, "target").unwrap();
    assert_eq!(
        ping(&lab, target, 3, &["-i", "0.01", "-W", "1"])
            .unwrap()
            .received,
        0
    );

    let lab = Lab::chain(0)
        .wire("vantage", "target", still.duplicates(1.0))
        .build()
        .unwrap();
    let replies = ping(&lab, target, 5, &["-i", "0.01"]).unwrap();
    assert_eq!(replies.received, 5);
    assert!(replies.duplicates > 0, "{replies:?}");

    let lab = Lab::chain(0)
        .wire("vantage", "target", still.loss(0.5).seed(7))
        .build()
        .unwrap();

    let received = ping(&lab, target, 200, &["-i", "0.01", "-W", "1"])
        .unwrap()
        .received;
    assert!((1..200).contains(&received), "{received} of 200");
}

#[test]
fn a_tunnel_has_no_ethernet_header_and_is_one_hop() {
    for (a, b) in [("vantage", "r1"), ("r1", "r2"), ("r2", "target")] {
        let lab = Lab::chain(2).tunnel(a, b).build().unwrap();
        let device = lab
            .node(a)
            .unwrap()
            .run("ip", &["link", "show", b])
            .unwrap();
        assert!(device.contains("link/none"), "{device}");
        for family in Family::ALL {
            let expected = lab.path(family).unwrap().addresses().unwrap();
            let seen = traceroute(&lab, family, &["-I"]).unwrap();
            assert_eq!(addresses(&seen).unwrap(), expected, "{a}-{b} {family}");
        }
    }
}
