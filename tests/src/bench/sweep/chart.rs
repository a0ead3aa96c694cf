//! The report as a chart: a bar for each contender, as long as it was fast, and what
//! it recorded beside it.

use svg::node::element::Group;

use super::{
    contender::{Contender, Job},
    report::{Report, Row},
};
use crate::bench::drawing::{GRID, INK, canvas, line, rectangle, text};

const OURS: &str = "#0072b2";
const FLOOR: &str = "#999999";
const OTHERS: &str = "#e69f00";
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 170.0;
const LENGTH: f64 = 460.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 64.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;
/// Room for the title of a job.
const TITLE: f64 = 30.0;
const BOTTOM: f64 = 30.0;

/// The chart as SVG.
pub fn draw(report: &Report) -> String {
    let jobs = [
        (Job::Ping, "One echo request a target"),
        (Job::Paths, "All hops"),
    ];
    let height = TOP + 2.0 * TITLE + STEP * report.rows.len() as f64 + BOTTOM;
    let width = LEFT + LENGTH + RIGHT;
    let most = report.rows.iter().map(|row| row.range_per_second[1]);
    let scale = LENGTH / most.fold(1.0, f64::max);
    let mut document = canvas(width, height)
        .add(text(20.0, 24.0, "Probes a second on the simulated internet").set("font-size", 16))
        .add(text(20.0, 42.0, SUBTITLE));
    let mut y = TOP;
    for (job, title) in jobs {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.job == job).collect();
        if rows.is_empty() {
            continue;
        }
        document = document.add(text(20.0, y + 16.0, title).set("font-weight", "bold"));
        y += TITLE;
        for row in rows {
            document = document.add(bar(y, row, scale));
            y += STEP;
        }
    }
    document.to_string()
}

const SUBTITLE: &str =
    "median of the rounds; line: least to most; %: replies recorded of those sent back";

fn bar(y: f64, row: &Row, scale: f64) -> Group {
    let colour = match row.contender {
        Contender::Bare => FLOOR,
        Contender::Probe { .. } => OURS,
        _ => OTHERS,
    };
    let [least, most] = row.range_per_second;
    let middle = y + BAR / 2.0;
    let label = match row.recorded_share {
        Some(share) => format!(
            "{:.0} k/s, {:.1} %",
            row.probes_per_second / 1e3,
            100.0 * share
        ),
        None => format!("{:.0} k/s", row.probes_per_second / 1e3),
    };
    Group::new()
        .add(text(LEFT - 8.0, y + 12.0, &row.name).set("text-anchor", "end"))
        .add(rectangle(LEFT, y, LENGTH, BAR, GRID).set("fill-opacity", 0.4))
        .add(rectangle(
            LEFT,
            y,
            row.probes_per_second * scale,
            BAR,
            colour,
        ))
        .add(line(
            (LEFT + least * scale, middle),
            (LEFT + most * scale, middle),
            INK,
        ))
        .add(text(LEFT + LENGTH + 8.0, y + 12.0, &label))
}
