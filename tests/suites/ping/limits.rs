//! Targets that answer only so often.

use std::time::Duration;

use probe_tests::{
    lab::{Family, Lab},
    probe::{Ping, Probe, RateLimit, repeat_while},
};

/// Two tokens come in this time, and the second is not seen to.
const HELD_UP: Duration = Duration::from_millis(250);

/// Datagrams to a closed port: port unreachable is among what Linux limits.
///
/// Anew, if the run was held up and what was found is not right.
fn ping(lab: &Lab, family: Family, arguments: &[&str], is_right: impl Fn(&Ping) -> bool) -> Ping {
    let target = lab.address(family, "target").unwrap();
    let probe = || Probe::ping(lab.vantage()).args(["--udp", "--interval", "20ms"]);
    let run = || probe().args(arguments).args(crate::SOON).to(target).run();
    repeat_while(
        |ping: &Ping| ping.held_up() > HELD_UP && !is_right(ping),
        |_| run().unwrap().ping().unwrap(),
    )
}

fn is_eight_a_second(limit: RateLimit) -> bool {
    (limit.per_second / 8.0 - 1.0).abs() < 0.1
}

/// Whether so many are sent as nine tenths of that.
fn is_nine_tenths_of_it(limit: RateLimit) -> bool {
    let is_close = |interval: u64| (interval as f64 / 1e9 * 8.0 * 0.9 - 1.0).abs() < 0.1;
    limit.interval_ns.is_some_and(is_close)
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
        let is_found = |ping: &Ping| ping.rate_limit.is_some_and(is_eight_a_second);
        let pressed = ping(&lab, family, &["--count", "400"], is_found);
        println!("{family}: {:?}", pressed.rate_limit);
        assert!(is_found(&pressed), "{pressed:?}");
        assert_eq!(
            (pressed.loss.unanswered, pressed.loss.ratio),
            (0, Some(0.0))
        );
        assert_eq!(pressed.causes.keys().collect::<Vec<_>>(), ["rate_limited"]);
        let is_respected = |ping: &Ping| ping.rate_limit.is_some_and(is_nine_tenths_of_it);
        let arguments = ["--count", "200", "--respect-limits"];
        let respected = ping(&lab, family, &arguments, is_respected);
        assert!(is_respected(&respected), "{respected:?}");
        assert_eq!(respected.sent, 200);
        // Until it was found, 50 were sent a second, and 8 answered.
        assert!(respected.received > 100, "{respected:?}");
    }
}
