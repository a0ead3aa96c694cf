//! The shapes and colours that all charts share.

use svg::{
    Document,
    node::element::{Line, Rectangle, Text},
};

/// Of words and of lines that matter.
pub(super) const INK: &str = "#333333";
/// Of what stands behind the figures.
pub(super) const GRID: &str = "#e4e4e4";

/// An empty chart.
pub(super) fn canvas(width: f64, height: f64) -> Document {
    Document::new()
        .set("viewBox", (0, 0, width as i64, height as i64))
        .set("width", width)
        .set("height", height)
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .set("fill", INK)
        .add(rectangle(0.0, 0.0, width, height, "white"))
}

pub(super) fn text(x: f64, y: f64, words: &str) -> Text {
    Text::new(words).set("x", x).set("y", y)
}

pub(super) fn line((x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) -> Line {
    Line::new()
        .set("x1", x1)
        .set("y1", y1)
        .set("x2", x2)
        .set("y2", y2)
        .set("stroke", colour)
}

pub(super) fn rectangle(x: f64, y: f64, width: f64, height: f64, colour: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("fill", colour)
}
