//! What a sweep came to, for people: a row for each TTL, and the sums.

use serde::Serialize;

use super::{
    table::grid::{Grid, plain},
    text::{count, counted, percent, time},
};
use crate::engine::report::{ExtensionCounts, Unread};

/// A TTL. Times are nanoseconds, of first replies within the timeout; percentiles
/// are known to 3 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// TTL or hop limit.
    pub ttl: u8,
    /// Probes that the kernel took.
    pub sent: u64,
    /// First replies within the timeout.
    pub answered: u64,
    /// Of these, from the target itself.
    pub reached: u64,
    /// First replies after the timeout.
    pub late: u64,
    /// Further replies.
    pub duplicates: u64,
    /// First percentile of the round-trip time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p1_ns: Option<u64>,
    /// Median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_ns: Option<u64>,
    /// 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p999_ns: Option<u64>,
    /// The greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ns: Option<u64>,
}

/// Probes that replies made unnecessary, by what they told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spared {
    /// The target answered at a lower TTL.
    pub target_reached: u64,
    /// There was a gap of silence before.
    pub gap_limit: u64,
    /// The way to a router further on is known.
    pub known_path: u64,
}

/// The sums of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    /// Targets.
    pub targets: u64,
    /// Probes that left.
    pub sent: u64,
    /// From the first probe to the last.
    pub seconds: f64,
    /// Probes answered in time.
    pub answered: u64,
    /// First replies after the timeout.
    pub late: u64,
    /// Further replies.
    pub duplicates: u64,
    /// Probes that replies made unnecessary.
    pub spared: Spared,
    /// Probes that never left.
    pub never_sent: u64,
    /// Replies lost because a ring was full.
    pub ring_full: u64,
    /// Probes in the rows that the driver refused, without a word of which.
    pub refused_somewhere: u64,
    /// Packets, replies or not, that the devices dropped on their way in.
    pub device_drops: u64,
    /// Replies dropped because the output could not keep up.
    pub backlog: u64,
    /// Replies lost because the output failed.
    pub unwritten: u64,
    /// Routers that answered.
    pub responders: u64,
    /// Whether these are all.
    pub responders_complete: bool,
    /// What routers said behind quotes.
    pub extensions: ExtensionCounts,
}

/// The table and the sums; every line ends in a line feed.
pub fn render(rows: &[Row], totals: &Totals) -> String {
    if totals.sent == 0 {
        return format!("nothing was sent ({})\n", lost(totals));
    }
    let titles = [
        ">ttl",
        ">sent",
        ">answered",
        ">",
        ">by target",
        ">p50",
        ">p90",
        ">p99",
    ];
    let mut grid = Grid::new(titles, false);
    for row in rows {
        let time = |ns: Option<u64>| plain(ns.map_or_else(String::new, time));
        grid.row(vec![
            plain(row.ttl.to_string()),
            plain(count(row.sent)),
            plain(count(row.answered)),
            plain(percent(row.answered as f64 / row.sent.max(1) as f64)),
            plain(count(row.reached)),
            time(row.p50_ns),
            time(row.p90_ns),
            time(row.p99_ns),
        ]);
    }
    grid.render() + &beside(totals) + &sums(totals)
}

/// Why the rows do not add up to the sums.
fn beside(totals: &Totals) -> String {
    let mut text = String::new();
    if totals.refused_somewhere > 0 {
        text += &format!(
            "rows: {} under \"sent\" were refused by the driver, which does not say at which TTL\n",
            counted(totals.refused_somewhere, "probe", "probes")
        );
    }
    if totals.ring_full > 0 {
        text += &format!(
            "rows: {} that a full ring lost are not under \"answered\"\n",
            counted(totals.ring_full, "reply", "replies")
        );
    }
    text
}

fn sums(totals: &Totals) -> String {
    let rate = if totals.seconds > 0.0 {
        format!(
            " in {:.1} s ({}/s)",
            totals.seconds,
            count((totals.sent as f64 / totals.seconds).round() as u64)
        )
    } else {
        String::new()
    };
    let least = if totals.responders_complete {
        ""
    } else {
        "at least "
    };
    format!(
        "{} to {}{rate}; {} answered ({}), {} late, {}; {least}{}\n{}{}lost here: {}\n",
        counted(totals.sent, "probe", "probes"),
        counted(totals.targets, "target", "targets"),
        count(totals.answered),
        percent(totals.answered as f64 / totals.sent.max(1) as f64),
        count(totals.late),
        counted(totals.duplicates, "duplicate", "duplicates"),
        counted(totals.responders, "router", "routers"),
        spared(totals),
        unread(&totals.extensions),
        lost(totals),
    )
}

/// A line on what was not sent because it would have told nothing new.
fn spared(totals: &Totals) -> String {
    let Spared {
        target_reached,
        gap_limit,
        known_path,
    } = totals.spared;
    let all = target_reached + gap_limit + known_path;
    if all == 0 {
        return String::new();
    }
    let share = all as f64 / (all + totals.sent + totals.never_sent) as f64;
    format!(
        "spared: {} ({}): {} beyond targets, {} behind gaps, {} on known ways\n",
        counted(all, "probe", "probes"),
        percent(share),
        count(target_reached),
        count(gap_limit),
        count(known_path),
    )
}

/// A line on extensions that could not be read, by reason.
fn unread(counts: &ExtensionCounts) -> String {
    let Unread {
        length,
        version,
        checksum,
        object,
    } = counts.unread;
    if counts.unread.sum() == 0 {
        return String::new();
    }
    let reasons = [
        (length, "length"),
        (version, "version"),
        (checksum, "checksum"),
        (object, "objects"),
    ];
    format!(
        "extensions: {} read, {} not: {}\n",
        count(counts.read),
        count(counts.unread.sum()),
        listed(&reasons)
    )
}

/// What was lost on this host, by cause.
fn lost(totals: &Totals) -> String {
    let causes = [
        (totals.never_sent, "never sent"),
        (totals.ring_full, "ring full"),
        (totals.device_drops, "dropped by the device"),
        (totals.backlog, "output too slow"),
        (totals.unwritten, "not written"),
    ];
    let causes = listed(&causes);
    if causes.is_empty() {
        return "nothing".into();
    }
    causes
}

/// Those that are not none.
fn listed(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(number, _)| *number > 0);
    let some = some.map(|(number, name)| format!("{} {name}", count(*number)));
    some.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: Totals = Totals {
        targets: 65_536,
        sent: 131_072,
        seconds: 2.0,
        answered: 98_304,
        late: 3,
        duplicates: 1,
        spared: Spared {
            target_reached: 0,
            gap_limit: 0,
            known_path: 0,
        },
        never_sent: 0,
        ring_full: 0,
        refused_somewhere: 0,
        device_drops: 0,
        backlog: 0,
        unwritten: 0,
        responders: 40,
        responders_complete: true,
        extensions: ExtensionCounts {
            read: 7,
            unread: Unread {
                length: 0,
                version: 0,
                checksum: 0,
                object: 0,
            },
        },
    };

    #[test]
    fn a_sweep_is_a_row_for_each_ttl_and_its_sums() {
        let row = |ttl, answered, reached| Row {
            ttl,
            sent: 65_536,
            answered,
            reached,
            late: 0,
            duplicates: 0,
            p1_ns: None,
            p50_ns: Some(1_250_000),
            p90_ns: Some(2_000_000),
            p99_ns: (reached > 0).then_some(20_000_000),
            p999_ns: None,
            max_ns: None,
        };
        let text = render(&[row(1, 65_536, 0), row(12, 32_768, 30_000)], &TOTALS);
        let expected = "\
ttl    sent  answered        by target   p50   p90   p99
  1  65,536    65,536  100%          0  1.25ms  2ms
 12  65,536    32,768   50%     30,000";
        let words = |text: &str| -> Vec<String> {
            text.split_whitespace().map(ToOwned::to_owned).collect()
        };
        assert_eq!(words(&text)[..6], words(expected)[..6], "{text}");
        assert!(
            text.contains("131,072 probes to 65,536 targets in 2.0 s (65,536/s)"),
            "{text}"
        );
        assert!(text.ends_with("lost here: nothing\n"), "{text}");
    }

    #[test]
    fn what_was_spared_has_a_line_of_its_own() {
        let spared = Spared {
            target_reached: 300_000,
            gap_limit: 50_000,
            known_path: 43_216,
        };
        let text = render(&[], &Totals { spared, ..TOTALS });
        let line = "spared: 393,216 probes (75 %): 300,000 beyond targets, 50,000 behind gaps, \
                    43,216 on known ways";
        assert!(text.contains(line), "{text}");
        assert!(!render(&[], &TOTALS).contains("spared"));
    }

    #[test]
    fn extensions_that_could_not_be_read_are_named_by_reason() {
        let mut totals = TOTALS;
        totals.extensions.unread.checksum = 1_200;
        totals.extensions.unread.object = 3;
        let text = render(&[], &totals);
        let line = "extensions: 7 read, 1,203 not: 1,200 checksum, 3 objects\n";
        assert!(text.contains(line), "{text}");
        assert!(!render(&[], &TOTALS).contains("extensions"));
    }

    #[test]
    fn losses_of_this_host_are_named_by_cause() {
        let text = render(
            &[],
            &Totals {
                never_sent: 7,
                ring_full: 1_500,
                unwritten: 873,
                refused_somewhere: 20,
                responders_complete: false,
                ..TOTALS
            },
        );
        assert!(
            text.contains("lost here: 7 never sent, 1,500 ring full, 873 not written"),
            "{text}"
        );
        assert!(text.contains("at least 40 routers"), "{text}");
        // Rows and sums are of different probes then.
        for line in [
            "rows: 20 probes under \"sent\" were refused by the driver",
            "rows: 1,500 replies that a full ring lost are not under \"answered\"",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!render(&[], &TOTALS).contains("rows:"));
    }
}
