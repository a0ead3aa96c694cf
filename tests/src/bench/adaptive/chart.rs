//! The runs as a chart: a bar for each, as long as its share of all probes.

use svg::node::element::Group;

use super::campaign::Row;
use crate::bench::drawing::{GRID, canvas, rectangle, text};

const FULL: &str = "#999999";
const ADAPTIVE: &str = "#0072b2";
const LEFT: f64 = 230.0;
const LENGTH: f64 = 380.0;
const RIGHT: f64 = 250.0;
const TOP: f64 = 60.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;

/// The chart as SVG, of the last round.
pub fn draw(rows: &[Row]) -> String {
    let last = rows.iter().map(|row| row.round).max().unwrap_or(0);
    let shown: Vec<&Row> = rows.iter().filter(|row| row.round == last).collect();
    let height = TOP + STEP * shown.len() as f64 + 20.0;
    let title = "Probes that a sweep of 65,536 networks takes, and what it finds";
    let mut document = canvas(LEFT + LENGTH + RIGHT, height)
        .add(text(20.0, 24.0, title).set("font-size", 16))
        .add(text(20.0, 42.0, "share of all targets × 20 TTLs"));
    for (place, row) in (0u16..).zip(shown) {
        document = document.add(bar(TOP + STEP * f64::from(place), row));
    }
    document.to_string()
}

fn bar(y: f64, row: &Row) -> Group {
    let colour = if row.probing == "full" {
        FULL
    } else {
        ADAPTIVE
    };
    let targets = match row.scope.per_network {
        1 => "1 target".to_owned(),
        many => format!("{many} targets"),
    };
    let name = format!("{targets} a network, {}, {}", row.probing, row.tx);
    let found = format!(
        "{:.1} %: {:.2} % of interfaces, {:.2} % of links",
        100.0 * row.share,
        100.0 * row.interfaces,
        100.0 * row.links
    );
    Group::new()
        .add(text(LEFT - 8.0, y + 12.0, &name).set("text-anchor", "end"))
        .add(rectangle(LEFT, y, LENGTH, BAR, GRID).set("fill-opacity", 0.4))
        .add(rectangle(LEFT, y, LENGTH * row.share.min(1.0), BAR, colour))
        .add(text(LEFT + LENGTH + 8.0, y + 12.0, &found))
}
