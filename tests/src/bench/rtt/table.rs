//! The report as an aligned table.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::{
    distribution::Percentiles,
    report::{INSTANT, Report, Row},
    verdict::Verdict,
};

/// Columns that hold words.
const WORDS: usize = 1;
const HEADER: [&str; 10] = [
    "tool, stamps",
    "asked/s",
    "got/s",
    "replies",
    "p1",
    "p50",
    "p90",
    "p99",
    "p99.9",
    "max",
];

/// Share of all processors' time that the benchmark alone does not come near.
const BUSY: f64 = 0.6;
const BUSY_NOTE: &str = "Other work kept the processors busy: cold caches lengthen the wire's transit, \
    and wake-ups are late. On an idle machine all errors are smaller.";
const NOTES: [&str; 7] = [
    "p1 … max: what the tool reports less the true hold, with its sign; the wire's own transit is in it.",
    "floor: two bare stamping programs and nothing else, on the same wire.",
    "raw, generator: `probe sweep --ping` by sockets and by the kernel's generator, frame by frame; \
     on instant answers known to 3 %.",
    "got: probes a second as they arrived (instant answers: of peers, from their start to their end).",
    "ping waits in ticks of the kernel: it may send less often than told.",
    "zmap 2.1.1 stamps replies when it reads them, a block at a time: up to a second late.",
    "Peers print ever fewer decimals the longer the time; mtr and zmap print whole microseconds.",
];

/// The whole report, as it is printed.
pub fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "Error of the reported round-trip time, µs\n\
         Linux {}, {} processors, {:.0} % busy; medians of {} rounds\n{}\n",
        machine.kernel,
        machine.processors,
        100.0 * machine.busy,
        report.rounds,
        report.versions.join("; ")
    );
    let mut rest: Vec<&Row> = report.rows.iter().collect();
    while let Some(first) = rest.first().copied() {
        let is_own = |row: &&Row| (row.loaded, &row.hold) == (first.loaded, &first.hold);
        let (own, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_own);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n{}\n{}", title(first), errors(&own));
        rest = others;
    }
    let _ = writeln!(text, "\n{}\n", NOTES.join("\n"));
    if machine.busy > BUSY && !report.rows.iter().any(|row| row.loaded) {
        let _ = writeln!(text, "{BUSY_NOTE}\n");
    }
    for verdict in &report.verdicts {
        let _ = writeln!(text, "{}", judge(verdict));
    }
    text
}

fn title(row: &Row) -> String {
    let hold = match row.hold.as_str() {
        INSTANT => "Answered at once (simulated internet)".to_owned(),
        hold => format!("Held {hold} (delay responder)"),
    };
    let load = if row.loaded {
        ", other work on all processors"
    } else {
        ""
    };
    format!("{hold}{load}")
}

fn errors(rows: &[&Row]) -> Table {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.rate);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    let mut last = None;
    for row in rows {
        if last.is_some_and(|rate| rate != row.rate) {
            table.add_row([""]);
        }
        last = Some(row.rate);
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
        row.label(),
        row.rate.to_string(),
        format!("{:.0}", row.arrived_per_second),
        format!("{count}/{}", row.answered),
    ];
    cells.extend([p1, p50, p90, p99, p999, max].map(micros));
    cells
}

fn judge(verdict: &Verdict) -> String {
    let Verdict {
        what,
        value_ns,
        limit_ns,
        met,
        runs,
    } = verdict;
    let mark = if met == runs { "met" } else { "MISSED" };
    format!(
        "{mark:<6}  {what} {} µs, at most {} µs ({met} of {runs} runs)",
        micros(*value_ns),
        micros(*limit_ns)
    )
}

/// Nanoseconds as microseconds with two decimals below ten.
fn micros(nanos: i64) -> String {
    let micros = nanos as f64 / 1e3;
    if micros.abs() < 10.0 {
        format!("{micros:.2}")
    } else {
        format!("{micros:.0}")
    }
}
