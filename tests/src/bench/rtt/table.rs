//! The report as an aligned table.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::{
    distribution::Percentiles,
    report::{MEDIAN_LIMIT_NS, P99_LIMIT_NS, Report, Row, Verdict},
};

/// Columns that hold words.
const WORDS: usize = 2;
const HEADER: [&str; 12] = [
    "tool", "rx", "rate", "arrived", "hold", "replies", "p1", "p50", "p90", "p99", "p99.9", "max",
];

/// Share of all processors' time that the benchmark alone does not come near.
const BUSY: f64 = 0.4;
const BUSY_NOTE: &str = "Other work kept the processors busy: cold caches lengthen the wire's transit, \
    and wake-ups are late. On an idle machine all errors are smaller.";
const NOTES: [&str; 4] = [
    "p1 … max: the error with its sign; the wire's own transit is part of it.",
    "arrived: probes a second at the responder. replies: reported of answered.",
    "ping waits in ticks of the kernel: it may send less often than told.",
    "ping and fping print ever fewer decimals the longer the time.",
];

/// The whole report, as it is printed.
pub fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "Error of the reported round-trip time against the true hold, µs\n\
         Linux {}, {} processors, {:.0} % busy; {} rounds; {}\n\n",
        machine.kernel,
        machine.processors,
        100.0 * machine.busy,
        report.repetitions,
        report.versions.join("; ")
    );
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{}\n", errors(&report.rows));
    let _ = writeln!(text, "{}\n", NOTES.join("\n"));
    if machine.busy > BUSY {
        let _ = writeln!(text, "{BUSY_NOTE}\n");
    }
    for verdict in &report.verdicts {
        let _ = writeln!(text, "{}", judge(verdict));
    }
    text
}

fn errors(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    let mut last = None;
    for row in rows {
        let group = Some((row.rate, &row.hold));
        if last.is_some() && last != group {
            table.add_row([""]);
        }
        last = group;
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(WORDS) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn cells(row: &Row) -> Vec<String> {
    let Percentiles {
        count,
        p1,
        p50,
        p90,
        p99,
        p999,
        max,
    } = row.error_ns;
    let mut cells = vec![
        row.tool.to_owned(),
        row.rx.unwrap_or("–").to_owned(),
        row.rate.to_string(),
        format!("{:.0}", row.arrived_per_second),
        row.hold.clone(),
        format!("{count}/{}", row.answered),
    ];
    cells.extend([p1, p50, p90, p99, p999, max].map(micros));
    cells
}

fn judge(verdict: &Verdict) -> String {
    let Verdict {
        rx,
        median_ns,
        median_hold,
        p99_ns,
        p99_hold,
        ..
    } = verdict;
    let mark = |value: i64, limit: i64| if value <= limit { "met" } else { "MISSED" };
    format!(
        "probe {rx} at 1,000/s, worst hold: median |error| {} µs (hold {median_hold}; at most {}: {}), \
         p99 |error| {} µs (hold {p99_hold}; at most {}: {})",
        micros(*median_ns),
        MEDIAN_LIMIT_NS / 1_000,
        mark(*median_ns, MEDIAN_LIMIT_NS),
        micros(*p99_ns),
        P99_LIMIT_NS / 1_000,
        mark(*p99_ns, P99_LIMIT_NS),
    )
}

/// Nanoseconds as microseconds with one decimal.
fn micros(nanos: i64) -> String {
    format!("{:.1}", nanos as f64 / 1e3)
}
