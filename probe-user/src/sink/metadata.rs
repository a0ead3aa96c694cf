//! What a run was, as one JSON object in a file.

use std::{io, path::Path};

use serde::Serialize;

use crate::io::output;

/// Gives the file at `path` the object, on several lines; see [`output::replace`].
///
/// # Errors
/// Those of the file, and of a value that JSON does not know; the file of before is
/// then unchanged.
pub fn write<T: Serialize>(path: &Path, metadata: &T) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(metadata)?;
    text.push(b'\n');
    output::replace(path, &text)
}
