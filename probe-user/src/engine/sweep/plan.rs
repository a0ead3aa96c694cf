//! A validated sweep.

use std::{path::PathBuf, sync::Arc, time::Duration};

use probe_common::{adaptive::Rules, plan::Space, probe::Tail};

use super::{
    checkpoint::Checkpoint,
    schedule::{Schedule, Shard},
    targets::TargetSet,
};
use crate::engine::plan::{PathOptions, ProbeOptions, TxMode};

/// A sweep, whole.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// What is probed.
    pub targets: Arc<TargetSet>,
    /// What was left out of it, and why.
    pub left_out: LeftOut,
    /// TTLs and flows.
    pub space: Space,
    /// Which of them are probed.
    pub probing: Probing,
    /// Probes for each (target, TTL, flow), one in each round.
    pub rounds: u32,
    /// Least time between the beginnings of two rounds.
    pub round_interval: Duration,
    /// Which part of the whole this run does.
    pub shard: Shard,
    /// Seed of the order.
    pub seed: u64,
    /// What probes look like. The rate: `None` is as fast as the caps allow.
    pub probes: ProbeOptions,
    /// Probes a second for each of the TTLs that all targets share, if there is a bound.
    pub hop_rate: Option<u64>,
    /// Probes a second at most to public addresses that are not told who sends.
    pub anonymous_rate: Option<u64>,
    /// What sends.
    pub tx: TxMode,
    /// Frames that leave the generator together; `None`: as the rate asks.
    pub tx_batch: Option<u32>,
    /// Share of the link's speed that probes may take.
    pub share_of_link: f64,
    /// Sending threads.
    pub lanes: u32,
    /// The generator may have more than that: nobody said how many.
    pub may_add_lanes: bool,
    /// A SYN sweep sends beyond a target that has answered.
    pub beyond_target: bool,
    /// When the run ends before its plan does.
    pub limits: Limits,
    /// How long replies are waited for after the last probe.
    pub cooldown: Duration,
    /// Where and how packets leave and are stamped.
    pub path: PathOptions,
    /// Replies end at XDP instead of going on to the host's stack.
    pub consume: bool,
    /// What is written where.
    pub output: SweepOutput,
    /// Where a run before this one ended.
    pub resumed: Option<Checkpoint>,
    /// The command line, without the program's name: for a checkpoint.
    pub arguments: Vec<String>,
    /// Print what would be done, send nothing.
    pub dry_run: bool,
}

/// Which probes of a plan are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// All.
    Full,
    /// Those that replies do not make unnecessary; paths end after a gap of so many
    /// silent hops.
    Adaptive {
        /// See above.
        gap_limit: u8,
    },
}

/// Addresses that the user named and that are not probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Named more than once.
    pub duplicates: u64,
    /// Of the IP version that was not asked for.
    pub other_family: u64,
    /// By the user's exclude file.
    pub excluded: u64,
    /// Special-purpose addresses.
    pub special: u64,
}

/// When a run ends before its plan does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Time of sending.
    pub runtime: Option<Duration>,
    /// Probes.
    pub probes: Option<u64>,
    /// Share of probes answered, below which the run is cut short.
    pub response_rate: Option<f64>,
    /// Probes that could not be sent, above which the run is cut short.
    pub send_failures: Option<u64>,
}

/// A format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// A directory of Parquet files.
    Parquet,
    /// None: aggregates and metadata only.
    None,
}

/// What happens if records come faster than they can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// Sending waits.
    Wait,
    /// Records are dropped, and counted.
    Drop,
}

/// What is written where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOutput {
    /// Format of records.
    pub format: RecordFormat,
    /// File (Parquet: directory) of records; `None`: standard output.
    pub file: Option<PathBuf>,
    /// One record for each target and flow, at the end, instead of one for each reply.
    pub paths: bool,
    /// Which replies are written; `None`: all.
    pub select: Option<String>,
    /// If records come too fast.
    pub backlog: Backlog,
    /// File of the metadata.
    pub metadata: Option<PathBuf>,
    /// File of the status, a CSV row a second.
    pub status: Option<PathBuf>,
    /// File of what each router answered.
    pub responders: Option<PathBuf>,
    /// File of the checkpoint.
    pub checkpoint: Option<PathBuf>,
    /// The checkpoint is taken away once nothing is left to do.
    pub passing_checkpoint: bool,
    /// No status and no notices on standard error.
    pub quiet: bool,
}

impl SweepPlan {
    /// The order of its probes; of an adaptive sweep that of its paths.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.steps(), self.seed, self.shard, self.rounds)
    }

    /// What is permuted: probes, or paths, each under its first TTL.
    pub fn steps(&self) -> Space {
        let Space {
            targets,
            flows,
            first_ttl,
            ..
        } = self.space;
        match self.probing {
            Probing::Full => self.space,
            Probing::Adaptive { .. } => Space::new(targets, first_ttl, first_ttl, flows),
        }
    }

    /// Probes of the plan, sent or spared; of a shard about so many.
    pub fn probes(&self) -> u64 {
        self.space.length() * u64::from(self.rounds) / u64::from(self.shard.of)
    }

    /// Least time between two probes of a lane with the same of the TTLs that all paths
    /// share, if there is a bound.
    pub fn hop_interval(&self) -> Option<Duration> {
        let of_lane = self.hop_rate? as f64 / f64::from(self.lanes);
        Some(Duration::from_secs_f64(1.0 / of_lane.max(1e-3)))
    }

    /// Bounds of all paths, of an adaptive sweep.
    pub fn rules(&self) -> Option<Rules> {
        let Probing::Adaptive { gap_limit } = self.probing else {
            return None;
        };
        let first = self.space.first_ttl;
        let last = u16::from(first) + self.space.ttls - 1;
        let last = u8::try_from(last).unwrap_or(u8::MAX);
        Some(Rules::new(first, last, gap_limit))
    }

    /// A hash of everything that decides which probes there are and in which
    /// order: a run may be resumed only if it is the same.
    pub fn digest(&self) -> u64 {
        let parts = [
            self.targets.digest(),
            u64::from(self.space.targets),
            u64::from(self.space.first_ttl) << 32
                | u64::from(self.space.ttls) << 16
                | u64::from(self.space.flows),
            u64::from(self.rounds),
            u64::from(self.shard.index) << 32 | u64::from(self.shard.of),
            self.seed,
            self.probes.protocol as u64,
            u64::from(self.probes.port) << 16
                | u64::from(self.probes.tos) << 8
                | u64::from(self.probes.tcp_ack),
            self.probes
                .flow_label
                .map_or(0, |label| 1 + u64::from(label)),
            match self.probing {
                Probing::Full => 0,
                Probing::Adaptive { gap_limit } => 1 + u64::from(gap_limit),
            },
        ];
        parts.into_iter().fold(0x243f_6a88_85a3_08d3, |hash, part| {
            let mixed = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ (mixed >> 29)
        })
    }

    /// Octets of a probe, without the Ethernet header.
    pub fn octets(protocol: probe_common::abi::Protocol, v6: bool, contact: &str) -> u64 {
        let probe = probe_common::probe::Probe {
            protocol,
            source: probe_common::Address::default(),
            destination: if v6 {
                probe_common::Address::from_v6([0x20; 16])
            } else {
                probe_common::Address::from_v4([192, 0, 2, 1])
            },
            ttl: 1,
            tos: 0,
            flow_label: 0,
            port: 0,
            destination_port: 0,
            seq16: 1,
            nonce: probe_common::identity::Nonce(1),
            ack: false,
        };
        let tail = Tail {
            length: contact.len().next_multiple_of(2) as u16,
            ..Tail::NONE
        };
        probe.length(tail).into()
    }

    /// Octets of a probe on an Ethernet wire: with header, padding, checksum,
    /// preamble and gap (IEEE 802.3).
    pub fn octets_on_wire(protocol: probe_common::abi::Protocol, v6: bool, contact: &str) -> u64 {
        let frame = (14 + Self::octets(protocol, v6, contact)).max(60);
        frame + 4 + 8 + 12
    }
}
