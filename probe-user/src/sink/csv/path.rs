//! The row of a path.

use crate::{
    engine::report::PathReport,
    sink::{hops, line::Line},
};

/// Its columns.
pub(super) const PATH: &[&str] = &["target", "protocol", "flow", "stop", "stamp", "hops"];

/// Adds the row of a path with its line end. Only the hops need quotes; `scratch` is
/// room for them.
pub(super) fn cells(line: &mut Line<'_>, path: &PathReport, scratch: &mut Vec<u8>) {
    line.address(path.target);
    line.text(",");
    line.text(path.protocol);
    line.text(",");
    line.number(path.flow);
    line.text(",");
    line.text(path.stop.name());
    line.text(",");
    line.text(path.stamp.name());
    line.text(",\"");
    scratch.clear();
    hops::list(&mut Line(scratch), &path.hops);
    for &octet in &*scratch {
        if octet == b'"' {
            line.0.push(b'"');
        }
        line.0.push(octet);
    }
    line.text("\"\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #[test]
        fn a_row_has_the_values_of_json(path in arbitrary::path()) {
            let mut text = PATH.join(",").into_bytes();
            text.push(b'\n');
            cells(&mut Line(&mut text), &path, &mut Vec::new());
            let fields = serde_json::to_value(&path).expect("JSON");
            let mut rows = ::csv::Reader::from_reader(&text[..]);
            let row = rows.records().next().expect("a row").expect("CSV");
            prop_assert_eq!(row.len(), fields.as_object().map_or(0, |fields| fields.len()));
            for (column, cell) in PATH.iter().zip(&row) {
                match &fields[column] {
                    serde_json::Value::String(text) => prop_assert_eq!(cell, text),
                    value => prop_assert_eq!(
                        &serde_json::from_str::<serde_json::Value>(cell).expect("JSON"), value
                    ),
                }
            }
        }
    }
}
