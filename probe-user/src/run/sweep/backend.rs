//! What sends: sockets, or the generator in the kernel.

use probe_common::{
    abi::{Generator as Constants, Protocol},
    adaptive::Rules,
    probe::Tail,
    wire::eth,
};

use super::{lane::AGAIN, prepare::Sizing};
use crate::{
    engine::{plan::TxMode, sweep::plan::SweepPlan, time::nanoseconds},
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
const BATCHES: [(u64, u32); 3] = [(600_000, 1), (1_200_000, 4), (1_600_000, 8)];
const LARGEST_BATCH: u32 = 16;

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
            TxMode::Auto if !fast => return Self::default(),
            TxMode::Auto | TxMode::Xdp => {}
        }
        let fitting = fitting(plan, ways).and_then(|layout| match plan.tx {
            TxMode::Auto if !spare => Err("no processor is to spare".to_owned()),
            _ => Ok(layout),
        });
        match fitting {
            Ok(layout) => Self {
                generator: Some(layout),
                notice: (plan.tx == TxMode::Auto).then(|| {
                    "the kernel's generator sends, for the sake of the rate: it takes processors \
                     for itself and passes qdiscs by (--tx-cores; --tx raw: sockets)"
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
        if let Some(why) = not_transmitting(ways, network).await {
            self.generator = None;
            self.notice = Some(fallback(&why));
        }
    }
}

/// Why the generator, that sends, cannot go these ways from now on.
pub(super) async fn unfit(ways: &WayMap, network: &Network) -> Option<String> {
    match generator::unfit(ways) {
        Some(why) => Some(why),
        None => not_transmitting(ways, network).await,
    }
}

/// The first of the drivers that do not send what programs redirect to them.
async fn not_transmitting(ways: &WayMap, network: &Network) -> Option<String> {
    for path in ways.paths() {
        if network.transmits_xdp(path.ifindex).await == Some(true) {
            continue;
        }
        let name = match network.interface(path.ifindex).await {
            Ok(interface) => interface.name.clone(),
            Err(_) => path.ifindex.to_string(),
        };
        return Some(format!(
            "the driver of {name} sends no redirected frames (ndo_xdp_xmit)"
        ));
    }
    None
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
    Layout::of(&plan.targets).map_err(str::to_owned)
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
    sizing: &Sizing,
    layout: &Layout,
    batch: u32,
) -> GeneratorSettings {
    // TCP probes carry no text.
    let contact = Contact::new(match plan.probes.protocol {
        Protocol::Tcp => "",
        Protocol::Icmp | Protocol::Udp => &plan.probes.contact,
    });
    let Tail { length, sum } = contact.tail();
    let mut tail = [0; 64];
    for (place, octet) in tail.iter_mut().zip(contact.text()) {
        *place = *octet;
    }
    let shape = packet::shape(&plan.probes);
    let schedule = plan.schedule();
    GeneratorSettings {
        constants: Constants {
            permutation: schedule.permutation(),
            space: plan.steps(),
            key: [0; 2],
            steps_of_round: schedule.steps_of_round(),
            round_interval_ns: nanoseconds(plan.round_interval),
            hop_interval_ns: plan.hop_interval().map_or(0, nanoseconds),
            again_before: plan.resumed.as_ref().map_or(0, |before| before.reserved),
            shard: plan.shard.index,
            shards: plan.shard.of,
            rounds: plan.rounds.min(AGAIN - 1),
            lanes: plan.lanes,
            runs: layout.runs(),
            v6: layout.is_v6().into(),
            batch,
            precise: u32::from(batch <= PRECISE),
            adaptive: plan.rules().is_some().into(),
            hint_mask: sizing.paths.map_or(0, |room| room.hint_mask),
            rules: plan.rules().unwrap_or(Rules::new(1, 1, 1)),
            port: shape.port,
            tail_length: length,
            tail_sum: sum.fold(),
            protocol: shape.protocol as u8,
            tos: shape.tos,
            ack: shape.ack.into(),
            reserved: [0; 3],
            flow_label: shape.flow_label.unwrap_or(Constants::OWN_LABELS),
            tail,
        },
        target_words: layout.words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Request, parse};

    fn plan(line: &str) -> SweepPlan {
        let args = ["probe", "sweep", "--allow-private", "--contact", "x"];
        let args = args.into_iter().chain(line.split_whitespace());
        match parse(args) {
            Ok(Request::Sweep(plan)) => *plan,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn choice(line: &str) -> Choice {
        let plan = plan(line);
        Choice::of(&plan, plan.probes.rate, &WayMap::default())
    }

    #[test]
    fn the_generator_is_chosen_where_it_is_worth_a_processor() {
        let spare = processors::allowed().len() > 1;
        for (line, is_chosen) in [
            ("--rate 199999 10.0.0.0/24", false),
            ("--rate 200k 10.0.0.0/24", spare),
            ("--rate max 10.0.0.0/24", spare),
            ("--rate max --tx-cores 64 10.0.0.0/24", false),
            ("--rate max --tx raw 10.0.0.0/24", false),
            ("--rate 10 --tx xdp 10.0.0.0/24", true),
            ("10.0.0.0/24", false),
        ] {
            let choice = choice(line);
            assert_eq!(choice.generator.is_some(), is_chosen, "{line}");
            // Who did not ask for it is told, and who could have it but for something.
            let fast = line.contains("--rate 200k") || line.contains("--rate max");
            let is_told = fast && !line.contains("--tx raw");
            assert_eq!(choice.notice.is_some(), is_told, "{line}");
        }
    }

    #[test]
    fn who_has_no_processor_to_spare_for_the_generator_is_told() {
        let all = processors::allowed().len();
        let choice = choice(&format!("--rate 250k --tx-cores {all} 10.0.0.0/24"));
        assert!(choice.generator.is_none());
        let notice = choice.notice.expect("a notice");
        assert!(notice.contains("no processor is to spare"), "{notice}");
    }

    #[test]
    fn what_the_generator_cannot_send_goes_by_sockets_and_the_user_is_told() {
        for (line, why) in [
            ("--tcp --tx xdp 10.0.0.0/24", "SYNs"),
            ("--tx xdp 10.0.0.0/24 fd10::/120", "both IP versions"),
            ("--tx xdp --tx-cores 64 10.0.0.0/24", "--tx-cores"),
        ] {
            let choice = choice(line);
            assert!(choice.generator.is_none(), "{line}");
            let notice = choice.notice.expect("a notice");
            assert!(
                notice.contains("sockets") && notice.contains(why),
                "{notice}"
            );
        }
        let acks = choice("--tcp --tcp-flags ack --tx xdp 10.0.0.0/24");
        assert!(acks.generator.is_some());
    }

    #[test]
    fn as_few_frames_leave_together_as_the_rate_of_a_lane_allows() {
        for (rate, lanes, expected) in [
            (Some(1), 1, 1),
            (Some(600_000), 1, 1),
            (Some(600_001), 1, 4),
            (Some(1_200_000), 2, 1),
            (Some(1_600_000), 1, 8),
            (Some(2_000_000), 1, 16),
            (Some(2_200_001), 1, 16),
            (None, 1, 16),
            (None, 2, 16),
        ] {
            let mut plan = plan("10.0.0.1");
            plan.lanes = lanes;
            assert_eq!(batch(&plan, rate), expected, "{rate:?} on {lanes}");
        }
        assert_eq!(batch(&plan("--tx-batch 7 10.0.0.1"), Some(1)), 7);
    }

    #[test]
    fn stamps_are_exact_only_in_small_batches() {
        let plan = plan("10.0.0.0/24");
        let layout = Layout::of(&plan.targets).expect("one family");
        let precise = |batch| {
            let settings = settings(&plan, &Sizing::of(&plan, None, true), &layout, batch);
            settings.constants.precise
        };
        assert_eq!((precise(1), precise(8), precise(9)), (1, 1, 0));
    }

    #[test]
    fn the_contact_text_is_for_probes_that_carry_it() {
        let tail = |line| {
            let plan = plan(line);
            let layout = Layout::of(&plan.targets).expect("one family");
            let settings = settings(&plan, &Sizing::of(&plan, None, true), &layout, 1);
            let constants = settings.constants;
            (constants.tail_length, constants.tail_sum, constants.tail[0])
        };
        let text = (2, u16::from_be_bytes(*b"x "), b'x');
        assert_eq!(tail("--icmp 10.0.0.1"), text);
        assert_eq!(tail("--udp 10.0.0.1"), text);
        assert_eq!(tail("--tcp --tcp-flags ack 10.0.0.1"), (0, 0, 0));
    }

    #[test]
    fn a_frame_has_at_least_the_octets_that_ethernet_asks_for() {
        let bare = |line| {
            let mut plan = plan(line);
            plan.probes.contact = String::new();
            plan
        };
        assert_eq!(octets(&bare("--udp 10.0.0.1"), false), LEAST_FRAME);
        let mut with_text = plan("--udp 10.0.0.1");
        with_text.probes.contact = "a text of some forty octets in its length".into();
        assert!(octets(&with_text, false) > LEAST_FRAME);
        assert!(octets(&bare("--udp fd10::1"), true) > LEAST_FRAME);
    }
}
