//! The arguments of `probe sweep`. Short names follow zmap.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, value_parser};

use crate::cli::{
    args::{ProbeArgs, RouteArgs},
    duration,
    rate::{Bandwidth, Rate},
    scope::ScopeArgs,
    sweep::shard::ShardArg,
};

const EXAMPLES: &str = "\
Examples:
  probe sweep --ping 198.51.100.0/24                      which of these answer, and how fast
  probe sweep --per-prefix 1 --targets routed.txt.gz \\
      --rate 50k --contact noc@example.org -o paths.jsonl  one address in every /24, every hop
  probe sweep --targets list.txt --rate max --format parquet -o sweep.parquet --metadata run.json
  probe sweep --resume paths.jsonl.checkpoint              go on after an interruption

A duration is a number with a unit (500ms, 1s); a bare number is seconds.
A rate takes suffixes (100k, 1.5M). SIGUSR1 and SIGUSR2 raise and lower it by 5 %.
The first Ctrl-C stops sending and waits for what is under way; the second ends at once.";

const PACE: &str = "Pace and limits";
const RATE: &str = "Probes a second, or 'max' [default: 1000]";
const SEED: &str = "Seed of the order: the same seed, the same run [default: drawn, and reported]";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("port", |a| a.short('p').alias("target-port")))]
#[command(mut_arg("timeout", |a| a.default_value("1s")))]
#[command(mut_arg("rate", |a| a.short('r').help(RATE).help_heading(PACE)))]
#[command(mut_arg("seed", |a| a.short('e').help(SEED)))]
#[command(mut_arg("interface", |a| a.short('i')))]
#[command(mut_arg("source", |a| a.short('S').alias("source-ip")))]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    #[command(flatten)]
    pub(crate) probes: ProbeArgs,
    #[command(flatten)]
    pub(crate) target_end: BeyondArgs,
    #[command(flatten)]
    pub(crate) pace: SweepPaceArgs,
    #[command(flatten)]
    pub(crate) route: RouteArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
    #[command(flatten)]
    pub(crate) output: SweepOutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What is probed")]
pub(crate) struct ShapeArgs {
    /// First TTL (hop limit)
    #[arg(short = 'f', long, value_name = "TTL", default_value = "1")]
    #[arg(value_parser = value_parser!(u8).range(1..))]
    pub(crate) first_ttl: u8,
    /// Last TTL (hop limit)
    #[arg(
        short = 'm',
        long,
        alias = "max-hops",
        value_name = "TTL",
        default_value = "32"
    )]
    #[arg(value_parser = value_parser!(u8).range(1..))]
    pub(crate) max_ttl: u8,
    /// This TTL (hop limit) only
    #[arg(long, value_name = "TTL", conflicts_with_all = ["first_ttl", "max_ttl"])]
    #[arg(alias = "probe-ttl", value_parser = value_parser!(u8).range(1..))]
    pub(crate) ttl: Option<u8>,
    /// The targets themselves, not the hops on the way: one probe each, with --ttl 64
    #[arg(long, conflicts_with_all = ["first_ttl", "max_ttl"])]
    pub(crate) ping: bool,
    /// Which hops are probed: all, or those that replies do not make unnecessary: none
    /// beyond a target that answers, none behind a gap of silence, none on the way back
    /// from a router that is known [default: adaptive; full with --ping, --ttl, --paths,
    /// --probes above 1 and --max-ttl above 32]
    #[arg(long, value_name = "WHICH")]
    pub(crate) probing: Option<ProbingArg>,
    /// Adaptive: silent hops in a row after which a path is not followed further; where a
    /// target of the same /24 (/48) was found, one hop beyond its distance is enough
    /// [default: 8]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(1..))]
    pub(crate) gap_limit: Option<u8>,
    /// Probes for each target and TTL, a round after another
    #[arg(short = 'P', long = "probes", value_name = "N", default_value = "1")]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rounds: u32,
    /// Least time from the beginning of a round to that of the next
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration::parse)]
    pub(crate) round_interval: Duration,
    /// Do only part I of N, counted from 0; all N with one --seed are the whole
    #[arg(long, value_name = "I/N", default_value = "0/1", requires = "seed")]
    pub(crate) shard: ShardArg,
    /// Go on where the run that wrote this checkpoint ended, as it began; pace, limits and
    /// what concerns this host may be given anew
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = PACE)]
pub(crate) struct SweepPaceArgs {
    /// Bits a second on an Ethernet wire, instead of --rate (10M, 1G)
    #[arg(short = 'B', long, value_name = "BITS", conflicts_with = "rate")]
    pub(crate) bandwidth: Option<Bandwidth>,
    /// Most probes a second for each of the TTLs 1 to 4, which all targets share, or
    /// 'max' [default: 1000 if public addresses are among the targets]
    #[arg(long, value_name = "RATE")]
    pub(crate) hop_rate: Option<Rate>,
    /// Most of the link's speed that probes may take, in percent
    #[arg(long, value_name = "PERCENT", default_value = "50", value_parser = parse_percent)]
    pub(crate) max_share_of_link: f64,
    /// Sending threads [default: 1; by the kernel's generator one for each million
    /// probes a second, of 4 at most, as far as processors and the queues of the
    /// interface go]
    #[arg(short = 'T', long, alias = "sender-threads", value_name = "N")]
    #[arg(value_parser = value_parser!(u32).range(1..=64))]
    pub(crate) tx_cores: Option<u32>,
    /// How long to wait for replies after the last probe [default: as --timeout]
    #[arg(short = 'c', long, alias = "cooldown-time", value_name = "TIME", value_parser = duration::parse)]
    pub(crate) cooldown: Option<Duration>,
    /// Stop sending after this time
    #[arg(short = 't', long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) max_runtime: Option<Duration>,
    /// Stop sending after this many probes
    #[arg(short = 'n', long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) max_probes: Option<u64>,
    /// Stop if a smaller share of probes is answered (0.01: one of a hundred)
    #[arg(long, alias = "min-hitrate", value_name = "SHARE", value_parser = parse_share)]
    pub(crate) min_response_rate: Option<f64>,
    /// Stop if more probes than this could not be sent
    #[arg(long, alias = "max-sendto-failures", value_name = "N")]
    pub(crate) max_send_failures: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Probes")]
pub(crate) struct BeyondArgs {
    /// Send SYNs also with higher TTLs than a target has answered at
    #[arg(long)]
    pub(crate) beyond_target: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Interface and kernel")]
pub(crate) struct HostArgs {
    /// What sends: sockets, or the kernel's own generator, which is faster and takes a
    /// processor for itself; 'auto' takes it from 200k probes/s on, where it can
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(crate) tx: TxArg,
    /// Frames that leave the generator together, 1 to 64: more are faster, fewer are
    /// stamped closer to their departure [default: as few as the rate allows]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=64))]
    pub(crate) tx_batch: Option<u32>,
    /// Let ICMP replies go on to the host's own stack as well
    #[arg(long)]
    pub(crate) no_consume: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct SweepOutputArgs {
    /// Format of the records
    #[arg(short = 'O', long, default_value = "jsonl")]
    pub(crate) format: RecordFormatArg,
    /// The same as --format jsonl
    #[arg(short = 'j', long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Write the records to a file (parquet: a directory) [default: standard output]
    #[arg(short = 'o', long, alias = "output-file", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// One record for each target and flow, with all its hops, at the end
    #[arg(long)]
    pub(crate) paths: bool,
    /// Write these kinds of replies only (a comma list; '!' in front: all but this)
    #[arg(long, alias = "output-filter", value_name = "KINDS")]
    pub(crate) select: Option<String>,
    /// If records cannot be written as fast as they come: send slower, or drop and count
    #[arg(long, value_name = "WHAT", default_value = "wait")]
    pub(crate) on_backlog: BacklogArg,
    /// Write what the run was (counters, times, seed) to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
    /// Write the state of the run to a file once a second, as CSV
    #[arg(short = 'u', long, alias = "status-updates-file", value_name = "FILE")]
    pub(crate) status_file: Option<PathBuf>,
    /// Write what each router answered to a file, as JSONL
    #[arg(long, value_name = "FILE")]
    pub(crate) responders: Option<PathBuf>,
    /// Write how far the run is to a file once a second, for --resume
    /// [default: FILE.checkpoint beside --output FILE, removed at the end]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// No status, no summary, no notices
    #[arg(short = 'q', long)]
    pub(crate) quiet: bool,
    /// Print what would be done, and send nothing
    #[arg(short = 'd', long, alias = "dryrun")]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordFormatArg {
    Jsonl,
    Csv,
    Parquet,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbingArg {
    Full,
    Adaptive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BacklogArg {
    Wait,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TxArg {
    Auto,
    Raw,
    Xdp,
}

fn parse_percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("not a share: give a percentage, above 0 and up to 100".into()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a share: give a number from 0 to 1".into()),
    }
}
