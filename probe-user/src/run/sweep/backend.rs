//! What sends: sockets, or the generator in the kernel.

use probe_common::{abi::Generator as Constants, probe::Tail, wire::eth};

use super::lane::AGAIN;
use crate::{
    engine::{
        plan::TxMode,
        sweep::{plan::SweepPlan, schedule::Schedule},
        time::nanoseconds,
    },
    io::{
        bpf::GeneratorSettings,
        generator::{self, Layout},
        network::{Network, WayMap},
        processors,
        transmit::Contact,
    },
    run::packet,
};

/// From this rate on the generator is worth a processor of its own.
const WORTH_IT: u64 = 200_000;

/// Up to these rates, so many frames leave together: few enough to be stamped close
/// to their departure, and enough for the rate.
const BATCHES: [(u64, u32); 4] = [
    (600_000, 1),
    (1_200_000, 4),
    (1_600_000, 8),
    (2_200_000, 16),
];
const LARGEST_BATCH: u32 = 32;

/// Batches up to this are worth a reading of the clock for each stamp.
const PRECISE: u32 = 8;

/// Octets of the least frame of Ethernet, without its checksum (IEEE 802.3).
const LEAST_FRAME: usize = 60;

/// What the generator would be given, and what the user should know of the choice.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) generator: Option<Layout>,
    pub(super) notice: Option<String>,
}

impl Choice {
    /// Chooses by what is known before anything is attached, for this rate.
    pub(super) fn of(plan: &SweepPlan, rate: Option<u64>, ways: &WayMap) -> Self {
        let fast = rate.is_none_or(|rate| rate >= WORTH_IT);
        let spare = processors::allowed().len() > plan.lanes as usize;
        match plan.tx {
            TxMode::Raw => return Self::default(),
            TxMode::Auto if !fast || !spare => return Self::default(),
            TxMode::Auto | TxMode::Xdp => {}
        }
        match fitting(plan, ways) {
            Ok(layout) => Self {
                generator: Some(layout),
                notice: (plan.tx == TxMode::Auto).then(|| {
                    "the kernel's generator sends, for the sake of the rate: it takes a processor \
                     and passes qdiscs by (--tx raw: sockets)"
                        .to_owned()
                }),
            },
            Err(why) => Self {
                generator: None,
                notice: Some(fallback(&why)),
            },
        }
    }

    /// Takes the choice back where a driver, once programs are attached, does not send
    /// what they redirect.
    pub(super) async fn confirm(&mut self, ways: &WayMap, network: &Network) {
        if self.generator.is_none() {
            return;
        }
        for path in ways.paths() {
            if network.transmits_xdp(path.ifindex).await == Some(true) {
                continue;
            }
            let name = match network.interface(path.ifindex).await {
                Ok(interface) => interface.name.clone(),
                Err(_) => path.ifindex.to_string(),
            };
            self.generator = None;
            self.notice = Some(fallback(&format!(
                "the driver of {name} sends no redirected frames (ndo_xdp_xmit)"
            )));
            return;
        }
    }
}

fn fallback(why: &str) -> String {
    format!("sockets send, not the kernel's generator: {why}")
}

/// The targets as the generator finds them; else, why it cannot send the plan.
fn fitting(plan: &SweepPlan, ways: &WayMap) -> Result<Layout, String> {
    if plan.probes.opens_connections() {
        return Err("SYNs to a target wait for one another".into());
    }
    if let Some(why) = generator::unfit(ways) {
        return Err(why);
    }
    let processors = processors::allowed().len();
    if plan.lanes as usize > processors {
        return Err(format!("{processors} processors are fewer than --tx-cores"));
    }
    Layout::of(&plan.targets).ok_or_else(|| "targets are of both IP versions".to_owned())
}

/// Frames that leave together.
pub(super) fn batch(plan: &SweepPlan, rate: Option<u64>) -> u32 {
    if let Some(batch) = plan.tx_batch {
        return batch;
    }
    let of_lane = rate.map_or(u64::MAX, |rate| rate / u64::from(plan.lanes));
    let enough = BATCHES.iter().find(|(most, _)| of_lane <= *most);
    enough.map_or(LARGEST_BATCH, |(_, batch)| *batch)
}

/// Octets of each frame.
pub(super) fn octets(plan: &SweepPlan, v6: bool) -> usize {
    let octets = SweepPlan::octets(plan.probes.protocol, v6, &plan.probes.contact);
    let least = if v6 { 0 } else { LEAST_FRAME };
    (eth::LENGTH + octets as usize).max(least)
}

/// The constants of the generator, but for its secret.
pub(super) fn settings(
    plan: &SweepPlan,
    schedule: &Schedule,
    layout: &Layout,
    batch: u32,
) -> GeneratorSettings {
    let contact = Contact::new(&plan.probes.contact);
    let Tail { length, sum } = contact.tail();
    let mut tail = [0; 64];
    for (place, octet) in tail.iter_mut().zip(contact.text()) {
        *place = *octet;
    }
    let shape = packet::shape(&plan.probes);
    GeneratorSettings {
        constants: Constants {
            permutation: schedule.permutation(),
            space: plan.space,
            key: [0; 2],
            steps_of_round: schedule.steps_of_round(),
            round_interval_ns: nanoseconds(plan.round_interval),
            again_before: plan.resumed.as_ref().map_or(0, |before| before.reserved),
            shard: plan.shard.index,
            shards: plan.shard.of,
            rounds: plan.rounds.min(AGAIN - 1),
            lanes: plan.lanes,
            runs: layout.runs(),
            v6: layout.is_v6().into(),
            batch,
            precise: u32::from(batch <= PRECISE),
            port: shape.port,
            tail_length: length,
            tail_sum: sum.fold(),
            protocol: shape.protocol as u8,
            tos: shape.tos,
            ack: shape.ack.into(),
            reserved: [0; 7],
            tail,
        },
        target_words: layout.words(),
    }
}
