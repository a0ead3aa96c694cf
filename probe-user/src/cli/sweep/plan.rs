//! Arguments of a sweep to its plan.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use probe_common::{adaptive::trail::MAX_TTL, plan::Space};

use super::args::{
    BacklogArg, ProbingArg, RecordFormatArg, ShapeArgs, SweepArgs, SweepOutputArgs, SweepPaceArgs,
    TxArg,
};
use crate::{
    cli::{
        files::Files,
        list_file::is_stdin,
        plan::{check_flow_label, path_options, probe_options, usage},
        rate::{Bandwidth, Rate},
        scope::{self, Scope, ScopeArgs},
    },
    engine::{
        plan::{ProbeOptions, TxMode},
        sweep::{
            checkpoint::Checkpoint,
            plan::{Backlog, LeftOut, Limits, Probing, RecordFormat, SweepOutput, SweepPlan},
        },
    },
    error::Result,
};

/// TTL of probes that are for the targets themselves.
const PING_TTL: u8 = 64;

/// Probes a second unless told otherwise.
const DEFAULT_RATE: u64 = 1_000;

/// Above this rate, probes to public addresses say who sends them.
const ANONYMOUS_RATE: u64 = 10_000;

/// Silent hops in a row that end a path, unless told otherwise.
const GAP_LIMIT: u8 = 8;

/// Probes a second for each TTL that all targets share, if they are public.
const PUBLIC_HOP_RATE: u64 = 1_000;

/// The plan of these arguments; `arguments`: the same as words, for a checkpoint;
/// `resumed`: that of the run that is gone on with.
pub(super) fn plan(
    args: SweepArgs,
    arguments: Vec<String>,
    resumed: Option<Checkpoint>,
) -> Result<SweepPlan> {
    let seed = args.probes.seed.unwrap_or_else(|| fastrand::u64(..));
    let (first_ttl, last_ttl) = ttls(&args.shape)?;
    let probing = probing(&args.shape, args.output.paths, (first_ttl, last_ttl))?;
    let asked = args.probes.rate;
    let probes = probe_options(args.probes)?;
    let output = output(&args.output)?;
    check_files(&output, &args.scope)?;
    let path = path_options((args.scope.v4, args.scope.v6), args.route)?;
    let scope = scope::load(&args.scope, seed)?;
    check_source(path.source, &scope)?;
    check_flow_label(&probes, scope.targets.is_v4_only())?;
    let space = Space::new(scope.targets.len(), first_ttl, last_ttl, probes.flows);
    let v6 = !scope.targets.is_v4_only();
    let rate = rate(asked, args.pace.bandwidth, &probes, v6);
    let anonymous_rate = anonymous_rate(&scope, &probes);
    check_public(anonymous_rate, rate)?;
    Ok(SweepPlan {
        left_out: LeftOut {
            duplicates: scope.duplicates,
            other_family: scope.other_family,
            excluded: scope.excluded,
            special: scope.special,
        },
        space,
        probing,
        rounds: args.shape.rounds,
        round_interval: args.shape.round_interval,
        shard: args.shape.shard.0,
        seed,
        hop_rate: hop_rate(args.pace.hop_rate, scope.public),
        anonymous_rate,
        tx: match args.host.tx {
            TxArg::Auto => TxMode::Auto,
            TxArg::Raw => TxMode::Raw,
            TxArg::Xdp => TxMode::Xdp,
        },
        tx_batch: args.host.tx_batch,
        share_of_link: args.pace.max_share_of_link,
        lanes: args.pace.tx_cores.unwrap_or(1),
        may_add_lanes: args.pace.tx_cores.is_none(),
        beyond_target: args.target_end.beyond_target,
        limits: limits(&args.pace),
        cooldown: args.pace.cooldown.unwrap_or(probes.timeout),
        probes: ProbeOptions {
            rate,
            seed: Some(seed),
            ..probes
        },
        path,
        consume: !args.host.no_consume,
        output,
        resumed,
        arguments,
        dry_run: args.output.dry_run,
        targets: Arc::new(scope.targets),
    })
}

fn ttls(shape: &ShapeArgs) -> Result<(u8, u8)> {
    if let Some(ttl) = shape.ttl {
        return Ok((ttl, ttl));
    }
    if shape.ping {
        return Ok((PING_TTL, PING_TTL));
    }
    if shape.max_ttl < shape.first_ttl {
        return usage(format!(
            "--max-ttl {} is below --first-ttl {}: raise the one or lower the other",
            shape.max_ttl, shape.first_ttl
        ));
    }
    Ok((shape.first_ttl, shape.max_ttl))
}

/// Adaptive where there are paths to be followed, once, unless told otherwise.
fn probing(
    shape: &ShapeArgs,
    whole_paths: bool,
    (first_ttl, last_ttl): (u8, u8),
) -> Result<Probing> {
    let adaptive = Probing::Adaptive {
        gap_limit: shape.gap_limit.unwrap_or(GAP_LIMIT),
    };
    let hindrance = if first_ttl == last_ttl {
        Some("one TTL is no path".to_owned())
    } else if shape.rounds > 1 {
        Some("it probes each hop once, so --probes must be 1".to_owned())
    } else if last_ttl > MAX_TTL {
        Some(format!("it goes up to TTL {MAX_TTL}: lower --max-ttl"))
    } else {
        None
    };
    let probing = match (shape.probing, hindrance) {
        (Some(ProbingArg::Adaptive), Some(why)) => {
            return usage(format!(
                "--probing adaptive: {why}, or choose --probing full"
            ));
        }
        (Some(ProbingArg::Adaptive), None) => adaptive,
        // Whoever asks for paths with all their hops gets all hops.
        (None, None) if !whole_paths => adaptive,
        (Some(ProbingArg::Full) | None, _) => Probing::Full,
    };
    if probing == Probing::Full && shape.gap_limit.is_some() {
        return usage("--gap-limit is for --probing adaptive, and here all hops are probed");
    }
    Ok(probing)
}

fn rate(
    asked: Option<Rate>,
    bandwidth: Option<Bandwidth>,
    probes: &ProbeOptions,
    v6: bool,
) -> Option<u64> {
    if let Some(bandwidth) = bandwidth {
        let octets = SweepPlan::octets_on_wire(probes.protocol, v6, &probes.contact);
        return Some((bandwidth.0 / (octets * 8)).max(1));
    }
    match asked {
        Some(Rate::PerSecond(rate)) => Some(rate),
        Some(Rate::Max) => None,
        None => Some(DEFAULT_RATE),
    }
}

fn hop_rate(asked: Option<Rate>, public: bool) -> Option<u64> {
    match asked {
        Some(Rate::PerSecond(rate)) => Some(rate),
        Some(Rate::Max) => None,
        None => public.then_some(PUBLIC_HOP_RATE),
    }
}

/// Whoever probes the addresses of others fast says who it is.
fn anonymous_rate(scope: &Scope, probes: &ProbeOptions) -> Option<u64> {
    (scope.public && probes.contact.is_empty()).then_some(ANONYMOUS_RATE)
}

fn check_public(most: Option<u64>, rate: Option<u64>) -> Result<()> {
    match most {
        Some(most) if rate.is_none_or(|rate| rate > most) => usage(format!(
            "above {most} probes/s to public addresses say who sends them: --contact TEXT"
        )),
        _ => Ok(()),
    }
}

fn limits(pace: &SweepPaceArgs) -> Limits {
    Limits {
        runtime: pace.max_runtime.filter(|time| *time > Duration::ZERO),
        probes: pace.max_probes,
        response_rate: pace.min_response_rate,
        send_failures: pace.max_send_failures,
    }
}

fn check_source(source: Option<IpAddr>, scope: &Scope) -> Result<()> {
    let Some(source) = source else {
        return Ok(());
    };
    if source.is_ipv4() != scope.targets.is_v4_only() {
        return usage(format!(
            "--source {source} is not of the targets' IP version: add -4 or -6"
        ));
    }
    Ok(())
}

fn output(args: &SweepOutputArgs) -> Result<SweepOutput> {
    let format = match (args.json, args.format) {
        (true, _) | (_, RecordFormatArg::Jsonl) => RecordFormat::Jsonl,
        (_, RecordFormatArg::Csv) => RecordFormat::Csv,
        (_, RecordFormatArg::Parquet) => RecordFormat::Parquet,
        (_, RecordFormatArg::None) => RecordFormat::None,
    };
    let file = args.output.clone().filter(|path| !is_stdin(path));
    if format == RecordFormat::Parquet && file.is_none() {
        return usage("--format parquet writes a directory of files: name it with --output");
    }
    if args.paths && args.checkpoint.is_some() {
        return usage(
            "--paths writes at the end, so there is nothing to resume: leave --checkpoint out",
        );
    }
    let wanted = !args.paths && format != RecordFormat::None;
    let beside = file.as_ref().filter(|path| wanted && is_kept(path));
    Ok(SweepOutput {
        format,
        file: file.clone(),
        paths: args.paths,
        select: args.select.clone(),
        backlog: match args.on_backlog {
            BacklogArg::Wait => Backlog::Wait,
            BacklogArg::Drop => Backlog::Drop,
        },
        metadata: args.metadata.clone(),
        status: args.status_file.clone(),
        responders: args.responders.clone(),
        passing_checkpoint: args.checkpoint.is_none(),
        checkpoint: args
            .checkpoint
            .clone()
            .or_else(|| beside.map(|p| checkpoint_beside(p))),
        quiet: args.quiet,
    })
}

fn check_files(output: &SweepOutput, scope: &ScopeArgs) -> Result<()> {
    let checkpoint = output.checkpoint.as_deref();
    let (beside, named) = match output.passing_checkpoint {
        true => (checkpoint, None),
        false => (None, checkpoint),
    };
    let file = output.file.as_deref();
    Files {
        opened: &[
            ("--output", file),
            ("--status-file", output.status.as_deref()),
            ("the checkpoint of --output", beside),
        ],
        replaced: &[
            ("--metadata", output.metadata.as_deref()),
            ("--responders", output.responders.as_deref()),
            ("--checkpoint", named),
        ],
        read: &[
            ("--targets", scope.file.as_deref()),
            ("--exclude", scope.exclude.as_deref()),
        ],
        made: file.filter(|_| output.format == RecordFormat::Parquet),
    }
    .check()
}

/// Whether what is written there can be gone on with: no pipe, no device.
fn is_kept(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.is_file() || found.is_dir())
}

fn checkpoint_beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".checkpoint");
    name.into()
}
