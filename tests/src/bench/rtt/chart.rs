//! The report as a chart: a panel for each rate and hold, in it a column for each
//! tool that shows how the magnitude of its error is distributed.

use std::collections::BTreeSet;

use svg::node::element::{Circle, Group};

use super::{
    distribution::Percentiles,
    report::{JUDGED_RATE, MEDIAN_LIMIT_NS, P99_LIMIT_NS, Report, Row},
};
use crate::bench::drawing::{GRID, INK, canvas, line, rectangle, text};

/// Colours that colour-blind readers tell apart (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7",
];
const LEFT: f64 = 64.0;
const RIGHT: f64 = 76.0;
const TOP: f64 = 92.0;
const PANEL_WIDTH: f64 = 176.0;
const PANEL_HEIGHT: f64 = 220.0;
/// What the lines at the top need.
const LEAST_WIDTH: f64 = 940.0;
const GAP: f64 = 14.0;
const ROW_GAP: f64 = 44.0;
const BOTTOM: f64 = 40.0;
/// Half the width of a thick bar.
const HALF_BAR: f64 = 6.0;
/// The least error shown: smaller ones stand on the axis.
const FLOOR_NS: f64 = 100.0;

/// The chart as SVG.
pub fn draw(report: &Report) -> String {
    let sheet = Sheet::new(&report.rows);
    let (width, height) = sheet.size();
    let mut document = canvas(width, height)
        .add(text(LEFT, 24.0, "|Error| of the reported round-trip time, µs").set("font-size", 16))
        .add(text(LEFT, 42.0, SUBTITLE))
        .add(sheet.legend());
    for (place, rate) in sheet.rates.iter().enumerate() {
        document = document.add(sheet.row(place, *rate));
    }
    document.to_string()
}

const SUBTITLE: &str = "against a delay responder's kernel-stamped hold; dot: median, bar: to p99, \
    line: p1 to p99.9, small dot: maximum; dashed: what probe is judged by";

/// What all panels share.
struct Sheet<'a> {
    rows: &'a [Row],
    rates: BTreeSet<u32>,
    holds: Vec<&'a str>,
    tools: Vec<String>,
    /// Powers of ten that the axis goes through.
    decades: i32,
}

impl<'a> Sheet<'a> {
    fn new(rows: &'a [Row]) -> Self {
        let mut holds: Vec<&str> = Vec::new();
        let mut tools = Vec::new();
        for row in rows {
            if !holds.contains(&row.hold.as_str()) {
                holds.push(&row.hold);
            }
            if !tools.contains(&row.label()) {
                tools.push(row.label());
            }
        }
        let longest = rows.iter().map(|row| row.magnitude_ns.max).max();
        let longest = longest.unwrap_or_default().max(P99_LIMIT_NS) as f64;
        Self {
            rows,
            rates: rows.iter().map(|row| row.rate).collect(),
            holds,
            tools,
            decades: (longest / FLOOR_NS).log10().ceil() as i32,
        }
    }

    fn size(&self) -> (f64, f64) {
        let (columns, lines) = (self.holds.len() as f64, self.rates.len() as f64);
        (
            (LEFT + columns * (PANEL_WIDTH + GAP) + RIGHT).max(LEAST_WIDTH),
            TOP + lines * (PANEL_HEIGHT + ROW_GAP) + BOTTOM - ROW_GAP,
        )
    }

    fn legend(&self) -> Group {
        let mut x = LEFT;
        let mut group = Group::new();
        for (tool, colour) in self.tools.iter().zip(COLOURS.iter().cycle()) {
            group =
                group
                    .add(rectangle(x, 53.0, 10.0, 10.0, colour))
                    .add(text(x + 15.0, 62.0, tool));
            x += 40.0 + 6.5 * tool.len() as f64;
        }
        group
    }

    /// The panels of one rate.
    fn row(&self, place: usize, rate: u32) -> Group {
        let top = TOP + place as f64 * (PANEL_HEIGHT + ROW_GAP);
        let mut group = Group::new().add(self.axis(top));
        if rate == JUDGED_RATE {
            group = group.add(self.limits(top));
        }
        for (column, hold) in self.holds.iter().enumerate() {
            let left = LEFT + column as f64 * (PANEL_WIDTH + GAP);
            let title = format!("{rate}/s, hold {hold}");
            group = group
                .add(text(left, top - 6.0, &title).set("font-weight", "bold"))
                .add(self.panel(left, top, rate, hold));
        }
        group
    }

    fn axis(&self, top: f64) -> Group {
        (0..=self.decades).fold(Group::new(), |group, decade| {
            let nanos = FLOOR_NS * 10f64.powi(decade);
            let label = text(LEFT - 6.0, self.y(top, nanos) + 4.0, &tick(nanos));
            group.add(label.set("text-anchor", "end"))
        })
    }

    fn panel(&self, left: f64, top: f64, rate: u32, hold: &str) -> Group {
        let right = left + PANEL_WIDTH;
        let mut group = Group::new();
        for decade in 0..=self.decades {
            let y = self.y(top, FLOOR_NS * 10f64.powi(decade));
            group = group.add(line((left, y), (right, y), GRID));
        }
        let step = PANEL_WIDTH / self.tools.len() as f64;
        for (place, (tool, colour)) in self.tools.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let own = |row: &&Row| row.rate == rate && row.hold == hold && row.label() == *tool;
            if let Some(row) = self.rows.iter().find(own) {
                let x = left + step * (place as f64 + 0.5);
                group = group.add(self.column(top, x, colour, &row.magnitude_ns));
            }
        }
        group
    }

    /// What `probe` is judged by, across a row of panels.
    fn limits(&self, top: f64) -> Group {
        let right = LEFT + self.holds.len() as f64 * (PANEL_WIDTH + GAP) - GAP;
        let limits = [("median", MEDIAN_LIMIT_NS), ("p99", P99_LIMIT_NS)];
        limits.iter().fold(Group::new(), |group, (name, limit)| {
            let y = self.y(top, *limit as f64);
            let label = format!("{name} ≤ {} µs", limit / 1_000);
            group
                .add(line((LEFT, y), (right, y), INK).set("stroke-dasharray", "3 3"))
                .add(text(right + GAP / 2.0, y + 3.0, &label).set("font-size", 9))
        })
    }

    /// One tool's distribution.
    fn column(&self, top: f64, x: f64, colour: &str, error: &Percentiles) -> Group {
        let y = |nanos: i64| self.y(top, nanos as f64);
        let (median, p99) = (y(error.p50), y(error.p99));
        let dot = |y: f64, radius: f64, fill: &str| {
            Circle::new()
                .set("cx", x)
                .set("cy", y)
                .set("r", radius)
                .set("stroke", colour)
                .set("fill", fill)
        };
        Group::new()
            .add(line((x, y(error.p1)), (x, y(error.p999)), colour).set("stroke-width", 1.5))
            .add(rectangle(
                x - HALF_BAR,
                p99,
                2.0 * HALF_BAR,
                median - p99,
                colour,
            ))
            .add(dot(y(error.max), 1.5, colour))
            .add(dot(median, 4.0, "white").set("stroke-width", 2))
    }

    /// Where a value stands on the logarithmic axis of a panel.
    fn y(&self, top: f64, nanos: f64) -> f64 {
        let share = (nanos.max(FLOOR_NS) / FLOOR_NS).log10() / f64::from(self.decades);
        top + PANEL_HEIGHT * (1.0 - share)
    }
}

/// Nanoseconds as the axis shows them, in microseconds.
fn tick(nanos: f64) -> String {
    (nanos / 1e3).to_string()
}
