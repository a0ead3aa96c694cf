//! How many replies a tool recorded, from what it wrote.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The file (of `probe`'s Parquet: the directory) with the records.
pub(super) const RECORDS: &str = "records";
/// The file with the metadata of `probe`.
pub(super) const METADATA: &str = "metadata";

/// From the metadata of `probe`.
pub(super) fn of_probe(directory: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(directory.join(METADATA)).context("no metadata")?;
    let metadata: Value = serde_json::from_str(&text).context("metadata of another form")?;
    let counter = |name: &str| metadata["counters"][name].as_u64();
    counter("recorded").context("metadata without counters")
}

/// Lines that begin with this.
pub(super) fn lines(directory: &Path, begin: &str) -> Result<u64> {
    let mut count = 0;
    for line in records(directory)?.lines() {
        count += u64::from(line?.starts_with(begin));
    }
    Ok(count)
}

/// Responses and hops in scamper's JSON lines.
pub(super) fn of_scamper(directory: &Path) -> Result<u64> {
    let mut count = 0;
    for line in records(directory)?.lines() {
        let record: Value = serde_json::from_str(&line?).context("a line is no JSON")?;
        let replies = record.get("responses").or(record.get("hops"));
        count += replies.and_then(Value::as_array).map_or(0, Vec::len);
    }
    Ok(count as u64)
}

fn records(directory: &Path) -> Result<BufReader<File>> {
    let path = directory.join(RECORDS);
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_as_each_tool_writes_them() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let write = |name, text| std::fs::write(directory.join(name), text).unwrap();
        write(
            RECORDS,
            "#masscan\nopen icmp 0 10.0.0.1 1\nopen icmp 0 10.0.0.2 1\n# end\n",
        );
        assert_eq!(lines(directory, "open ").unwrap(), 2);
        write(
            RECORDS,
            "{\"type\":\"cycle-start\"}\n{\"type\":\"ping\",\"responses\":[{}]}\n{\"type\":\"trace\",\"hops\":[{},{}]}\n",
        );
        assert_eq!(of_scamper(directory).unwrap(), 3);
        write(METADATA, "{\"counters\":{\"recorded\":7}}");
        assert_eq!(of_probe(directory).unwrap(), 7);
    }
}
