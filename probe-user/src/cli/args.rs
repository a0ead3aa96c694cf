//! The command line as clap sees it: types only. Long names are the contract;
//! short ones follow traceroute(8) and mtr in `trace`, ping(8) and fping in `ping`.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use super::{
    duration,
    number::{parse_flow_label, parse_slots, parse_source, parse_tos},
    rate::Rate,
    sweep::SweepArgs,
};

const EXAMPLES: &str = "\
Examples:
  probe trace example.org                 every hop, with its own latency
  probe ping -c 100 -i 10ms 192.0.2.1     a hundred echo requests, and their percentiles
  probe sweep --ping 198.51.100.0/24      which of many targets answer, and how fast
  probe doctor                            what this host can do, and how to mend the rest

Results go to standard output, all else to standard error.
Exit codes: 0 done, 1 a target never answered, 2 usage, 3 privileges or kernel, 4 cut short.";

const TRACE_EXAMPLES: &str = "\
Examples:
  probe trace example.org                         ICMP, one flow, three probes for each hop
  probe trace --tcp -p 443 --flows 16 example.org the paths of sixteen flows to port 443
  probe trace --rounds 100 --json --targets hosts.txt -o paths.jsonl

A duration is a number with a unit (500ms, 1s); a bare number is seconds, decimals allowed (0.2).
A rate takes suffixes (100k, 1.5M).";

const PING_EXAMPLES: &str = "\
Examples:
  probe ping example.org                          until Ctrl-C, one probe a second
  probe ping -c 10000 -i 1ms -q 192.0.2.1         ten thousand probes, summary only
  probe ping --tcp --port 443 -c 10 --targets hosts.txt --format csv

A duration is a number with a unit (500ms, 1s); a bare number is seconds, decimals allowed (0.2).
A rate takes suffixes (100k, 1.5M).";

/// Measures latency and paths with kernel stamps on both sides
#[derive(Debug, Parser)]
#[command(name = "probe", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every hop on the way to a target, each with its own latency and loss
    Trace(Box<TraceArgs>),
    /// Measure latency, jitter and loss of a target
    Ping(Box<PingArgs>),
    /// Map the paths to very many targets, or which of them answer
    Sweep(Box<SweepArgs>),
    /// Check what this host can do (kernel, rights, interfaces), and say how to mend the rest
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
#[command(after_help = TRACE_EXAMPLES)]
#[command(mut_arg("port", |a| a.short('p').short_alias('P')))]
#[command(mut_arg("timeout", |a| a.short('w')))]
#[command(mut_arg("interface", |a| a.short('i').visible_short_alias('I')))]
#[command(mut_arg("source", |a| a.short('s').short_alias('a')))]
#[command(mut_arg("udp", |a| a.short('U').short_alias('u')))]
#[command(mut_arg("tcp", |a| a.short('T')))]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) path: PathShapeArgs,
    #[command(flatten)]
    pub(crate) probes: ProbeArgs,
    #[command(flatten)]
    pub(crate) route: RouteArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Path")]
pub(crate) struct PathShapeArgs {
    /// First TTL (hop limit) to probe
    #[arg(
        short = 'f',
        long,
        alias = "first",
        value_name = "TTL",
        default_value = "1"
    )]
    #[arg(value_parser = value_parser!(u8).range(1..))]
    pub(crate) first_ttl: u8,
    /// Last TTL (hop limit) to probe
    #[arg(
        short = 'm',
        long,
        alias = "max-hops",
        value_name = "TTL",
        default_value = "30"
    )]
    #[arg(value_parser = value_parser!(u8).range(1..))]
    pub(crate) max_ttl: u8,
    /// Probes for each hop in a round
    #[arg(short = 'q', long, value_name = "N", default_value = "3")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub(crate) queries: u32,
    /// Rounds over the whole path
    #[arg(short = 'c', long, value_name = "N", default_value = "1")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Time between two probes for the same hop; 0: as fast as possible
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration::parse)]
    pub(crate) interval: Duration,
    /// Stop after this many silent hops in a row; 0: never
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) gap_limit: u8,
    /// Probe a hop that answers only so often no more often than that; rounds that it then
    /// gets no probe in are left out
    #[arg(long)]
    pub(crate) respect_limits: bool,
}

#[derive(Debug, Args)]
#[command(after_help = PING_EXAMPLES)]
#[command(mut_arg("timeout", |a| a.short('W')))]
#[command(mut_arg("interface", |a| a.short('I')))]
#[command(mut_arg("source", |a| a.short('S')))]
#[command(mut_arg("quiet", |a| a.short('q')))]
pub(crate) struct PingArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) probes: ProbeArgs,
    #[command(flatten)]
    pub(crate) route: RouteArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct PaceArgs {
    /// Probes for each target [default: until Ctrl-C]
    #[arg(short = 'c', long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
    /// Time between two probes for the same target; 0: as fast as possible
    #[arg(short = 'i', long, value_name = "TIME", default_value = "1s")]
    #[arg(value_parser = duration::parse)]
    pub(crate) interval: Duration,
    /// TTL (hop limit) of the probes
    #[arg(short = 't', visible_short_alias = 'H', long, value_name = "TTL")]
    #[arg(default_value = "64", value_parser = value_parser!(u8).range(1..))]
    pub(crate) ttl: u8,
    /// Probe a target that answers only so often no more often than that
    #[arg(long)]
    pub(crate) respect_limits: bool,
    /// Number of the first probe: to see what a run of months comes to
    #[arg(long, value_name = "N", default_value = "0", hide = true)]
    pub(crate) first_round: u32,
    /// Report so often while it goes on: the time since the report before, and all so far
    #[arg(long, value_name = "TIME", value_parser = duration::parse_timeout)]
    pub(crate) report_interval: Option<Duration>,
    /// Let Prometheus ask for figures at this address and port (path /metrics), added up
    /// by what the file of --targets says behind a host: group=NAME
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) prometheus: Option<SocketAddr>,
    /// Series for each target as well
    #[arg(long, requires = "prometheus")]
    pub(crate) prometheus_targets: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Targets")]
pub(crate) struct TargetArgs {
    /// Host names or addresses
    #[arg(value_name = "TARGET", help_heading = None::<&str>)]
    pub(crate) targets: Vec<String>,
    /// Read targets from a file, one a line, '#' for comments; '-': standard input
    #[arg(id = "target_file", long = "targets", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Never probe the addresses and networks (CIDR) in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) exclude: Option<PathBuf>,
    /// IPv4 only; with -6: both addresses of names that have both
    #[arg(short = '4', long = "ipv4")]
    pub(crate) v4: bool,
    /// IPv6 only; with -4: both
    #[arg(short = '6', long = "ipv6")]
    pub(crate) v6: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Probes")]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) protocol: ProtocolArgs,
    /// Destination port [default: 33434 for UDP, 80 for TCP]
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// TCP segments: 'ack' leaves no state at the target, which answers RST
    #[arg(long, value_name = "FLAGS", default_value = "syn")]
    pub(crate) tcp_flags: TcpFlagsArg,
    /// Flows for each target, which load balancers may part
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) flows: u16,
    /// How long a reply may take
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration::parse_timeout)]
    pub(crate) timeout: Duration,
    /// Most probes a second over all targets, or 'max' [default: as the intervals ask]
    #[arg(long, value_name = "RATE")]
    pub(crate) rate: Option<Rate>,
    /// TOS or traffic class of the probes (decimal, or hexadecimal with 0x)
    #[arg(short = 'Q', long, default_value = "0", value_parser = parse_tos)]
    pub(crate) tos: u8,
    /// IPv6 flow label of all probes, 0 to 0xfffff [default: one for each flow, which is
    /// what load balancers may go by]
    #[arg(long, value_name = "LABEL", value_parser = parse_flow_label)]
    pub(crate) flow_label: Option<u32>,
    /// Text in every probe, such as where to complain; at most 64 octets
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) contact: String,
    /// Seed of everything random but the secrets [default: drawn, and reported]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ProtocolArgs {
    /// ICMP echo requests (the default)
    #[arg(long)]
    pub(crate) icmp: bool,
    /// UDP datagrams
    #[arg(long)]
    pub(crate) udp: bool,
    /// TCP segments
    #[arg(long)]
    pub(crate) tcp: bool,
    /// The same by name
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<ProtocolArg>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Interface and kernel")]
pub(crate) struct RouteArgs {
    /// Interface that all probes leave by [default: as the routes say]
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Source address of the probes [default: as the routes say]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_source)]
    pub(crate) source: Option<IpAddr>,
    /// Where replies are stamped; 'auto' takes what harms no driver
    #[arg(long, value_name = "HOOK", default_value = "auto")]
    pub(crate) rx: RxArg,
    /// Most slots: twice the probes that can wait for an answer; a power of two
    #[arg(long, value_name = "N", default_value = "8388608", value_parser = parse_slots)]
    pub(crate) slots: u32,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the results
    #[arg(long, default_value = "table")]
    pub(crate) format: FormatArg,
    /// The same as --format jsonl
    #[arg(short = 'j', long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Write the results to a file [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write what the run was (counters, times, seed) to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
    /// Also write a record for each reply
    #[arg(long)]
    pub(crate) replies: bool,
    /// Show in the table what routers say besides: MPLS labels, interfaces (JSON and CSV have it anyway)
    #[arg(long)]
    pub(crate) extensions: bool,
    /// Show in the table of a trace how many hops the way back has, where not as many as the way there (JSON and CSV have it anyway)
    #[arg(long)]
    pub(crate) back: bool,
    /// No status, no notices, no line for each reply
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Show addresses only: no names by reverse DNS
    #[arg(short = 'n', long)]
    pub(crate) no_dns: bool,
    /// Print what would be done, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Check this interface only [default: all that are up]
    #[arg(short = 'I', visible_short_alias = 'i', long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Check the clock alone: what it costs to read it, and what stamps make of a wire
    /// that answers at once (a veth made for it, in a network namespace of its own)
    #[arg(long, conflicts_with = "interface")]
    pub(crate) clock: bool,
    /// Write the checks as JSON, one object a line
    #[arg(short = 'j', long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProtocolArg {
    Icmp,
    Udp,
    Tcp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TcpFlagsArg {
    Syn,
    Ack,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RxArg {
    Auto,
    XdpNative,
    XdpGeneric,
    Tcx,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatArg {
    Table,
    Jsonl,
    Csv,
    None,
}
