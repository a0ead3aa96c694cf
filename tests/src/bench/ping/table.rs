//! The runs as an aligned table.

use comfy_table::{CellAlignment, Table, presets};

use super::campaign::Report;

const HEADER: [&str; 11] = [
    "targets",
    "probes",
    "seconds",
    "of a core",
    "CPU in all",
    "peak memory",
    "omitted",
    "never sent",
    "missing",
    "p50",
    "p99",
];

/// The whole report, as it is printed.
pub fn render(report: &Report) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    for row in &report.rows {
        table.add_row([
            row.targets.to_string(),
            row.probes.to_string(),
            format!("{:.1}", row.seconds),
            format!("{:.1} %", 100.0 * row.cpu),
            format!("{:.1} s", row.cpu_seconds),
            format!("{:.1} MiB", row.peak_memory_bytes as f64 / 1_048_576.0),
            row.omitted.to_string(),
            row.never_sent.to_string(),
            row.missing.to_string(),
            format!("{:.1} µs", row.p50_ns / 1e3),
            format!("{:.1} µs", row.p99_ns / 1e3),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!(
        "Pings of the simulated internet, each target every {} s; kernel {}, {} processors, {:.0} % busy\n\n\
         {table}\n\n\
         of a core: processor time of the process (with what the kernel did in its name, the wire \
         and the simulated internet included) from the first probe to the last.\n\
         omitted: rounds whose time passed before their probe could leave. missing: replies sent \
         back and not in the report.\n\
         p50, p99: medians over targets.\n",
        report.interval,
        report.machine.kernel,
        report.machine.processors,
        100.0 * report.machine.busy
    )
}
