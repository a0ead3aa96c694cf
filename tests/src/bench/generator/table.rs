//! The report as an aligned table for each part.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::{
    case::Part,
    report::{Report, Row, Summary},
};

const HEADER: [&str; 18] = [
    "case",
    "targets",
    "batch",
    "cores",
    "probes/s",
    "least",
    "most",
    "ns/probe",
    "seconds",
    "recorded",
    "dropped",
    "ring full",
    "wire full",
    "own CPU s",
    "system CPU s",
    "peak MiB",
    "p50 µs",
    "p99 µs",
];
const NOTES: [&str; 10] = [
    "probes/s: as they came, from the first to the last; median, least and most of the rounds.",
    "recorded: replies recorded by the tool's own account, of those sent back.",
    "dropped: probes refused behind their stamp (dropped_after_stamp). ring full: replies.",
    "wire full: of those sent back, lost before the tool's device since it did not keep up.",
    "own CPU: user and system time of the process; the generator has a processor for itself from",
    "beginning to end. system CPU: of all processors, the network stack and the simulated internet's",
    "program included, and whatever else the machine does: compare figures of one run, on an idle one.",
    "peak MiB: of the process, with as much of the kernel programs' arrays as it has touched.",
    "p50, p99: round-trip time at the first TTL that was probed.",
    "Verdicts are on medians of the rounds; without loss: at least 99.99 % recorded.",
];

/// The whole report, as it is printed.
pub fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "Sweeps of the simulated internet by sockets and by the kernel's generator\n\
         Linux {}, {} processors, {:.0} % busy; {} rounds; {}\n\n",
        machine.kernel,
        machine.processors,
        100.0 * machine.busy,
        report.rounds,
        report.versions.join("; ")
    );
    for part in [Part::Speed, Part::Targets] {
        let rows = report.part(part);
        if !rows.is_empty() {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{}\n", table(&rows));
        }
    }
    for verdict in &report.verdicts {
        let _ = writeln!(text, "{verdict}");
    }
    text.push('\n');
    let _ = writeln!(text, "{}", NOTES.join("\n"));
    text
}

fn table(rows: &[&Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn cells(row: &Row) -> [String; 18] {
    let [least, most] = row.range_per_second;
    let told = |show: &dyn Fn(&Summary) -> String| {
        let shown = row.told.as_ref().map(show);
        shown.unwrap_or_else(|| "–".to_owned())
    };
    let batch = |told: &Summary| told.batch.map_or("–".to_owned(), |batch| batch.to_string());
    [
        row.case.name.clone(),
        told(&|told| told.targets.to_string()),
        told(&batch),
        told(&|told| told.cores.to_string()),
        format!("{:.0}", row.probes_per_second),
        format!("{least:.0}"),
        format!("{most:.0}"),
        format!("{:.0}", 1e9 / row.probes_per_second),
        format!("{:.2}", row.seconds),
        format!("{:.3} %", 100.0 * row.recorded_share),
        told(&|told| told.dropped_after_stamp.to_string()),
        told(&|told| told.ring_full.to_string()),
        format!("{:.3} %", 100.0 * row.lost_share),
        format!("{:.2}", row.usage.process_cpu_seconds),
        format!("{:.2}", row.usage.system_cpu_seconds),
        format!(
            "{:.1}",
            row.usage.peak_memory_bytes as f64 / f64::from(1 << 20)
        ),
        told(&|told| format!("{:.2}", told.first_hop_p50_ns / 1e3)),
        told(&|told| format!("{:.2}", told.first_hop_p99_ns / 1e3)),
    ]
}
