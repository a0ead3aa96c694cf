//! A validated plan: what `cli` makes of the arguments and `run` carries out.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use probe_common::abi::Protocol;

/// A run, whole.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done with the targets.
    pub job: Job,
    /// Names and addresses, in the order given.
    pub targets: Vec<TargetSpec>,
    /// Networks that are never probed, whatever the targets (and their names) say.
    pub exclude: Vec<IpNet>,
    /// Probes.
    pub probes: ProbeOptions,
    /// Where and how packets leave and are stamped.
    pub path: PathOptions,
    /// What is written where.
    pub output: OutputOptions,
    /// Print what would be done, send nothing.
    pub dry_run: bool,
}

/// What is done with the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Hops and their latency.
    Trace(TraceOptions),
    /// Latency and loss.
    Ping(PingOptions),
}

/// A target as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    /// A name or an address.
    pub text: String,
    /// File and line (from 1) that it stands in, unless it was an argument.
    pub origin: Option<(String, usize)>,
    /// Group that the file puts it into.
    pub group: Option<String>,
}

/// A target to be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its address.
    pub address: IpAddr,
    /// Its name, if it was given as one.
    pub name: Option<String>,
    /// Group that it was put into.
    pub group: Option<String>,
}

impl Plan {
    /// Whether `address` must not be probed.
    pub fn excludes(&self, address: IpAddr) -> bool {
        let mut excluded = self.exclude.iter();
        excluded.any(|network| network.contains(&address))
    }
}

/// Why `address` names no single host, if it does not (RFC 1112, RFC 919, RFC 4291).
/// That an address is the broadcast of a subnet is known to the routes only.
pub fn not_a_host(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("a broadcast address"),
        _ if address.is_multicast() => Some("a multicast address"),
        _ if address.is_unspecified() => Some("the unspecified address"),
        _ => None,
    }
}

/// Options of `trace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceOptions {
    /// First TTL, at least 1.
    pub first_ttl: u8,
    /// Last TTL, at least the first.
    pub max_ttl: u8,
    /// Probes for each hop in a round, at least 1.
    pub queries: u32,
    /// Rounds, at least 1.
    pub rounds: u32,
    /// Time between two probes for the same hop.
    pub interval: Duration,
    /// Silent hops in a row that end a trace; 0: none do.
    pub gap_limit: u8,
    /// A hop that is found to be limited is probed no more often than it answers.
    pub respect_limits: bool,
}

/// Options of `ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingOptions {
    /// Probes for each target; `None`: until interrupted.
    pub count: Option<u32>,
    /// Time between two probes for the same target.
    pub interval: Duration,
    /// TTL or hop limit.
    pub ttl: u8,
    /// A target that is found to be limited is probed no more often than it answers.
    pub respect_limits: bool,
    /// Number of the first probe.
    pub first_round: u32,
}

/// What probes look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOptions {
    /// ICMP, UDP or TCP.
    pub protocol: Protocol,
    /// TCP: ACK segments instead of SYN.
    pub tcp_ack: bool,
    /// Destination port (UDP, TCP).
    pub port: u16,
    /// Flows for each target, at least 1.
    pub flows: u16,
    /// TOS or traffic class.
    pub tos: u8,
    /// IPv6 flow label of all probes; `None`: each flow has one of its own.
    pub flow_label: Option<u32>,
    /// How long a reply may take.
    pub timeout: Duration,
    /// Probes per second over all targets; `None`: as the intervals ask.
    pub rate: Option<u64>,
    /// Text in the payload of every probe (at most 64 octets); may be empty.
    pub contact: String,
    /// Seed of everything random but the secrets; `None`: drawn and reported.
    pub seed: Option<u64>,
}

impl ProbeOptions {
    /// Whether probes open connections.
    pub fn opens_connections(&self) -> bool {
        self.protocol == Protocol::Tcp && !self.tcp_ack
    }
}

/// Address family of what names resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Whichever the resolver prefers.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// An address of each, where a name has both.
    Both,
}

/// What sends the probes of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxMode {
    /// The kernel's generator where the rate calls for it and the driver can.
    Auto,
    /// Sockets.
    Raw,
    /// The kernel's generator, if the driver can.
    Xdp,
}

/// Where packets are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxMode {
    /// Native XDP where that is harmless, else TCX ingress.
    Auto,
    /// XDP in the driver.
    XdpNative,
    /// XDP behind the driver.
    XdpGeneric,
    /// TCX ingress.
    Tcx,
}

/// Where and how packets leave and are stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathOptions {
    /// Family of resolved names.
    pub family: Family,
    /// Device that all probes leave by.
    pub interface: Option<String>,
    /// Source address.
    pub source: Option<IpAddr>,
    /// Receive hook.
    pub rx: RxMode,
    /// Most slots.
    pub slots: u32,
}

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// No records: metadata only.
    None,
}

/// Figures of a ping for Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Address and port to listen at.
    pub address: SocketAddr,
    /// Series for each target, not for each group alone.
    pub by_target: bool,
}

/// What is written where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputOptions {
    /// Format of results.
    pub format: Format,
    /// File of results; `None`: standard output.
    pub file: Option<PathBuf>,
    /// Also one record for each reply.
    pub replies: bool,
    /// Tables show what routers say behind their quotes.
    pub extensions: bool,
    /// Tables show the length of the way back, where it is not that of the way there.
    pub back: bool,
    /// File of the metadata.
    pub metadata: Option<PathBuf>,
    /// Time between reports of a ping that goes on; `None`: one at the end.
    pub report_interval: Option<Duration>,
    /// Where Prometheus may ask for figures.
    pub prometheus: Option<Prometheus>,
    /// No status and no notices on standard error.
    pub quiet: bool,
    /// Names of responders by reverse DNS.
    pub dns: bool,
}
