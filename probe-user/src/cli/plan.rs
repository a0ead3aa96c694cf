//! Arguments to a plan. What gets through here can be carried out, as far as
//! arguments alone can tell.

use std::net::IpAddr;

use probe_common::abi::Protocol;

use super::{
    args::{
        FormatArg, OutputArgs, PingArgs, ProbeArgs, ProtocolArg, ProtocolArgs, RouteArgs, RxArg,
        TargetArgs, TcpFlagsArg, TraceArgs,
    },
    exclude,
    files::Files,
    list_file::is_stdin,
    rate::Rate,
    targets::Wanted,
};
use crate::{
    engine::plan::{
        Family, Format, Job, OutputOptions, PathOptions, PingOptions, Plan, ProbeOptions,
        Prometheus, RxMode, TraceOptions, not_a_host,
    },
    error::{Error, Result},
};

/// Most octets of `--contact`: the room for it in a probe.
const CONTACT_OCTETS: usize = 64;
/// Most octets of an interface's name (IFNAMSIZ without the final zero).
const INTERFACE_OCTETS: usize = 15;

/// The plan of `probe trace`.
pub(crate) fn trace(args: TraceArgs) -> Result<Plan> {
    let shape = args.path;
    if shape.max_ttl < shape.first_ttl {
        return usage(format!(
            "--max-ttl {} is below --first-ttl {}: raise the one or lower the other",
            shape.max_ttl, shape.first_ttl
        ));
    }
    let job = Job::Trace(TraceOptions {
        first_ttl: shape.first_ttl,
        max_ttl: shape.max_ttl,
        queries: shape.queries,
        rounds: shape.rounds,
        interval: shape.interval,
        gap_limit: shape.gap_limit,
        respect_limits: shape.respect_limits,
    });
    plan(job, &args.targets, args.probes, args.route, args.output)
}

/// The plan of `probe ping`.
pub(crate) fn ping(args: PingArgs) -> Result<Plan> {
    let job = Job::Ping(PingOptions {
        count: args.pace.count,
        interval: args.pace.interval,
        ttl: args.pace.ttl,
        respect_limits: args.pace.respect_limits,
        first_round: args.pace.first_round,
    });
    let mut plan = plan(job, &args.targets, args.probes, args.route, args.output)?;
    plan.output.report_interval = args.pace.report_interval;
    plan.output.prometheus = args.pace.prometheus.map(|address| Prometheus {
        address,
        by_target: args.pace.prometheus_targets,
    });
    Ok(plan)
}

fn plan(
    job: Job,
    targets: &TargetArgs,
    probes: ProbeArgs,
    route: RouteArgs,
    output: OutputArgs,
) -> Result<Plan> {
    let dry_run = output.dry_run;
    let output = output_options(output)?;
    Files {
        opened: &[("--output", output.file.as_deref())],
        replaced: &[("--metadata", output.metadata.as_deref())],
        read: &[
            ("--targets", targets.file.as_deref()),
            ("--exclude", targets.exclude.as_deref()),
        ],
        made: None,
    }
    .check()?;
    let probes = probe_options(probes)?;
    let path = path_options((targets.v4, targets.v6), route)?;
    check_flow_label(&probes, path.family == Family::V4)?;
    let exclude = read_exclude(targets)?;
    let wanted = Wanted {
        arguments: &targets.targets,
        file: targets.file.as_ref(),
        family: path.family,
        interface: path.interface.is_some(),
        exclude: &exclude,
    };
    Ok(Plan {
        job,
        targets: wanted.collect()?,
        exclude,
        probes,
        path,
        output,
        dry_run,
    })
}

fn read_exclude(targets: &TargetArgs) -> Result<Vec<ipnet::IpNet>> {
    let Some(path) = &targets.exclude else {
        return Ok(Vec::new());
    };
    let shared = is_stdin(path) && targets.file.as_deref().is_some_and(is_stdin);
    if shared {
        return usage("--targets and --exclude cannot both be standard input: put one in a file");
    }
    exclude::read(path)
}

/// Checks what probes look like.
pub(super) fn probe_options(args: ProbeArgs) -> Result<ProbeOptions> {
    let protocol = protocol(&args.protocol);
    if args.contact.len() > CONTACT_OCTETS {
        return usage(format!(
            "--contact has {} octets: a probe holds {CONTACT_OCTETS}",
            args.contact.len()
        ));
    }
    if args.tcp_flags == TcpFlagsArg::Ack && protocol != Protocol::Tcp {
        return usage("--tcp-flags is for TCP probes: add --tcp");
    }
    Ok(ProbeOptions {
        protocol,
        tcp_ack: args.tcp_flags == TcpFlagsArg::Ack,
        port: port(protocol, args.port)?,
        flows: args.flows,
        tos: args.tos,
        flow_label: args.flow_label,
        timeout: args.timeout,
        rate: match args.rate {
            Some(Rate::PerSecond(rate)) => Some(rate),
            Some(Rate::Max) | None => None,
        },
        contact: args.contact,
        seed: args.seed,
    })
}

fn protocol(args: &ProtocolArgs) -> Protocol {
    match args.protocol {
        Some(ProtocolArg::Udp) => Protocol::Udp,
        Some(ProtocolArg::Tcp) => Protocol::Tcp,
        Some(ProtocolArg::Icmp) => Protocol::Icmp,
        None if args.udp => Protocol::Udp,
        None if args.tcp => Protocol::Tcp,
        None => Protocol::Icmp,
    }
}

/// Default ports are traceroute(8)'s; ICMP has none (0).
fn port(protocol: Protocol, given: Option<u16>) -> Result<u16> {
    match (protocol, given) {
        (Protocol::Icmp, None) => Ok(0),
        (Protocol::Icmp, Some(_)) => usage("--port is for UDP and TCP probes: add --udp or --tcp"),
        (Protocol::Udp, port) => Ok(port.unwrap_or(33434)),
        (Protocol::Tcp, port) => Ok(port.unwrap_or(80)),
    }
}

/// Checks the way out; `asked`: whether `-4` or `-6` was given.
pub(super) fn path_options(asked: (bool, bool), route: RouteArgs) -> Result<PathOptions> {
    let source = route.source.map(|source| source.to_canonical());
    if let Some(name) = &route.interface
        && !is_interface_name(name)
    {
        return usage(format!(
            "--interface {name:?} is no interface name: `ip link` lists them"
        ));
    }
    Ok(PathOptions {
        family: family(asked, source)?,
        interface: route.interface,
        source,
        rx: match route.rx {
            RxArg::Auto => RxMode::Auto,
            RxArg::XdpNative => RxMode::XdpNative,
            RxArg::XdpGeneric => RxMode::XdpGeneric,
            RxArg::Tcx => RxMode::Tcx,
        },
        slots: route.slots,
    })
}

/// A source decides the family of names, so that they resolve to what it can reach.
fn family(asked: (bool, bool), source: Option<IpAddr>) -> Result<Family> {
    let asked = match asked {
        (true, true) => Family::Both,
        (true, false) => Family::V4,
        (false, true) => Family::V6,
        (false, false) => Family::Any,
    };
    let Some(source) = source else {
        return Ok(asked);
    };
    if let Some(what) = not_a_host(source) {
        return usage(format!(
            "--source {source} is {what}: give an address of this host"
        ));
    }
    match (asked, source) {
        (Family::Both, _) => usage(format!(
            "--source {source} is of one IP version: drop it or one of -4 and -6"
        )),
        (Family::V4, IpAddr::V6(_)) => usage(format!("--source {source} is IPv6: drop it or -4")),
        (Family::V6, IpAddr::V4(_)) => usage(format!("--source {source} is IPv4: drop it or -6")),
        (_, IpAddr::V4(_)) => Ok(Family::V4),
        (_, IpAddr::V6(_)) => Ok(Family::V6),
    }
}

/// Only IPv6 has flow labels.
pub(super) fn check_flow_label(probes: &ProbeOptions, only_v4: bool) -> Result<()> {
    if only_v4 && probes.flow_label.is_some() {
        return usage("--flow-label is for IPv6 probes, and here are only IPv4 ones");
    }
    Ok(())
}

/// What the kernel takes as a name (`dev_valid_name`).
fn is_interface_name(name: &str) -> bool {
    (1..=INTERFACE_OCTETS).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control())
}

fn output_options(args: OutputArgs) -> Result<OutputOptions> {
    let format = match args.format {
        _ if args.json => Format::Jsonl,
        FormatArg::Table => Format::Table,
        FormatArg::Jsonl => Format::Jsonl,
        FormatArg::Csv => Format::Csv,
        FormatArg::None => Format::None,
    };
    if format == Format::None && args.replies {
        return usage("--replies writes records, --format none none: drop one of them");
    }
    let file = args.output.filter(|path| !is_stdin(path));
    Ok(OutputOptions {
        format,
        file,
        replies: args.replies,
        extensions: args.extensions,
        back: args.back,
        metadata: args.metadata,
        report_interval: None,
        prometheus: None,
        quiet: args.quiet,
        dns: !args.no_dns,
    })
}

pub(super) fn usage<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Usage(message.into()))
}
