//! The report as a chart: error over rate, on logarithmic axes; a panel for answers
//! that come at once, for those that are held, and for either under load.

use svg::node::element::{Circle, Group, Polyline};

use super::report::{INSTANT, Report, Row};
use crate::bench::drawing::{GRID, INK, canvas, line, text};

/// Colours that colour-blind readers tell apart (Okabe and Ito).
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000",
];
/// In the order of the colours.
const SERIES: [&str; 8] = [
    "probe generator, xdp-native",
    "probe raw, xdp-native",
    "probe ping, xdp-native",
    "ping",
    "fping",
    "scamper",
    "zmap",
    "mtr",
];
const FLOORS: [&str; 2] = ["floor raw", "floor generator"];
const LEFT: f64 = 56.0;
const TOP: f64 = 104.0;
const PANEL_WIDTH: f64 = 270.0;
const PANEL_HEIGHT: f64 = 300.0;
const GAP: f64 = 22.0;
const BOTTOM: f64 = 44.0;
/// The axes, in powers of ten: probes a second, and nanoseconds.
const RATES: (i32, i32) = (2, 6);
const ERRORS: (i32, i32) = (2, 7);
/// Entries of the legend in a line.
const COLUMNS: usize = 5;
const COLUMN_WIDTH: f64 = 178.0;

/// A condition under which was measured.
struct Panel {
    title: &'static str,
    is_instant: bool,
    loaded: bool,
}

const PANELS: [Panel; 4] = [
    Panel {
        title: "answered at once",
        is_instant: true,
        loaded: false,
    },
    Panel {
        title: "held, worst hold",
        is_instant: false,
        loaded: false,
    },
    Panel {
        title: "at once, processors busy",
        is_instant: true,
        loaded: true,
    },
    Panel {
        title: "held, processors busy",
        is_instant: false,
        loaded: true,
    },
];

const SUBTITLE: &str = "µs, over probes a second; full lines and dots: median, dashed lines and rings: \
    99th percentile; grey: the floor, two bare stamping programs";

/// The chart as SVG.
pub fn draw(report: &Report) -> String {
    let shown: Vec<&Panel> = PANELS
        .iter()
        .filter(|panel| report.rows.iter().any(|row| panel.has(row)))
        .collect();
    let columns = shown.len().max(1) as f64;
    let width = (LEFT + columns * (PANEL_WIDTH + GAP)).max(LEFT + COLUMNS as f64 * COLUMN_WIDTH);
    let mut document = canvas(width, TOP + PANEL_HEIGHT + BOTTOM)
        .add(text(LEFT, 24.0, "|Error| of the reported round-trip time").set("font-size", 16))
        .add(text(LEFT, 42.0, SUBTITLE))
        .add(legend(&report.rows));
    for (place, panel) in shown.into_iter().enumerate() {
        let left = LEFT + place as f64 * (PANEL_WIDTH + GAP);
        document = document.add(panel.draw(left, place == 0, &report.rows));
    }
    document.to_string()
}

fn legend(rows: &[Row]) -> Group {
    let used = |(name, _): &(&&str, &&str)| rows.iter().any(|row| row.label() == **name);
    SERIES.iter().zip(&COLOURS).filter(used).enumerate().fold(
        Group::new(),
        |group, (place, (name, colour))| {
            let x = LEFT + (place % COLUMNS) as f64 * COLUMN_WIDTH;
            let y = 60.0 + (place / COLUMNS) as f64 * 16.0;
            group
                .add(dot((x + 5.0, y), colour, colour))
                .add(text(x + 14.0, y + 4.0, name))
        },
    )
}

impl Panel {
    fn has(&self, row: &Row) -> bool {
        (row.hold == INSTANT) == self.is_instant && row.loaded == self.loaded
    }

    fn draw(&self, left: f64, labelled: bool, rows: &[Row]) -> Group {
        let title = text(left, TOP - 6.0, self.title).set("font-weight", "bold");
        let mut group = Group::new().add(title).add(grid(left, labelled));
        for name in FLOORS {
            group = group.add(self.series(left, rows, name, "#bbbbbb"));
        }
        for (name, colour) in SERIES.iter().zip(COLOURS) {
            group = group.add(self.series(left, rows, name, colour));
        }
        group
    }

    /// One tool: at each rate its worst median and 99th percentile over all holds.
    fn series(&self, left: f64, rows: &[Row], name: &str, colour: &str) -> Group {
        let mut rates: Vec<u32> = Vec::new();
        let own = || {
            rows.iter()
                .filter(|row| self.has(row) && row.label() == name)
        };
        for row in own() {
            if !rates.contains(&row.rate) {
                rates.push(row.rate);
            }
        }
        rates.sort_unstable();
        let line_of = |part: fn(&Row) -> i64| -> Vec<(f64, f64)> {
            let worst = |rate: u32| own().filter(|row| row.rate == rate).map(part).max();
            rates
                .iter()
                .filter_map(|&rate| Some((x(left, rate), y(worst(rate)?))))
                .collect()
        };
        let medians = line_of(|row| row.magnitude_ns.p50);
        let tails = line_of(|row| row.magnitude_ns.p99);
        let mut group = Group::new()
            .add(path(&medians, colour))
            .add(path(&tails, colour).set("stroke-dasharray", "4 3"));
        for (points, fill) in [(&medians, colour), (&tails, "white")] {
            for point in points {
                group = group.add(dot(*point, colour, fill));
            }
        }
        group
    }
}

fn grid(left: f64, labelled: bool) -> Group {
    let mut group = Group::new();
    for decade in ERRORS.0..=ERRORS.1 {
        let height = y(10i64.pow(decade as u32));
        group = group.add(line((left, height), (left + PANEL_WIDTH, height), GRID));
        if labelled {
            let label = 10f64.powi(decade - 3).to_string();
            let label = text(left - 6.0, height + 4.0, &label).set("text-anchor", "end");
            group = group.add(label);
        }
    }
    for decade in RATES.0..=RATES.1 {
        let rate = 10u32.pow(decade as u32);
        let place = x(left, rate);
        let label = match decade {
            6 => "1M".to_owned(),
            3.. => format!("{}k", rate / 1_000),
            _ => rate.to_string(),
        };
        let (top, bottom) = (TOP, TOP + PANEL_HEIGHT);
        group = group
            .add(line((place, top), (place, bottom), GRID))
            .add(text(place, bottom + 16.0, &label).set("text-anchor", "middle"));
    }
    let bottom = TOP + PANEL_HEIGHT;
    group.add(line((left, bottom), (left + PANEL_WIDTH, bottom), INK))
}

fn path(points: &[(f64, f64)], colour: &str) -> Polyline {
    let points: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    Polyline::new()
        .set("points", points.join(" "))
        .set("fill", "none")
        .set("stroke", colour)
        .set("stroke-width", 1.5)
}

fn dot((x, y): (f64, f64), colour: &str, fill: &str) -> Circle {
    Circle::new()
        .set("cx", format!("{x:.1}"))
        .set("cy", format!("{y:.1}"))
        .set("r", 3)
        .set("stroke", colour)
        .set("fill", fill)
}

fn x(left: f64, rate: u32) -> f64 {
    left + PANEL_WIDTH * share(f64::from(rate), RATES)
}

fn y(nanos: i64) -> f64 {
    TOP + PANEL_HEIGHT * (1.0 - share(nanos as f64, ERRORS))
}

/// Where a value stands on an axis of powers of ten: from 0 to 1.
fn share(value: f64, (from, to): (i32, i32)) -> f64 {
    let exponent = value.max(1.0).log10().clamp(f64::from(from), f64::from(to));
    (exponent - f64::from(from)) / f64::from(to - from)
}
