//! A sweep's threads and the loop that minds them.
//!
//! ```text
//! lane (a thread for each sending core) ──> kernel ──> reader (one for each ring)
//!    ^ orders: rate, hold, stop, ways                    │ batches of events
//!    │                                                   v
//! conduct (signals, routes, limits, status, checkpoint)  writer ──> sink
//! ```

mod backend;
mod burst;
mod ceiling;
mod conduct;
mod control;
mod cores;
mod dry;
mod finish;
mod generate;
mod lane;
mod limits;
mod prepare;
mod reader;
mod result;
mod save;
mod section;
mod start;
mod status;
mod walk;
mod writer;

pub(super) use self::section::SweepSection;

use crate::{
    engine::sweep::plan::SweepPlan,
    error::{Error, Outcome, Result},
    io::network::{Network, Via, WayMap},
};

/// Carries a sweep out.
pub(super) async fn sweep(mut plan: SweepPlan, network: &Network) -> Result<Outcome> {
    let ways = find_ways(&plan, network).await?;
    if plan.dry_run {
        return dry::run(plan, network, &ways).await;
    }
    if let Some(error) = ways.first_error() {
        let count = ways.unroutable();
        start::notify(
            &plan,
            &format!("no way to {count} targets, which are skipped: {error}"),
        );
    }
    let (choice, sizing) = choose(&mut plan, network, &ways).await;
    let equipment = prepare::equip(&mut plan, &sizing, choice, network, &ways).await?;
    let changes = network.watch()?;
    network.keep_neighbours_fresh();
    let sweep = start::start(plan, &sizing, equipment, ways)?;
    conduct::conduct(sweep, network, changes).await
}

/// What sends, on how many processors, and what that takes.
async fn choose(
    plan: &mut SweepPlan,
    network: &Network,
    ways: &WayMap,
) -> (backend::Choice, prepare::Sizing) {
    let brake = prepare::brake(plan, network, ways).await;
    let rate = prepare::Sizing::of(plan, brake.clone(), false).rate;
    let choice = backend::Choice::of(plan, rate, ways);
    if choice.generator.is_some() && plan.may_add_lanes {
        plan.lanes = cores::of_generator(plan, rate, ways, network).await;
    }
    let sizing = prepare::Sizing::of(plan, brake, choice.generator.is_some());
    (choice, sizing)
}

/// The ways to all targets.
async fn find_ways(plan: &SweepPlan, network: &Network) -> Result<WayMap> {
    let via = Via {
        interface: plan.path.interface.clone(),
        source: plan.path.source,
    };
    let ways = network.map_ways(plan.targets.intervals(), &via).await?;
    if ways.paths().next().is_some() {
        return Ok(ways);
    }
    Err(match ways.into_first_error() {
        Some(error) => error.into(),
        None => Error::Usage("nothing left to probe: there are no targets".into()),
    })
}
