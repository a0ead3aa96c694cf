//! The report as an aligned table.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::{
    contender::Job,
    report::{Report, Row},
};

/// Columns that hold words.
const WORDS: usize = 2;
const HEADER: [&str; 11] = [
    "job",
    "contender",
    "probes/s",
    "least",
    "most",
    "sent back",
    "wire full",
    "recorded",
    "own CPU s",
    "system CPU s",
    "peak MiB",
];
const NOTES: [&str; 9] = [
    "probes/s: as they came, from the first to the last; median, least and most of the rounds.",
    "wire full: of those sent back, lost before the tool's device since it did not keep up.",
    "recorded: replies recorded by the tool's own account, of those sent back.",
    "own CPU: user and system time of the process. system CPU: of all processors, the network stack",
    "and the simulated internet's program included, and whatever else the machine does meanwhile:",
    "compare figures of one run, on an idle machine.",
    "sendmmsg alone: prebuilt frames, 64 a call, one thread; replies are dropped by an XDP program,",
    "which costs less than the way into the host's stack that replies to zmap, masscan and scamper take.",
    "probe: its sockets send by a transmit ring, at less cost for a frame than sendmmsg.",
];

/// The whole report, as it is printed.
pub fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "Sweeps of the simulated internet ({}), {} s each\n\
         Linux {}, {} processors, {:.0} % busy; {} rounds; {}\n\n",
        report.network,
        report.seconds,
        machine.kernel,
        machine.processors,
        100.0 * machine.busy,
        report.rounds,
        report.versions.join("; ")
    );
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{}\n", rows(&report.rows));
    let _ = writeln!(text, "{}", NOTES.join("\n"));
    text
}

fn rows(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    let mut last = None;
    for row in rows {
        if last.is_some_and(|job| job != row.job) {
            table.add_row([""]);
        }
        last = Some(row.job);
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

fn cells(row: &Row) -> [String; 11] {
    let [least, most] = row.range_per_second;
    let job = match row.job {
        Job::Ping => "ping",
        Job::Paths => "paths",
    };
    let share = row
        .recorded_share
        .map(|share| format!("{:.2} %", 100.0 * share));
    [
        job.to_owned(),
        row.name.clone(),
        format!("{:.0}", row.probes_per_second),
        format!("{least:.0}"),
        format!("{most:.0}"),
        row.sent_back.to_string(),
        format!("{:.2} %", 100.0 * row.lost_share),
        share.unwrap_or_else(|| "–".to_owned()),
        format!("{:.2}", row.usage.process_cpu_seconds),
        format!("{:.2}", row.usage.system_cpu_seconds),
        format!(
            "{:.1}",
            row.usage.peak_memory_bytes as f64 / f64::from(1 << 20)
        ),
    ]
}
