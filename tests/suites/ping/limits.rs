//! Targets that answer only so often.

use std::time::Duration;

use probe_tests::{
    lab::{Family, Lab},
    probe::{Ping, Probe, repeat_while},
};

/// Two tokens come in this time, and the second is not seen to.
const HELD_UP: Duration = Duration::from_millis(250);

/// Datagrams to a closed port: port unreachable is among what Linux limits.
fn ping(lab: &Lab, family: Family, arguments: &[&str]) -> Ping {
    let target = lab.address(family, "target").unwrap();
    let probe = || Probe::ping(lab.vantage()).args(["--udp", "--interval", "20ms"]);
    let run = || probe().args(arguments).args(crate::SOON).to(target).run();
    repeat_while(
        |ping: &Ping| ping.held_up() > HELD_UP,
        |_| run().unwrap().ping().unwrap(),
    )
}

#[test]
fn a_target_that_limits_its_icmp_is_told_from_loss_and_respected() {
    let lab = Lab::chain(1).default_icmp_limits().build().unwrap();
    let faster = [
        ("ipv4/icmp_ratelimit", "125"),
        ("ipv6/icmp/ratelimit", "125"),
    ];
    lab.target().sysctl(&faster).unwrap();
    // Kernels that give wider prefixes more make no difference to this route.
    let vantage = lab.address(Family::V6, "vantage").unwrap();
    let prefix = format!("{vantage}/128");
    lab.route_to("vantage", Family::V6, &prefix).unwrap();
    for family in Family::ALL {
        let ping = |arguments: &[&str]| ping(&lab, family, arguments);
        let pressed = ping(&["--count", "400"]);
        let limit = pressed.rate_limit.unwrap();
        println!("{family}: {limit:?}");
        assert!((limit.per_second / 8.0 - 1.0).abs() < 0.1, "{limit:?}");
        assert_eq!(
            (pressed.loss.unanswered, pressed.loss.ratio),
            (0, Some(0.0))
        );
        assert_eq!(pressed.causes.keys().collect::<Vec<_>>(), ["rate_limited"]);
        let respected = ping(&["--count", "200", "--respect-limits"]);
        let limit = respected.rate_limit.unwrap();
        // Nine tenths of the rate.
        let interval = limit.interval_ns.unwrap() as f64 / 1e9;
        assert!((interval * 8.0 * 0.9 - 1.0).abs() < 0.1, "{limit:?}");
        assert_eq!(respected.sent, 200);
        // Until it was found, 50 were sent a second, and 8 answered.
        assert!(respected.received > 100, "{respected:?}");
    }
}
