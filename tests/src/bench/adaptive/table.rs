//! The runs as an aligned table.

use comfy_table::{CellAlignment, Table, presets};

use super::campaign::Row;

const HEADER: [&str; 9] = [
    "targets a network",
    "probing",
    "by",
    "probes",
    "of 20 TTLs",
    "interfaces",
    "links",
    "false links",
    "seconds",
];

/// The whole report, as it is printed.
pub fn render(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    for row in rows {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        table.add_row([
            row.scope.per_network.to_string(),
            row.probing.clone(),
            row.tx.clone(),
            row.probes.to_string(),
            percent(row.share),
            percent(row.interfaces),
            percent(row.links),
            row.false_links.to_string(),
            format!("{:.2}", row.seconds),
        ]);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!(
        "Sweeps of 65,536 networks of the simulated internet, against the truth about it\n\n\
         {table}\n\n\
         interfaces, links: of those that full sweeps with 20 TTLs find, by the truth.\n"
    )
}
