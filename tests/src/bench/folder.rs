//! Where results are kept.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Writes a report and its chart as `NAME.json` and `NAME.svg` into a directory, by
/// default `target/bench` of the workspace, and says so.
///
/// # Errors
///
/// If they cannot be written.
pub fn save(
    directory: Option<&Path>,
    name: &str,
    report: &impl Serialize,
    svg: &str,
) -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let default = package.parent().unwrap_or(package).join("target/bench");
    let directory = directory.unwrap_or(&default);
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    for (kind, text) in [("json", json.as_str()), ("svg", svg)] {
        let path = directory.join(format!("{name}.{kind}"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
