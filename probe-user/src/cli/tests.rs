//! Whole command lines.

use std::time::Duration;

use probe_common::abi::Protocol;

use super::*;
use crate::engine::plan::{Family, Format, Job, PingOptions, RxMode, TraceOptions};

fn plan(line: &str) -> std::result::Result<Plan, String> {
    let args = ["probe"].into_iter().chain(line.split_whitespace());
    match parse(args) {
        Ok(Request::Run(plan)) => Ok(*plan),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Clap ends the process for these: it must refuse them itself.
fn refused_by_clap(line: &str) -> ErrorKind {
    let args = ["probe"].into_iter().chain(line.split_whitespace());
    Cli::try_parse_from(args).expect_err(line).kind()
}

#[test]
fn the_command_is_well_formed() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn a_trace_has_the_defaults_of_the_field() {
    let plan = plan("trace example.org").expect("a plan");
    let expected = TraceOptions {
        first_ttl: 1,
        max_ttl: 30,
        queries: 3,
        rounds: 1,
        interval: Duration::from_millis(500),
        gap_limit: 8,
        respect_limits: false,
    };
    assert_eq!(plan.job, Job::Trace(expected));
    assert_eq!(plan.probes.protocol, Protocol::Icmp);
    assert_eq!(plan.probes.timeout, Duration::from_secs(3));
    assert_eq!((plan.probes.flows, plan.probes.rate), (1, None));
    assert_eq!(
        (plan.path.family, plan.path.rx),
        (Family::Any, RxMode::Auto)
    );
    assert_eq!(
        (plan.output.format, plan.output.file),
        (Format::Table, None)
    );
    assert!(plan.output.dns && !plan.output.replies && !plan.dry_run);
}

#[test]
fn a_ping_has_the_defaults_of_the_field() {
    let plan = plan("ping example.org").expect("a plan");
    let interval = Duration::from_secs(1);
    let expected = PingOptions {
        count: None,
        interval,
        ttl: 64,
        respect_limits: false,
        first_round: 0,
    };
    assert_eq!(plan.job, Job::Ping(expected));
}

#[test]
fn short_names_follow_the_tools_of_each_command() {
    let short =
        plan("trace -4 -n -f 2 -m 9 -q 5 -c 7 -w 0.5 -T -p 443 -i eth0 -s 192.0.2.7 -Q 0x10 -j h");
    let long = plan(
        "trace --ipv4 --no-dns --first-ttl 2 --max-ttl 9 --queries 5 --rounds 7 --timeout 500ms \
         --protocol tcp --port 443 --interface eth0 --source 192.0.2.7 --tos 16 --format jsonl h",
    );
    assert!(short.is_ok(), "{short:?}");
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
    let short = plan("ping -6 -c 4 -i .2 -W 1 -H 9 -q -I eth0 -S ::1 -o out h");
    let long = plan(
        "ping --ipv6 --count 4 --interval 200ms --timeout 1s --ttl 9 --quiet --interface eth0 \
         --source ::1 --output out h",
    );
    assert!(short.is_ok(), "{short:?}");
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
}

#[test]
fn each_protocol_has_its_port() {
    let port = |line: &str| plan(line).map(|plan| (plan.probes.protocol, plan.probes.port));
    assert_eq!(port("trace --udp h"), Ok((Protocol::Udp, 33434)));
    assert_eq!(port("trace --tcp h"), Ok((Protocol::Tcp, 80)));
    assert_eq!(port("trace --tcp --port 22 h"), Ok((Protocol::Tcp, 22)));
    assert_eq!(port("trace --icmp h"), Ok((Protocol::Icmp, 0)));
}

#[test]
fn as_fast_as_possible_is_an_interval_and_no_rate() {
    let plan = plan("ping -i 0 --rate max h").expect("a plan");
    assert!(matches!(
        plan.job,
        Job::Ping(PingOptions {
            interval: Duration::ZERO,
            ..
        })
    ));
    assert_eq!(plan.probes.rate, None);
}

#[test]
fn a_source_decides_the_family() {
    let family = |line: &str| plan(line).map(|plan| plan.path.family);
    assert_eq!(family("ping --source 192.0.2.1 h"), Ok(Family::V4));
    assert_eq!(family("ping --source ::1 h"), Ok(Family::V6));
    assert_eq!(family("ping --source ::ffff:192.0.2.1 h"), Ok(Family::V4));
}

#[test]
fn both_families_can_be_asked_for() {
    let family = |line: &str| plan(line).map(|plan| plan.path.family);
    assert_eq!(family("ping h"), Ok(Family::Any));
    assert_eq!(family("ping -6 h"), Ok(Family::V6));
    assert_eq!(family("trace -4 -6 h ::1 192.0.2.1"), Ok(Family::Both));
}

#[test]
fn a_flow_label_is_drawn_unless_told() {
    let label = |line: &str| plan(line).map(|plan| plan.probes.flow_label);
    assert_eq!(label("trace h"), Ok(None));
    assert_eq!(label("trace -6 --flow-label 0xfffff h"), Ok(Some(0xf_ffff)));
}

#[test]
fn each_mistake_is_one_line_that_says_what_to_do() {
    for (line, message) in [
        (
            "trace -f 9 -m 3 h",
            "--max-ttl 3 is below --first-ttl 9: raise the one or lower the other",
        ),
        (
            "trace --rate 0 h",
            "--rate \"0\": nothing would be sent; give probes a second such as 250, 100k or 1.5M, or max",
        ),
        (
            "trace --rate=-5 h",
            "--rate \"-5\": not a whole number of probes; give probes a second such as 250, 100k or 1.5M, or max",
        ),
        (
            "ping -i 5x h",
            "--interval \"5x\": give a time such as 500ms, 1s or 0.2 (seconds)",
        ),
        (
            "ping -W 0 h",
            "--timeout \"0\": no reply could arrive in no time; give at least 1ms",
        ),
        (
            "trace --max-ttl 0 h",
            "--max-ttl \"0\": 0 is not in 1..=255",
        ),
        (
            "trace --max-ttl 256 h",
            "--max-ttl \"256\": 256 is not in 1..=255",
        ),
        (
            "trace --udp --port 0 h",
            "--port \"0\": 0 is not in 1..=65535",
        ),
        (
            "trace --port 80 h",
            "--port is for UDP and TCP probes: add --udp or --tcp",
        ),
        (
            "trace --tcp-flags ack h",
            "--tcp-flags is for TCP probes: add --tcp",
        ),
        (
            "trace --slots 100 h",
            "--slots \"100\": give a power of two from 65536 to 67108864",
        ),
        (
            "ping -4 --source ::1 h",
            "--source ::1 is IPv6: drop it or -4",
        ),
        (
            "ping --source 0.0.0.0 h",
            "--source 0.0.0.0 is the unspecified address: give an address of this host",
        ),
        (
            "ping --source nowhere h",
            "--source \"nowhere\": no address; `ip address` lists those of this host",
        ),
        (
            "ping --source 192.0.2.1 ::1",
            "::1 is IPv6, but only IPv4 is asked for (-4 or --source)",
        ),
        (
            "ping --source 192.0.2.1 -4 -6 h",
            "--source 192.0.2.1 is of one IP version: drop it or one of -4 and -6",
        ),
        (
            "trace -4 --flow-label 7 h",
            "--flow-label is for IPv6 probes, and here are only IPv4 ones",
        ),
        (
            "ping -I a/b h",
            "--interface \"a/b\" is no interface name: `ip link` lists them",
        ),
        (
            "ping --format none --replies h",
            "--replies writes records, --format none none: drop one of them",
        ),
        (
            "ping --metadata - h",
            "--metadata needs a file: standard output has the results",
        ),
        (
            "ping -o x --metadata x h",
            "--output and --metadata are the same file: give two",
        ),
        (
            "ping --targets - --exclude - h",
            "--targets and --exclude cannot both be standard input: put one in a file",
        ),
        (
            "ping",
            "nothing left to probe: give a TARGET or --targets FILE",
        ),
        (
            "ping 224.0.0.1",
            "224.0.0.1 is a multicast address: give the address of a single host",
        ),
    ] {
        assert_eq!(plan(line).map(|_| ()), Err(message.to_owned()), "{line}");
    }
    let contact = format!("ping --contact {} h", "x".repeat(65));
    assert_eq!(
        plan(&contact).err().as_deref(),
        Some("--contact has 65 octets: a probe holds 64")
    );
    assert!(plan(&format!("ping --contact {} h", "x".repeat(64))).is_ok());
}

#[test]
fn what_excludes_itself_is_refused() {
    for line in [
        "trace --udp --tcp h",
        "trace --udp --protocol udp h",
        "ping --json --format csv h",
    ] {
        assert_eq!(refused_by_clap(line), ErrorKind::ArgumentConflict, "{line}");
    }
    assert_eq!(
        refused_by_clap("trace --protocol sctp h"),
        ErrorKind::InvalidValue
    );
    assert_eq!(
        refused_by_clap("trace --nonsense h"),
        ErrorKind::UnknownArgument
    );
}

#[test]
fn doctor_takes_an_interface() {
    let request = parse(["probe", "doctor", "--interface", "eth0", "--json"]);
    let interface = Some("eth0".to_owned());
    let json = true;
    assert!(
        matches!(request, Ok(Request::Doctor(doctor)) if doctor == Doctor { interface, clock: false, json })
    );
    let request = parse(["probe", "doctor", "--clock"]);
    assert!(matches!(request, Ok(Request::Doctor(doctor)) if doctor.clock));
}
