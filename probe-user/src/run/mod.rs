//! Joins the engine to `io`: the only place that waits.

mod attach;
mod clocks;
mod describe;
mod drive;
mod equip;
mod examine;
mod finish;
mod follow;
mod host;
mod intervals;
mod metadata;
mod packet;
mod quality;
mod receive;
mod reports;
mod scrape;
mod sender;
mod sessions;
mod sizing;
mod stamps;
mod status;
mod sweep;
mod ways;

use std::io::{ErrorKind, Write as _};

use probe_common::abi::Protocol;

use self::ways::Ways;
use crate::{
    cli::{Request, dry_run},
    engine::{
        plan::{Job, Plan},
        sweep::plan::SweepPlan,
    },
    error::{Error, Outcome, Result},
    io::{doctor, network::Network},
    sink,
};

/// Carries out what the user asked for.
///
/// # Errors
///
/// One line that says what failed, on what, and what to do; its kind gives the
/// exit code. What was measured before is written.
pub fn carry_out(request: Request) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Environment(format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        match request {
            Request::Run(plan) => conduct(*plan).await,
            Request::Sweep(plan) => survey(*plan).await,
            Request::Doctor(options) => examine::examine(&options).await,
        }
    });
    // A resolver that does not answer must not hold the end up.
    runtime.shutdown_background();
    result
}

async fn survey(plan: SweepPlan) -> Result<Outcome> {
    if !plan.dry_run {
        doctor::kernel_version()?;
        doctor::privileges()?;
    }
    let network = Network::open()?;
    sweep::sweep(plan, &network).await
}

async fn conduct(mut plan: Plan) -> Result<Outcome> {
    if !plan.dry_run {
        doctor::kernel_version()?;
        doctor::privileges()?;
    }
    let network = Network::open()?;
    // What very many of them took is needed for their state.
    let targets = std::mem::take(&mut plan.targets);
    let named = targets.len();
    let ways = ways::find(&plan, targets, &network).await?;
    let plan = &plan;
    if plan.dry_run {
        return dry_run(plan, &network, &ways).await;
    }
    let sink = sink::open(plan, named, notes(plan))?;
    let equipment = equip::equip(plan, &network, &ways).await?;
    match &plan.job {
        Job::Trace(options) => {
            let engine = sessions::traces(plan, options, &ways);
            drive::drive(plan, &network, ways, equipment, engine, sink).await
        }
        Job::Ping(options) => {
            let engine = sessions::pings(plan, options, &ways);
            drive::drive(plan, &network, ways, equipment, engine, sink).await
        }
    }
}

/// Sentences that a reader of a table should know.
fn notes(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.probes.flows > 1 && plan.probes.protocol == Protocol::Icmp {
        notes.push(
            "ICMP: many routers, Linux among them, balance ICMP by addresses only, so all flows \
             take one path; --udp or --tcp shows the others"
                .into(),
        );
    }
    notes
}

/// Prints what would be done.
async fn dry_run(plan: &Plan, network: &Network, ways: &Ways) -> Result<Outcome> {
    let mut rows = Vec::new();
    for way in &ways.found {
        let interface = network.interface(way.path.ifindex).await;
        rows.push(dry_run::Way {
            target: way.target.clone(),
            source: Some(way.path.source),
            interface: interface.ok().map(|interface| interface.name.clone()),
        });
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(dry_run::render(plan, &rows).as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::CutShort(format!("cannot write the plan: {error}")))
        }
        _ if ways.lost.is_empty() => Ok(Outcome::Done),
        _ => {
            for line in &ways.lost {
                eprintln!("probe: {line}");
            }
            Ok(Outcome::Incomplete)
        }
    }
}
