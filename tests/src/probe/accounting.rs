//! The one assertion about counters: every identity of the product's contract.

use super::metadata::{Counters, Metadata, sum};

/// Asserts that nothing was lost in silence: that all the identities hold.
///
/// # Panics
///
/// If one does not, with all of those and the counters.
#[track_caller]
pub fn assert_accounting(metadata: &Metadata) {
    let counters = &metadata.counters;
    let mut broken: Vec<String> = identities(counters)
        .into_iter()
        .filter(|(_, left, right)| left != right)
        .map(|(identity, left, right)| format!("{identity}: {left} is not {right}"))
        .collect();
    if metadata.sent != counters.sent {
        broken.push(format!("two numbers of probes sent: {}", metadata.sent));
    }
    assert!(
        broken.is_empty(),
        "{}\n{:?}\n{counters:#?}",
        broken.join("\n"),
        metadata.command
    );
}

/// Name, left side and right side of each. The last two tie what the receiver
/// counted to what the slots say at the end.
fn identities(c: &Counters) -> [(&'static str, u64, u64); 8] {
    [
        (
            "planned = skipped + failed + stamped",
            c.planned,
            sum(&c.skipped) + sum(&c.failed) + c.stamped,
        ),
        (
            "stamped = dropped_after_stamp + sent",
            c.stamped,
            c.dropped_after_stamp + c.sent,
        ),
        (
            "sent = answered + late_only + unanswered",
            c.sent,
            c.answered + c.late_only + c.unanswered,
        ),
        (
            "candidates = rejected for each reason + valid + late + duplicate",
            c.candidates,
            c.rejected() + c.valid + c.late + c.duplicate,
        ),
        (
            "valid + late + duplicate = delivered + ring_full",
            c.valid + c.late + c.duplicate,
            c.delivered + c.ring_full,
        ),
        (
            "delivered = recorded + filtered + backlog + unwritten",
            c.delivered,
            c.recorded + c.filtered + c.backlog + c.unwritten,
        ),
        ("valid = answered", c.valid, c.answered),
        ("late = late_only", c.late, c.late_only),
    ]
}
