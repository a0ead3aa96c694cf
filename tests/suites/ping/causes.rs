//! Each lost probe by its cause, in a network that has just that one.

use std::{collections::BTreeMap, thread, time::Duration};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::signal::Signal,
    unistd::Pid,
};
use probe_tests::{
    lab::{Family, Hook, Lab, Refusal, Wire},
    probe::{Counters, Ping, Probe, Run},
};

use crate::{PROTOCOLS, SOON};

const MANY: [&str; 4] = ["--count", "200", "--interval", "2ms"];

fn ping(lab: &Lab, family: Family, arguments: &[&str]) -> Run {
    let target = lab.address(family, "target").unwrap();
    let probe = Probe::ping(lab.vantage()).args(arguments);
    probe.to(target).run().unwrap()
}

/// The only cause, with as many probes as are lost.
#[track_caller]
fn assert_only(ping: &Ping, cause: &str) {
    let lost = ping.sent - ping.received;
    assert!(lost > 0, "{ping:?}");
    assert_eq!(ping.causes, BTreeMap::from([(cause.to_owned(), lost)]));
}

/// What this host is the cause of is what the run's counters say.
#[track_caller]
fn assert_as_counted(ping: &Ping, counters: &Counters) {
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in counters.failed.iter().chain(&counters.skipped) {
        counted.insert(name, *count);
    }
    counted.insert("dropped_after_stamp", counters.dropped_after_stamp);
    counted.insert("ring_full", counters.ring_full);
    for (name, count) in counted {
        assert_eq!(ping.causes.get(name).copied().unwrap_or(0), count, "{name}");
    }
}

#[test]
fn loss_of_a_link_is_the_paths() {
    let wire = Wire::delay(Duration::ZERO).loss(0.3).seed(5);
    let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
    for family in Family::ALL {
        let run = ping(&lab, family, &MANY);
        assert_only(&run.ping().unwrap(), "path");
    }
}

#[test]
fn a_target_that_never_answers_is_silent() {
    let lab = Lab::chain(1).build().unwrap();
    let rule = "meta l4proto { icmp, ipv6-icmp, udp, tcp } drop";
    for family in Family::ALL {
        // Its link is known.
        ping(&lab, family, &["--count", "1"]);
    }
    lab.filter("target", Hook::Input, rule).unwrap();
    for family in Family::ALL {
        for protocol in PROTOCOLS {
            let run = ping(&lab, family, &[&MANY[..], &SOON, &[protocol]].concat());
            let ping = run.ping().unwrap();
            assert_only(&ping, "silent");
            assert_eq!((ping.received, ping.loss.ratio), (0, Some(1.0)));
        }
    }
}

#[test]
fn what_a_router_refuses_is_told_apart() {
    let lab = Lab::chain(2).build().unwrap();
    lab.refuse("r2", Refusal::Prohibit).unwrap();
    for family in Family::ALL {
        // Linux says so five times, and then once a second.
        let run = ping(&lab, family, &["--count", "5", "--interval", "20ms"]);
        assert_only(&run.ping().unwrap(), "icmp_error");
    }
}

#[test]
fn what_a_router_refuses_late_is_refused_all_the_same() {
    let wire = Wire::delay(Duration::from_millis(100));
    let lab = Lab::chain(2).wire("r1", "r2", wire).build().unwrap();
    lab.refuse("r2", Refusal::Prohibit).unwrap();
    for family in Family::ALL {
        // The neighbours are asked for first.
        ping(&lab, family, &["--count", "1", "--timeout", "2s"]);
        let arguments = ["--count", "5", "--interval", "100ms", "--timeout", "150ms"];
        let ping = ping(&lab, family, &arguments).ping().unwrap();
        // The run does not wait for the last.
        let refused = ping.causes.get("icmp_error").copied().unwrap_or(0);
        assert!((1..=5).contains(&refused), "{ping:?}");
        assert_eq!(ping.causes.values().sum::<u64>(), 5, "{ping:?}");
    }
}

#[test]
fn replies_that_come_too_late_are_told_apart() {
    let wire = Wire::delay(Duration::from_millis(100));
    let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
    for family in Family::ALL {
        let arguments = ["--count", "50", "--interval", "10ms", "--timeout", "150ms"];
        let ping = ping(&lab, family, &arguments).ping().unwrap();
        assert_eq!((ping.received, ping.rtt_ns), (0, None));
        // The run does not wait for the last.
        assert_eq!(ping.causes.get("late"), Some(&ping.late), "{ping:?}");
        assert!(ping.late >= 15, "{ping:?}");
    }
}

#[test]
fn what_the_queue_drops_and_what_the_device_refuses_never_left() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        ping(&lab, family, &["--count", "1"]);
    }
    lab.qdisc("vantage", "r1", "tbf rate 64kbit burst 200 limit 200")
        .unwrap();
    for family in Family::ALL {
        let run = ping(&lab, family, &[&MANY[..], &SOON].concat());
        let ping = run.ping().unwrap();
        assert_only(&ping, "dropped_after_stamp");
        assert_as_counted(&ping, run.counters().unwrap());
        assert_eq!((ping.loss.ratio, ping.bursts), (Some(0.0), None));
    }
    lab.vantage()
        .run("tc", &["qdisc", "del", "dev", "r1", "root"])
        .unwrap();
    lab.vantage().ip(["link set r1 mtu 80"]).unwrap();
    let contact = "x".repeat(64);
    let long = [&MANY[..], &SOON, &["--contact", &contact]].concat();
    let run = ping(&lab, Family::V4, &long);
    assert_only(&run.ping().unwrap(), "emsgsize");
    assert_as_counted(&run.ping().unwrap(), run.counters().unwrap());
}

#[test]
fn what_a_filter_of_this_host_takes_never_left() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        ping(&lab, family, &["--count", "1"]);
    }
    // Before the stamp, of every third packet.
    let chain = "add chain netdev lab out { type filter hook egress device r1 priority 0; }";
    let rule =
        "add rule netdev lab out numgen inc mod 3 == 0 meta l4proto { icmp, ipv6-icmp } drop";
    lab.vantage()
        .run("nft", &[&format!("add table netdev lab; {chain}; {rule}")])
        .unwrap();
    for family in Family::ALL {
        let run = ping(&lab, family, &[&MANY[..], &SOON].concat());
        let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
        assert!(ping.loss.never_sent > 30, "{ping:?}");
        assert_eq!(ping.loss.never_sent, counters.never_stamped());
        assert_as_counted(&ping, counters);
        assert_eq!(ping.causes.values().sum::<u64>(), ping.loss.never_sent);
    }
}

/// Packets that the vantage point's device has sent.
fn departed(lab: &Lab) -> u64 {
    let text = lab
        .vantage()
        .run("ip", &["-s", "-j", "link", "show", "dev", "r1"]);
    let links: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
    links[0]["stats64"]["tx"]["packets"].as_u64().unwrap()
}

/// Does something on one processor; threads that it starts stay there.
fn on_one_processor<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    let here = || {
        let this_thread = Pid::from_raw(0);
        let allowed = sched_getaffinity(this_thread).unwrap();
        let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap());
        let mut one = CpuSet::new();
        one.set(first.unwrap()).unwrap();
        sched_setaffinity(this_thread, &one).unwrap();
        body()
    };
    thread::scope(|scope| scope.spawn(here).join().unwrap())
}

#[test]
fn replies_that_find_their_ring_full_are_lost_here() {
    // What it brings back comes in where its threads run: into one ring. A neighbour that is
    // farther away is given up.
    let delay = Duration::from_millis(1_400);
    let chain = Lab::chain(1).wire("r1", "target", Wire::delay(delay));
    let lab = on_one_processor(|| chain.build()).unwrap();
    let target = lab.address(Family::V6, "target").unwrap();
    // The neighbour is asked for first.
    ping(&lab, Family::V6, &["--count", "3", "--timeout", "9s"]);
    // More than the ring of a processor holds, which is little more than a second's replies.
    let arguments = ["--count", "5500", "--interval", "300us", "--timeout", "9s"];
    let before = departed(&lab);
    let running = Probe::ping(lab.vantage()).args(arguments).to(target);
    let running = running.start().unwrap();
    let is_away = || {
        thread::sleep(Duration::from_millis(20));
        departed(&lab) >= before + 5_500
    };
    assert!(
        (0..500).any(|_| is_away()),
        "{} left",
        departed(&lab) - before
    );
    // All are under way, and nobody reads what comes back.
    running.signal(Signal::SIGSTOP).unwrap();
    thread::sleep(2 * delay + Duration::from_millis(500));
    running.signal(Signal::SIGCONT).unwrap();
    let run = running.wait().unwrap();
    let (ping, counters) = (run.ping().unwrap(), run.counters().unwrap());
    println!("{:?}", ping.causes);
    assert!(counters.ring_full > 0, "{counters:#?}");
    assert_as_counted(&ping, counters);
    assert_eq!(ping.loss.by_us, counters.ring_full);
    // What the wire's own end could not take is the path's.
    assert_eq!(ping.causes.values().sum::<u64>(), ping.sent - ping.received);
    assert_eq!(ping.loss.unanswered, counters.unanswered);
}

#[test]
fn what_the_device_drops_meanwhile_is_told_where_it_may_explain_loss() {
    for (loss, family) in [(0.0, Family::V4), (0.2, Family::V6)] {
        let wire = Wire::delay(Duration::ZERO).loss(loss).seed(9);
        let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--interval", "50ms", "--replies"];
        let probe = Probe::ping(lab.vantage()).args(arguments);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(3).unwrap();
        // Nobody listens for this EtherType: the kernel drops it on behalf of the device.
        let script = "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); \
                      s.bind(('vantage', 0)); \
                      [s.send(b'\\xff' * 6 + b'\\x02' * 6 + b'\\x88\\xb5' + b'x' * 60) for _ in range(25)]";
        lab.node("r1")
            .unwrap()
            .run("python3", &["-c", script])
            .unwrap();
        // Behind the drops, and as many as lose one on a wire that does.
        let lines = running.lines().unwrap().len();
        running.wait_for_lines(lines + 40).unwrap();
        running.signal(Signal::SIGINT).unwrap();
        let ping = running.wait().unwrap().ping().unwrap();
        let told = ping
            .host
            .map(|host| (host.rx_dropped >= 25, host.suspended_ns));
        assert_eq!(told, (loss > 0.0).then_some((true, 0)), "{ping:?}");
    }
}
