//! What a status file says, second by second.

use std::path::Path;

/// A column of whole numbers; empty as long as there is none.
pub(crate) fn column(status: &Path, name: &str) -> Vec<u64> {
    let mut reader = csv::Reader::from_path(status).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = header.iter().position(|field| field == name);
    // The file may not have its header yet, or only a part of its last row.
    let rows = reader.records().filter_map(Result::ok);
    rows.filter_map(|row| row.get(column?)?.parse().ok())
        .collect()
}
