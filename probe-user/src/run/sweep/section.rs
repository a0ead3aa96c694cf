//! What the metadata and the summary of a sweep say.

use probe_common::Address;
use serde::Serialize;

use super::{finish::Harvest, result::SPARED, start::Sweep};
use crate::{
    engine::{
        answer::ip,
        report::{ResponderReport, RttSummary, TtlSpan},
        sweep::{
            aggregate::{Aggregate, TtlTally},
            plan::Probing,
        },
    },
    run::packet,
    sink::sweep_summary::{Row, Spared, Totals},
};

/// The part of the metadata that only a sweep has.
#[derive(Debug, Serialize)]
pub(in crate::run) struct SweepSection {
    targets: u64,
    target_bytes: u64,
    left_out: LeftOut,
    first_ttl: u8,
    ttls: u16,
    flows: u16,
    rounds: u32,
    probe: Sent,
    /// `full` or `adaptive`.
    probing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_limit: Option<u8>,
    shard: u32,
    shards: u32,
    /// Steps of the schedule that are done, and all there are.
    cursor: u64,
    steps: u64,
    lanes: u32,
    /// What sent: `sockets` or `generator`.
    tx: &'static str,
    /// Frames that left the generator together, and how long the first of a batch
    /// waited for its end: how much earlier than its departure its stamp can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_batch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_span: Option<Span>,
    slots: u64,
    /// Absent: as fast as it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    /// Probes that the rate allowed and a stall kept from leaving.
    shortfall: u64,
    /// Waits for a slot that nobody waits for any more.
    slot_waits: u64,
    /// Waits for replies to be read, or records to be written.
    backlog_waits: u64,
    /// Packets, replies or not, that the devices dropped on their way in.
    device_drops: u64,
    responders: u64,
    other_responders_replies: u64,
    hops: Vec<Row>,
    /// Probes among `hops[].sent` that the driver refused, without a word of which.
    hops_refused: u64,
}

/// How probes left: what quotes are held against.
#[derive(Debug, Serialize)]
struct Sent {
    /// TOS or traffic class.
    tos: u8,
    /// IP header included, octets.
    ipv4_length: u16,
    ipv6_length: u16,
}

/// From the first stamp of a batch to its end, nanoseconds.
#[derive(Debug, Serialize)]
struct Span {
    mean_ns: u64,
    max_ns: u64,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    duplicates: u64,
    other_family: u64,
    excluded: u64,
    special: u64,
}

impl SweepSection {
    pub(super) fn of(sweep: &Sweep, harvest: &Harvest) -> Self {
        let plan = &sweep.plan;
        Self {
            targets: u64::from(plan.targets.len()),
            target_bytes: plan.targets.memory_bytes() as u64,
            left_out: LeftOut {
                duplicates: plan.left_out.duplicates,
                other_family: plan.left_out.other_family,
                excluded: plan.left_out.excluded,
                special: plan.left_out.special,
            },
            first_ttl: plan.space.first_ttl,
            ttls: plan.space.ttls,
            flows: plan.space.flows,
            rounds: plan.rounds,
            probe: Sent {
                tos: plan.probes.tos,
                ipv4_length: packet::length(&plan.probes, Address::from_v4([0; 4])),
                ipv6_length: packet::length(&plan.probes, Address::from_v6([0xfd; 16])),
            },
            probing: match plan.probing {
                Probing::Full => "full",
                Probing::Adaptive { .. } => "adaptive",
            },
            gap_limit: match plan.probing {
                Probing::Full => None,
                Probing::Adaptive { gap_limit } => Some(gap_limit),
            },
            shard: plan.shard.index,
            shards: plan.shard.of,
            cursor: harvest.cursor.min(sweep.schedule.steps()),
            steps: sweep.schedule.steps(),
            lanes: plan.lanes,
            tx: match sweep.batch {
                Some(_) => "generator",
                None => "sockets",
            },
            tx_batch: sweep.batch,
            tx_span: sweep.batch.map(|_| Span {
                mean_ns: harvest.spans.sum_ns / harvest.spans.batches.max(1),
                max_ns: harvest.spans.longest_ns,
            }),
            slots: sweep.slots,
            rate: sweep.rate,
            shortfall: harvest.shortfall,
            slot_waits: harvest.slot_waits,
            backlog_waits: harvest.held,
            device_drops: sweep.device_drops,
            responders: harvest.aggregate.responders().count() as u64,
            other_responders_replies: harvest.aggregate.other_replies,
            hops: Self::rows(harvest),
            hops_refused: harvest.refused_somewhere,
        }
    }

    /// A row for each TTL that probes were sent with.
    pub(super) fn rows(harvest: &Harvest) -> Vec<Row> {
        let taken = (0..=u8::MAX).zip(&harvest.taken_by_ttl);
        taken
            .filter(|(_, taken)| **taken > 0)
            .map(|(ttl, taken)| row(ttl, *taken, &harvest.aggregate))
            .collect()
    }

    pub(super) fn totals(sweep: &Sweep, harvest: &Harvest) -> Totals {
        let account = &harvest.accounting;
        let skipped = |reason| account.skipped.get(reason).copied().unwrap_or(0);
        let [target_reached, gap_limit, known_path] = SPARED.map(skipped);
        let spared = Spared {
            target_reached,
            gap_limit,
            known_path,
        };
        Totals {
            spared,
            targets: u64::from(sweep.plan.targets.len()),
            sent: account.sent,
            seconds: harvest.send_seconds,
            answered: account.answered,
            late: account.late,
            duplicates: account.duplicate,
            never_sent: account.skipped.values().sum::<u64>()
                - (target_reached + gap_limit + known_path)
                + account.failed.values().sum::<u64>()
                + account.dropped_after_stamp,
            ring_full: account.ring_full,
            refused_somewhere: harvest.refused_somewhere,
            device_drops: sweep.device_drops,
            backlog: account.backlog,
            unwritten: account.unwritten,
            responders: harvest.aggregate.responders().count() as u64,
            responders_complete: harvest.aggregate.other_replies == 0,
            extensions: harvest.extensions,
        }
    }
}

/// What each router answered, most replies first.
pub(super) fn responders_of(aggregate: &Aggregate) -> Vec<ResponderReport> {
    let mut reports: Vec<_> = aggregate
        .responders()
        .map(|(address, tally)| ResponderReport {
            responder: ip(*address),
            replies: tally.replies,
            ttls: TtlSpan {
                min: tally.first_ttl,
                max: tally.last_ttl,
            },
            rtt_ns: tally.rtt.quantile(0.5).map(|p50| RttSummary {
                min: tally.min_ns,
                mean: (tally.sum_ns / u128::from(tally.rtt.total().max(1))) as u64,
                p50,
                max: tally.max_ns,
            }),
            kinds: tally.kinds(),
        })
        .collect();
    reports.sort_by_key(|report| (std::cmp::Reverse(report.replies), report.responder));
    reports
}

fn row(ttl: u8, sent: u64, aggregate: &Aggregate) -> Row {
    let nothing = TtlTally::default();
    let tally = aggregate.ttl(ttl).unwrap_or(&nothing);
    let quantile = |share| tally.rtt.quantile(share);
    Row {
        ttl,
        sent,
        answered: tally.answered,
        reached: tally.reached,
        late: tally.late,
        duplicates: tally.duplicates,
        p1_ns: quantile(0.01),
        p50_ns: quantile(0.5),
        p90_ns: quantile(0.9),
        p99_ns: quantile(0.99),
        p999_ns: quantile(0.999),
        max_ns: quantile(1.0),
    }
}
