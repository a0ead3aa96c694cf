//! What a sweep would do.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use super::{backend::Choice, choose, start::notify, status::clock};
use crate::{
    engine::sweep::plan::{Probing, SweepPlan},
    error::{Error, Outcome, Result},
    io::network::{Network, WayMap},
    sink::text::{count, counted},
};

/// Prints what would be done.
pub(super) async fn run(mut plan: SweepPlan, network: &Network, ways: &WayMap) -> Result<Outcome> {
    let (choice, sizing) = choose(&mut plan, network, ways).await;
    for notice in [&sizing.notice, &choice.notice].into_iter().flatten() {
        notify(&plan, notice);
    }
    let mut text = of_ways(network, ways).await;
    text += &of_sender(&choice, plan.lanes);
    text += &of_probes(&plan, sizing.rate);
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::CutShort(format!("cannot write the plan: {error}")))
        }
        _ => Ok(Outcome::Done),
    }
}

async fn of_ways(network: &Network, ways: &WayMap) -> String {
    let mut text = String::new();
    for path in ways.paths() {
        let interface = network.interface(path.ifindex).await;
        let name = interface.map_or_else(|_| path.ifindex.to_string(), |found| found.name.clone());
        text += &format!("way: from {} by {name}\n", path.source);
    }
    text
}

fn of_sender(choice: &Choice, lanes: u32) -> String {
    let sender = match choice.generator {
        Some(_) => "the kernel's generator",
        None => "sockets",
    };
    let processors = counted(u64::from(lanes), "processor", "processors");
    format!("sender: {sender}, {processors}\n")
}

fn of_probes(plan: &SweepPlan, rate: Option<u64>) -> String {
    let probes = plan.probes();
    let most = match plan.probing {
        Probing::Full => "",
        Probing::Adaptive { .. } => "at most ",
    };
    let duration = rate.map_or_else(String::new, |rate| {
        let seconds = probes / rate.max(1);
        format!(
            ", {most}{} at {}/s",
            clock(Duration::from_secs(seconds)),
            count(rate)
        )
    });
    format!(
        "{most}{} to {}{duration}; seed {}\n",
        counted(probes, "probe", "probes"),
        counted(u64::from(plan.targets.len()), "target", "targets"),
        plan.seed,
    )
}
