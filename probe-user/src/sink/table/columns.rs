//! The columns that every table of round-trip times has.

use super::grid::{Text, plain};
use crate::{
    engine::report::{Loss, Rtt},
    sink::text::{counted, percent, time},
};

/// A figure of [`Rtt`] and the least number of replies that gives it a meaning.
struct Figure {
    title: &'static str,
    least_replies: u64,
    /// The same for a single row, which is left empty.
    least_in_row: u64,
    of: fn(&Rtt) -> u64,
}

const FIGURES: [Figure; 9] = [
    figure(">min", 1, |rtt| rtt.min),
    figure(">mean", 1, |rtt| rtt.mean),
    figure(">p50", 1, |rtt| rtt.p50),
    figure(">p90", 10, |rtt| rtt.p90),
    figure(">p99", 100, |rtt| rtt.p99),
    figure(">p99.9", 1000, |rtt| rtt.p999),
    figure(">max", 1, |rtt| rtt.max),
    spread(">stddev", |rtt| rtt.stddev),
    spread(">jitter", |rtt| rtt.jitter),
];

const fn figure(title: &'static str, least_replies: u64, of: fn(&Rtt) -> u64) -> Figure {
    Figure {
        title,
        least_replies,
        least_in_row: 1,
        of,
    }
}

/// One reply has no spread.
const fn spread(title: &'static str, of: fn(&Rtt) -> u64) -> Figure {
    Figure {
        least_in_row: 2,
        ..figure(title, 1, of)
    }
}

/// The figures that `replies` give a meaning to: a 99th percentile of three
/// replies would be their maximum under another name.
pub(super) struct Figures {
    replies: u64,
}

impl Figures {
    /// Those that make sense for the greatest number of replies in a table.
    pub(super) fn of(replies: u64) -> Self {
        Self { replies }
    }

    /// Every figure.
    pub(super) fn all() -> Self {
        Self { replies: u64::MAX }
    }

    /// Titles for [`super::grid::Grid`].
    pub(super) fn titles(&self) -> impl Iterator<Item = &'static str> {
        self.shown().map(|figure| figure.title)
    }

    /// A cell for each title; empty without enough replies.
    pub(super) fn cells(&self, rtt: Option<&Rtt>) -> impl Iterator<Item = Text> {
        self.shown().map(move |figure| {
            let rtt = rtt.filter(|rtt| rtt.count >= figure.least_in_row);
            plain(rtt.map(|rtt| time((figure.of)(rtt))).unwrap_or_default())
        })
    }

    fn shown(&self) -> impl Iterator<Item = &'static Figure> {
        let replies = self.replies.max(1);
        FIGURES
            .iter()
            .filter(move |figure| figure.least_replies <= replies)
    }
}

/// The share that was lost, red if any was.
pub(super) fn loss(loss: &Loss) -> Text {
    super::grid::alarming(share(loss.ratio), is_some_lost(loss))
}

/// The share that was lost, if it is known.
pub(super) fn share(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), percent)
}

/// Whether any probe is known to be lost.
pub(super) fn is_some_lost(loss: &Loss) -> bool {
    loss.ratio.is_some_and(|ratio| ratio > 0.0)
}

/// Replies that are no measurements.
pub(super) fn extras(late: u64, duplicates: u64) -> Vec<String> {
    let mut extras = Vec::new();
    if late > 0 {
        extras.push(counted(late, "late", "late"));
    }
    if duplicates > 0 {
        extras.push(counted(duplicates, "duplicate", "duplicates"));
    }
    extras
}
