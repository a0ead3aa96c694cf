//! Tables as people see them.

use crate::{
    engine::report::{
        Bursts, Causes, Hop, Host, Interface, Interfaces, Loss, MplsLabel, Omitted, RateLimit,
        Reordered, Responder, Stop, Tells, TraceReport,
    },
    sink::{
        Presentation, Sink,
        sample::{LABEL, MIDDLEBOX, Writes, hop, interval, ip, ping, reply, responder, trace},
        table::Table,
    },
};

fn presentation() -> Presentation {
    Presentation {
        targets: 1,
        flows: 1,
        ..Presentation::default()
    }
}

fn shown(
    presentation: Presentation,
    write: impl FnOnce(&mut Table) -> std::io::Result<()>,
) -> String {
    Writes::of(|writer| Table::new(writer, presentation), write)
}

fn traced(report: &TraceReport) -> String {
    shown(presentation(), |table| table.trace(report))
}

fn silent(ttl: u8) -> Hop {
    hop(ttl, vec![])
}

#[test]
fn a_path_to_the_target() {
    let mut limited = hop(2, vec![responder("10.0.12.2", Some("r2.example"), 1)]);
    (limited.loss.unanswered, limited.loss.rate_limited) = (0, 2);
    limited.loss.ratio = Some(0.0);
    limited.rate_limit = Some(RateLimit {
        interval_ns: None,
        per_second: 0.9987,
        burst: Some(6),
    });
    let mut busy = hop(4, vec![responder("192.0.2.1", Some("example.org"), 3)]);
    (busy.late, busy.duplicates) = (1, 2);
    busy.responders[0].kind = Some("echo-reply");
    let hops = vec![
        hop(1, vec![responder("10.0.0.1", None, 3)]),
        limited,
        silent(3),
        busy,
    ];
    let mut report = trace("192.0.2.1", Stop::Target, hops);
    report.name = Some("example.org".to_owned());
    assert_eq!(
        traced(&report),
        "\
trace to example.org (192.0.2.1): icmp, stamps tcx/tcx
hop  responder                sent   loss       min      mean       p50       max    stddev    jitter
  1  10.0.0.1                    3    0 %  100.0 µs  110.0 µs  105.0 µs  150.0 µs  5.000 µs  3.333 µs
  2  r2.example (10.0.12.2)      3    0 %  200.0 µs  220.0 µs  210.0 µs  300.0 µs                      2 rate-limited, limit 0.999/s, burst 6
  3  *                           3  100 %
  4  example.org (192.0.2.1)     3    0 %  400.0 µs  440.0 µs  420.0 µs  600.0 µs  20.00 µs  13.33 µs  1 late, 2 duplicates
reached the target in 4 hops
"
    );
}

#[test]
fn what_routers_say_besides_is_shown_if_it_is_wanted() {
    let mut labelled = responder("10.0.12.2", None, 3);
    labelled.mpls = vec![
        MplsLabel { s: false, ..LABEL },
        MplsLabel { label: 16, ..LABEL },
    ];
    let interface = Interface {
        index: Some(7),
        address: None,
        name: Some("ge-\u{1b}0".to_owned()),
        mtu: Some(9_000),
    };
    labelled.interface = Some(Interfaces {
        incoming: Some(interface),
        ..Interfaces::default()
    });
    let report = trace("192.0.2.1", Stop::MaxTtl, vec![hop(1, vec![labelled])]);
    let wanted = Presentation {
        extensions: true,
        ..presentation()
    };
    let text = shown(wanted, |table| table.trace(&report));
    let line = text.lines().nth(2).expect("a hop");
    assert!(
        line.ends_with(
            "  <MPLS:L=299776,E=0,S=0,T=1/L=16,E=0,S=1,T=1>, <incoming:ge-\\x1b0 #7 mtu 9000>"
        ),
        "{line}"
    );
    assert!(!traced(&report).contains("MPLS"));
}

#[test]
fn what_the_way_did_to_the_probe_is_noted() {
    let quoted = |address, tells| Responder {
        tells,
        ..responder(address, None, 3)
    };
    let as_sent = Tells {
        quoted_ttl: Some(1),
        quoted_tos: Some(0),
        quoted_length: Some(40),
        back_hops: Some(1),
        asymmetry: Some(0),
        ..Tells::default()
    };
    let behind_nat = Tells {
        back_hops: Some(5),
        asymmetry: Some(3),
        nat: true,
        rewritten: Some("source+checksum"),
        ..as_sent
    };
    let changed = Tells {
        quoted_ttl: Some(0),
        quoted_tos: Some(0x28),
        quoted_length: Some(60),
        ..as_sent
    };
    let mut target = responder("192.0.2.1", None, 3);
    (target.kind, target.tells.back_hops, target.tells.asymmetry) =
        (Some("syn-ack"), Some(2), Some(-2));
    let hops = vec![
        hop(1, vec![quoted("10.0.0.1", as_sent)]),
        hop(2, vec![quoted("10.0.12.2", behind_nat)]),
        hop(3, vec![quoted("10.0.23.3", changed)]),
        hop(4, vec![target]),
    ];
    let mut report = trace("192.0.2.1", Stop::Target, hops);
    report.middlebox = Some(MIDDLEBOX);
    let notes = |presentation| -> Vec<String> {
        let text = shown(presentation, |table| table.trace(&report));
        let lines = text.lines().skip(2);
        let after_times = |line: &str| line.rsplit("  ").next().unwrap_or_default().to_owned();
        lines.map(after_times).collect()
    };
    let sentence = "a middlebox may have answered for the target: \
                    its segments came back over 2 hops, its echo reply over 6 hops";
    let seen = notes(presentation());
    assert_eq!(seen[1], "NAT (source+checksum)");
    assert_eq!(seen[2], "quoted TTL 0, quoted TOS 0x28, quoted length 60");
    assert_eq!(seen[3], "syn-ack");
    assert_eq!(seen[5], sentence);
    let back = Presentation {
        back: true,
        ..presentation()
    };
    let seen = notes(back);
    assert_eq!(seen[1], "NAT (source+checksum), back 5");
    assert!(!seen[0].contains("back") && !seen[2].contains("back"));
    assert_eq!(seen[3], "syn-ack, back 2");
}

#[test]
fn several_responders_of_a_hop_stand_under_each_other() {
    let two = vec![
        responder("2001:db8:12::2", None, 2),
        responder("2001:db8:0:13::2", Some("r3"), 1),
    ];
    let target = responder("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", None, 3);
    let hops = vec![hop(9, two), hop(10, vec![target])];
    let mut report = trace("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Stop::Target, hops);
    (report.protocol, report.flow, report.rounds) = ("udp", 3, 2);
    report.hops[1].responders[0].kind = Some("port-unreachable");
    report.hops[1].responders[0].reason = Some("port-unreachable");
    let several = Presentation {
        flows: 16,
        port: 33434,
        ..presentation()
    };
    assert_eq!(
        shown(several, |table| table.trace(&report)),
        "\
trace to 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff: udp to port 33434, flow 3, 2 rounds, stamps tcx/tcx
hop  responder                               sent  loss       min      mean       p50       max    stddev    jitter
  9  2001:db8:12::2                             3   0 %  900.0 µs  990.0 µs  945.0 µs  1.350 ms  45.00 µs  30.00 µs  2 replies
     r3 (2001:db8:0:13::2)                                                                                           1 reply
 10  2001:db8:ffff:ffff:ffff:ffff:ffff:ffff     3   0 %  1.000 ms  1.100 ms  1.050 ms  1.500 ms  50.00 µs  33.33 µs
reached the target in 10 hops
"
    );
}

#[test]
fn an_unreachable_says_who_and_why() {
    let mut last = hop(2, vec![responder("10.0.23.3", Some("r3\u{1b}[2J"), 3)]);
    last.responders[0].kind = Some("unreachable");
    last.responders[0].reason = Some("host-unreachable");
    let hops = vec![hop(1, vec![responder("10.0.0.1", None, 3)]), last];
    assert_eq!(
        traced(&trace("192.0.2.1", Stop::Unreachable, hops)),
        "\
trace to 192.0.2.1: icmp, stamps tcx/tcx
hop  responder              sent  loss       min      mean       p50       max    stddev    jitter
  1  10.0.0.1                  3   0 %  100.0 µs  110.0 µs  105.0 µs  150.0 µs  5.000 µs  3.333 µs
  2  r3\\x1b[2J (10.0.23.3)     3   0 %  200.0 µs  220.0 µs  210.0 µs  300.0 µs  10.00 µs  6.666 µs  !host-unreachable
stopped: r3\\x1b[2J says host-unreachable
"
    );
}

#[test]
fn silence_all_the_way() {
    assert_eq!(
        traced(&trace(
            "192.0.2.1",
            Stop::GapLimit,
            (1..=3).map(silent).collect()
        )),
        "\
trace to 192.0.2.1: icmp, stamps tcx/tcx
hop  responder  sent   loss  min  mean  p50  max  stddev  jitter
  1  *             3  100 %
  2  *             3  100 %
  3  *             3  100 %
stopped: 3 hops in a row did not answer (gap limit)
"
    );
}

#[test]
fn other_ends_in_words() {
    for (stop, words) in [
        (Stop::MaxTtl, "stopped at --max-ttl 1"),
        (Stop::GapLimit, "stopped: 1 hop did not answer (gap limit)"),
        (Stop::Interrupted, "stopped: interrupted"),
        (Stop::Unreachable, "stopped: the target is unreachable"),
        (Stop::Target, "reached the target in 1 hop"),
    ] {
        let text = traced(&trace("192.0.2.1", stop, vec![silent(1)]));
        assert_eq!(text.lines().last(), Some(words));
    }
    let first_at = |ttl| vec![hop(ttl, vec![responder("192.0.2.1", None, 3)])];
    let text = traced(&trace("192.0.2.1", Stop::Target, first_at(9)));
    assert_eq!(
        text.lines().last(),
        Some("reached the target in 9 hops or fewer")
    );
    let mut held = silent(1);
    held.loss.never_sent = held.sent;
    let text = traced(&trace("192.0.2.1", Stop::GapLimit, vec![held]));
    assert_eq!(
        text.lines().last(),
        Some("stopped: no probe left this host")
    );
    let text = traced(&trace("192.0.2.1", Stop::Interrupted, vec![]));
    assert_eq!(
        text,
        "trace to 192.0.2.1: icmp, stamps tcx/tcx\nstopped: interrupted\n"
    );
}

#[test]
fn percentiles_need_replies() {
    let header = |received: u64| {
        let mut only = hop(1, vec![responder("10.0.0.1", None, 3)]);
        only.received = received;
        let text = traced(&trace("192.0.2.1", Stop::MaxTtl, vec![only]));
        text.lines().nth(1).map(|line| {
            line.split_whitespace()
                .skip(4)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    assert_eq!(header(9).as_deref(), Some("min mean p50 max stddev jitter"));
    assert_eq!(
        header(10).as_deref(),
        Some("min mean p50 p90 max stddev jitter")
    );
    assert_eq!(
        header(1000).as_deref(),
        Some("min mean p50 p90 p99 p99.9 max stddev jitter")
    );
}

#[test]
fn reports_keep_apart_and_notes_come_last() {
    let notes = vec!["routers hash ICMP by addresses only".to_owned()];
    let two = Presentation {
        flows: 2,
        notes,
        ..presentation()
    };
    let text = shown(two, |table| {
        table.trace(&trace("192.0.2.1", Stop::Interrupted, vec![]))?;
        table.trace(&trace("192.0.2.1", Stop::Interrupted, vec![]))
    });
    assert_eq!(
        text,
        "\
trace to 192.0.2.1: icmp, flow 0, stamps tcx/tcx
stopped: interrupted

trace to 192.0.2.1: icmp, flow 0, stamps tcx/tcx
stopped: interrupted
note: routers hash ICMP by addresses only
"
    );
}

#[test]
fn a_ping_is_lines_and_a_summary() {
    let live = Presentation {
        ping: true,
        replies: true,
        ..presentation()
    };
    let text = shown(live, |table| {
        table.reply(&reply("192.0.2.1"))?;
        let mut late = reply("192.0.2.1");
        (late.round, late.late, late.duplicate) = (2, true, true);
        table.reply(&late)?;
        let mut refused = reply("192.0.2.1");
        (refused.kind, refused.reason) = ("unreachable", Some("host-unreachable"));
        (refused.responder, refused.round, refused.rtt_ns) = (ip("10.0.0.1"), 3, None);
        table.reply(&refused)?;
        let mut report = ping("192.0.2.1", 1200, 1199);
        report.name = Some("example.org".to_owned());
        (report.errors, report.late, report.duplicates) = (1, 1, 1);
        report.loss.ci95 = Some([0.000_15, 0.0047]);
        report.reordered = Reordered {
            count: 6,
            ratio: 0.005,
        };
        report.bursts = Some(Bursts {
            count: 3,
            longest: 9,
            mean: 14.0 / 3.0,
            p: Some(0.001_234),
            r: Some(0.25),
        });
        report.omitted = Some(Omitted {
            probes: 29,
            longest_ns: 30_500_000_000,
        });
        report.error_responders = vec![Responder {
            address: ip("10.0.0.1"),
            name: None,
            received: 1,
            kind: Some("unreachable"),
            reason: Some("host-unreachable"),
            tells: Tells::default(),
            mpls: Vec::new(),
            interface: None,
        }];
        table.ping(&report)
    });
    assert_eq!(
        text,
        "\
192.0.2.1: seq=1 ttl=61 time=45.20 µs
192.0.2.1: seq=2 ttl=61 time=45.20 µs (late) (duplicate)
10.0.0.1: seq=3 ttl=61 !host-unreachable

--- example.org (192.0.2.1) ping statistics: icmp, stamps tcx/xdp-native ---
1,200 sent, 1,199 received, 0.08 % loss (95 %: 0.01 % to 0.47 %), 1 duplicate, 1 late, 6 reordered (0.5 %), 1 ICMP error (host-unreachable from 10.0.0.1)
loss in 3 bursts, 4.67 probes on average, 9 at most; p 0.00123, r 0.25
29 probes omitted: sending was held up, for 30500 ms at most
rtt       min      mean       p50       p90       p99     p99.9       max    stddev    jitter
     45.20 µs  49.72 µs  47.46 µs  54.24 µs  56.50 µs  60.27 µs  67.80 µs  2.260 µs  1.506 µs
"
    );
}

#[test]
fn intervals_are_a_line_each_before_the_summary() {
    let one = Presentation {
        ping: true,
        ..presentation()
    };
    let text = shown(one, |table| {
        let mut report = ping("192.0.2.1", 1200, 1199);
        report.interval = Some(interval(100, 99));
        table.ping(&report)?;
        let mut silent = ping("192.0.2.1", 1300, 1199);
        silent.interval = Some(interval(100, 0));
        table.ping(&silent)
    });
    assert_eq!(
        text,
        "\
192.0.2.1, last 10 s: 100 sent, 99 received, 1 % loss, min 45.20 µs, p50 47.46 µs, p99 56.50 µs, max 67.80 µs; so far 1,200 sent, 0.08 % loss
192.0.2.1, last 10 s: 100 sent, 0 received, 100 % loss; so far 1,300 sent, 7.8 % loss
"
    );
}

#[test]
fn a_ping_without_an_answer() {
    let one = Presentation {
        ping: true,
        ..presentation()
    };
    let mut report = ping("2001:db8::1", 5, 0);
    report.loss.never_sent = 1;
    report.causes = Causes(vec![("dropped_after_stamp", 1), (Causes::SILENT, 4)]);
    report.host = Some(Host {
        rx_dropped: 1,
        tx_dropped: 0,
        suspended_ns: 3_600_000_000_000,
    });
    assert_eq!(
        shown(one.clone(), |table| table.ping(&report)),
        "\
--- 2001:db8::1 ping statistics: icmp, stamps tcx/xdp-native ---
5 sent, 0 received, 100 % loss (95 %: up to 75 %, 1 never sent), 0 duplicates, 0 late
lost: 4 to a silent target, 1 dropped by the queue
loss in 1 burst, 5 probes on average, 5 at most
meanwhile this host dropped 1 packet that came in and slept for 1h: replies and probes may be among them
"
    );
    report.loss = Loss {
        never_sent: 5,
        ..Loss::default()
    };
    let text = shown(one.clone(), |table| table.ping(&report));
    let told = "5 sent, 0 received, nothing left this host (5 never sent), 0 duplicates";
    assert!(text.contains(told), "{text}");
    report.loss = Loss {
        pending: 5,
        ..Loss::default()
    };
    let text = shown(one, |table| table.ping(&report));
    let told = "5 sent, 0 received, loss unknown, 0 duplicates, 0 late, 5 not waited for";
    assert!(text.contains(told), "{text}");
}

#[test]
fn many_targets_are_a_row_each() {
    let many = Presentation {
        ping: true,
        targets: 3,
        port: 80,
        ..presentation()
    };
    let text = shown(many, |table| {
        let mut first = ping("192.0.2.1", 10, 10);
        first.protocol = "tcp";
        table.ping(&first)?;
        let mut lossy = ping("2001:db8::1234:5678", 10, 9);
        lossy.loss.by_us = 1;
        lossy.stamp = "tcx/tcx".to_owned();
        table.ping(&lossy)?;
        let mut named = ping("192.0.2.3", 10, 0);
        named.name = Some("gone.example".to_owned());
        table.ping(&named)
    });
    assert_eq!(
        text,
        "\
ping of 3 targets: tcp to port 80, stamps tcx/xdp-native
target                    sent  received   loss       min      mean       p50       p90       max    stddev    jitter
192.0.2.1                   10        10    0 %  45.20 µs  49.72 µs  47.46 µs  54.24 µs  67.80 µs  2.260 µs  1.506 µs
2001:db8::1234:5678         10         9   10 %  45.20 µs  49.72 µs  47.46 µs  54.24 µs  67.80 µs  2.260 µs  1.506 µs  1 lost on this host, stamps tcx/tcx
gone.example (192.0.2.3)    10         0  100 %
"
    );
}

#[test]
fn colours_mark_loss_and_leave_the_columns_alone() {
    let hops = vec![hop(1, vec![responder("10.0.0.1", None, 2)]), silent(2)];
    let report = trace("192.0.2.1", Stop::GapLimit, hops);
    let coloured = Presentation {
        colour: true,
        ..presentation()
    };
    let text = shown(coloured, |table| table.trace(&report));
    assert!(text.contains("\u{1b}[38;5;9m"), "{text:?}");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain += rest;
    let lines = |text: &str| {
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&plain), lines(&traced(&report)));
}
