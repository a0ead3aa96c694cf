//! The report as a chart: a bar for each case, as long as it was fast, and the cost
//! of a probe against the number of targets.

use svg::node::element::{Circle, Group};

use super::{
    case::{Layout, Part, Tool, Tx},
    report::{Report, Row},
};
use crate::bench::drawing::{GRID, INK, canvas, line, rectangle, text};

/// Colours that colour-blind readers tell apart (Okabe and Ito).
const GENERATOR: &str = "#0072b2";
const SOCKETS: &str = "#56b4e9";
const OTHERS: &str = "#e69f00";
const LINES: [(Layout, &str, &str); 2] = [
    (Layout::List, "a list", "#d55e00"),
    (Layout::Network, "a network", "#009e73"),
];
const LEFT: f64 = 200.0;
const LENGTH: f64 = 460.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 56.0;
const TITLE: f64 = 30.0;
const STEP: f64 = 24.0;
const BAR: f64 = 15.0;
const PLOT: f64 = 240.0;
/// Room for what stands below the plot.
const BOTTOM: f64 = 30.0;
const MARGIN: f64 = 20.0;
/// Lines that the plot is divided by.
const TICKS: u32 = 4;

const HEADLINE: &str = "The kernel's generator on the simulated internet";
const SUBTITLE: &str = "median of the rounds; line: least to most";
const SPEED: &str = "Probes a second; replies recorded of those sent back";
const COSTS: &str = "Nanoseconds a probe, by number of targets";

/// The chart as SVG.
pub fn draw(report: &Report) -> String {
    let (speed, targets) = (report.part(Part::Speed), report.part(Part::Targets));
    let bars_height = match speed.len() {
        0 => 0.0,
        rows => TITLE + STEP * rows as f64,
    };
    let plot_height = if targets.is_empty() {
        0.0
    } else {
        TITLE + PLOT + BOTTOM
    };
    let height = TOP + bars_height + plot_height + MARGIN;
    let mut document = canvas(LEFT + LENGTH + RIGHT, height)
        .add(text(20.0, 24.0, HEADLINE).set("font-size", 16))
        .add(text(20.0, 42.0, SUBTITLE));
    if !speed.is_empty() {
        document = document.add(bars(TOP, &speed));
    }
    if !targets.is_empty() {
        document = document.add(costs(TOP + bars_height, &targets));
    }
    document.to_string()
}

fn heading(y: f64, words: &str) -> svg::node::element::Text {
    text(20.0, y + 16.0, words).set("font-weight", "bold")
}

fn bars(top: f64, rows: &[&Row]) -> Group {
    let most = rows.iter().map(|row| row.range_per_second[1]);
    let scale = LENGTH / most.fold(1.0, f64::max);
    let group = Group::new().add(heading(top, SPEED));
    let places = (0u32..).map(|place| top + TITLE + STEP * f64::from(place));
    rows.iter()
        .zip(places)
        .fold(group, |group, (row, y)| group.add(bar(y, row, scale)))
}

fn bar(y: f64, row: &Row, scale: f64) -> Group {
    let colour = match &row.case.tool {
        Tool::Zmap { .. } => OTHERS,
        Tool::Probe(sweep) if sweep.tx == Tx::Raw => SOCKETS,
        Tool::Probe(_) => GENERATOR,
    };
    let [least, most] = row.range_per_second;
    let middle = y + BAR / 2.0;
    let (length, share) = (row.probes_per_second * scale, 100.0 * row.recorded_share);
    let label = format!("{:.0} k/s, {share:.2} %", row.probes_per_second / 1e3);
    Group::new()
        .add(text(LEFT - 8.0, y + 12.0, &row.case.name).set("text-anchor", "end"))
        .add(rectangle(LEFT, y, LENGTH, BAR, GRID).set("fill-opacity", 0.4))
        .add(rectangle(LEFT, y, length, BAR, colour))
        .add(line(
            (LEFT + least * scale, middle),
            (LEFT + most * scale, middle),
            INK,
        ))
        .add(text(LEFT + LENGTH + 8.0, y + 12.0, &label))
}

fn costs(top: f64, rows: &[&Row]) -> Group {
    let plot = Plot::of(top + TITLE, rows);
    let mut group = Group::new().add(heading(top, COSTS)).add(plot.axes());
    for (place, (layout, name, colour)) in (0u32..).zip(LINES) {
        let y = plot.top + 20.0 * f64::from(place);
        let x = LEFT + LENGTH + 12.0;
        let points = rows.iter().filter_map(|row| Point::of(row, layout));
        group = group
            .add(plot.curve(&points.collect::<Vec<_>>(), colour))
            .add(rectangle(x, y, 10.0, 10.0, colour))
            .add(text(x + 15.0, y + 9.0, name));
    }
    group
}

/// Costs of one size.
struct Point {
    /// Logarithm of the number of targets.
    bits: f64,
    ns: f64,
    least: f64,
    most: f64,
}

impl Point {
    fn of(row: &Row, layout: Layout) -> Option<Self> {
        let told = row.told.filter(|told| told.layout == layout)?;
        let [slowest, fastest] = row.range_per_second;
        Some(Self {
            bits: (told.targets as f64).log2(),
            ns: 1e9 / row.probes_per_second,
            least: 1e9 / fastest,
            most: 1e9 / slowest,
        })
    }
}

/// Where the values of the plot stand.
struct Plot {
    top: f64,
    /// Logarithms of the least and the largest number of targets.
    bits: [u32; 2],
    /// The highest cost.
    ceiling: f64,
}

impl Plot {
    fn of(top: f64, rows: &[&Row]) -> Self {
        let sizes = || rows.iter().filter_map(|row| Some(row.told?.targets as f64));
        let most = rows.iter().map(|row| 1e9 / row.range_per_second[0]);
        let step = f64::from(TICKS) * 50.0;
        Self {
            top,
            bits: [
                sizes().fold(f64::MAX, f64::min).log2().floor() as u32,
                sizes().fold(2.0, f64::max).log2().ceil() as u32,
            ],
            ceiling: (most.fold(1.0, f64::max) / step).ceil() * step,
        }
    }

    fn x(&self, bits: f64) -> f64 {
        let [first, last] = self.bits.map(f64::from);
        LEFT + LENGTH * (bits - first) / (last - first).max(1.0)
    }

    fn y(&self, ns: f64) -> f64 {
        self.top + PLOT * (1.0 - ns / self.ceiling)
    }

    fn axes(&self) -> Group {
        let mut group = Group::new();
        for tick in 0..=TICKS {
            let ns = self.ceiling * f64::from(tick) / f64::from(TICKS);
            let y = self.y(ns);
            let label = text(LEFT - 8.0, y + 4.0, &format!("{ns:.0}"));
            group = group
                .add(line((LEFT, y), (LEFT + LENGTH, y), GRID))
                .add(label.set("text-anchor", "end"));
        }
        for bits in (self.bits[0]..=self.bits[1]).step_by(2) {
            let (x, bottom) = (self.x(bits.into()), self.top + PLOT);
            let label = text(x, bottom + 18.0, &format!("2^{bits}"));
            group = group
                .add(line((x, bottom), (x, bottom + 4.0), INK))
                .add(label.set("text-anchor", "middle"));
        }
        group
    }

    fn curve(&self, points: &[Point], colour: &str) -> Group {
        let at = |point: &Point| (self.x(point.bits), self.y(point.ns));
        let mut group = Group::new();
        for pair in points.windows(2) {
            let stroke = line(at(&pair[0]), at(&pair[1]), colour);
            group = group.add(stroke.set("stroke-width", 1.5));
        }
        for point in points {
            let (x, y) = at(point);
            let dot = Circle::new().set("cx", x).set("cy", y).set("r", 3.5);
            group = group
                .add(line(
                    (x, self.y(point.least)),
                    (x, self.y(point.most)),
                    colour,
                ))
                .add(dot.set("fill", colour));
        }
        group
    }
}
