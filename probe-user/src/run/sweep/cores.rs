//! How many processors the generator sends on, where nobody said.

use super::prepare;
use crate::{
    engine::{
        plan::TxMode,
        sweep::plan::{RecordFormat, SweepPlan},
    },
    io::{
        network::{Network, WayMap},
        processors,
    },
};

/// Probes a second that one lane is there for: on most machines it can do more, in larger
/// batches; half of it where each stamp is asked to be exact.
const OF_LANE: u64 = 1_000_000;
const OF_EXACT_LANE: u64 = 500_000;

/// Most lanes that nobody asked for.
const MOST: u32 = 4;

/// Lanes of a sweep at this rate (`None`: as fast as it goes). More lanes than queues
/// would overflow what they share, without going faster.
pub(super) async fn of_generator(
    plan: &SweepPlan,
    rate: Option<u64>,
    ways: &WayMap,
    network: &Network,
) -> u32 {
    let wanted = wanted(rate, plan.tx_batch).min(to_spare(plan));
    if wanted <= 1 {
        return 1;
    }
    wanted.min(queues(ways, network).await).max(1)
}

/// Lanes that a rate is worth, with the batch that was asked for.
fn wanted(rate: Option<u64>, batch: Option<u32>) -> u32 {
    let of_lane = match batch {
        Some(1) => OF_EXACT_LANE,
        _ => OF_LANE,
    };
    let lanes = rate.map(|rate| rate.div_ceil(of_lane));
    lanes.map_or(MOST, |lanes| lanes.min(u64::from(MOST)) as u32)
}

/// Processors that lanes may have: all, if that is asked for and no records are
/// written, which readers alone keep up with.
fn to_spare(plan: &SweepPlan) -> u32 {
    let all = processors::allowed().len();
    let is_alone = plan.tx == TxMode::Xdp && plan.output.format == RecordFormat::None;
    let lanes = if is_alone { all } else { all.saturating_sub(1) };
    u32::try_from(lanes).unwrap_or(MOST)
}

/// Queues of the device that has the fewest.
async fn queues(ways: &WayMap, network: &Network) -> u32 {
    let mut fewest = MOST;
    for ifindex in prepare::interfaces(ways) {
        fewest = fewest.min(network.send_queues(ifindex).await.unwrap_or(1));
    }
    fewest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begun_million_is_worth_a_lane_up_to_four_or_half_of_it_if_stamps_are_exact() {
        for (rate, batch, expected) in [
            (Some(1), None, 1),
            (Some(1_000_000), None, 1),
            (Some(1_000_001), None, 2),
            (Some(1_000_001), Some(4), 2),
            (Some(3_500_000), None, 4),
            (Some(500_000), Some(1), 1),
            (Some(1_000_000), Some(1), 2),
            (Some(u64::MAX), None, 4),
            (None, Some(1), 4),
        ] {
            assert_eq!(wanted(rate, batch), expected, "{rate:?} in {batch:?}");
        }
    }
}
