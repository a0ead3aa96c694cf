//! The runs as a chart: for each, its processor time and its memory as parts of the bounds.

use svg::node::element::Group;

use super::campaign::{Report, Row};
use crate::bench::drawing::{GRID, canvas, rectangle, text};

const PROCESSOR: &str = "#0072b2";
const MEMORY: &str = "#e69f00";
const LEFT: f64 = 190.0;
const LENGTH: f64 = 360.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 62.0;
const STEP: f64 = 52.0;
const BAR: f64 = 16.0;
/// The whole length: one core, and 200 MiB.
const MOST_MEMORY: f64 = 200.0 * 1_048_576.0;

/// The chart as SVG.
pub fn draw(report: &Report) -> String {
    let height = TOP + STEP * report.rows.len() as f64 + 10.0;
    let title = "What a ping of very many targets costs";
    let subtitle = format!(
        "a probe for each target every {} s; grey: one core, and 200 MiB",
        report.interval
    );
    let mut document = canvas(LEFT + LENGTH + RIGHT, height)
        .add(text(20.0, 24.0, title).set("font-size", 16))
        .add(text(20.0, 42.0, &subtitle));
    for (place, row) in (0u16..).zip(&report.rows) {
        document = document.add(bars(TOP + STEP * f64::from(place), row));
    }
    document.to_string()
}

fn bars(y: f64, row: &Row) -> Group {
    let memory = row.peak_memory_bytes as f64;
    let percent = format!("{:.1} % of a core", 100.0 * row.cpu);
    let mebibytes = format!("{:.1} MiB", memory / 1_048_576.0);
    Group::new()
        .add(
            text(LEFT - 8.0, y + 20.0, &format!("{} targets", row.targets))
                .set("text-anchor", "end"),
        )
        .add(bar(y, row.cpu, PROCESSOR, &percent))
        .add(bar(y + BAR + 4.0, memory / MOST_MEMORY, MEMORY, &mebibytes))
}

fn bar(y: f64, share: f64, colour: &str, words: &str) -> Group {
    Group::new()
        .add(rectangle(LEFT, y, LENGTH, BAR, GRID))
        .add(rectangle(LEFT, y, LENGTH * share.min(1.0), BAR, colour))
        .add(text(LEFT + LENGTH + 8.0, y + 12.0, words))
}
