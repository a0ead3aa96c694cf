//! The rows of paths.

use parquet::{basic::LogicalType, data_type::Int32Type};

use super::Rows;
use crate::{
    engine::report::PathReport,
    sink::{
        hops,
        line::Line,
        parquet::column::{AddressTexts, Addresses, Column, Names, Numbers, Texts, narrow},
    },
};

/// Paths: the fields of JSON in their order, addresses twice, hops as JSON text.
pub(in super::super) struct PathRows {
    target: Addresses,
    target_text: AddressTexts,
    protocol: Names,
    flow: Numbers<Int32Type>,
    stop: Names,
    stamp: Names,
    hops: Texts,
}

impl Default for PathRows {
    fn default() -> Self {
        Self {
            target: Addresses::new("target").plain(),
            target_text: AddressTexts::new("target_text").plain(),
            protocol: Names::new("protocol"),
            flow: narrow("flow", 16),
            stop: Names::new("stop"),
            stamp: Names::new("stamp"),
            hops: Texts::new("hops", LogicalType::Json),
        }
    }
}

impl Rows for PathRows {
    const NAME: &'static str = "path";
    const OF_REPLIES: bool = false;

    fn columns(&mut self) -> Vec<&mut dyn Column> {
        vec![
            &mut self.target,
            &mut self.target_text,
            &mut self.protocol,
            &mut self.flow,
            &mut self.stop,
            &mut self.stamp,
            &mut self.hops,
        ]
    }

    fn path(&mut self, path: &PathReport) {
        self.target.push(path.target);
        self.target_text.push(path.target);
        self.protocol.push(path.protocol);
        self.flow.push(path.flow);
        self.stop.push(path.stop.name());
        self.stamp.push(path.stamp.name());
        self.hops
            .push(|text| hops::list(&mut Line(text), &path.hops));
    }
}
