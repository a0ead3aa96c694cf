//! A folder of numbered files, each of which is whole.
//!
//! A part has a temporary name until it is closed and durable, so that whatever ends
//! the process leaves whole parts and one temporary file behind.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::file::WholeWrites;

/// Where parts are opened.
pub struct Parts {
    folder: PathBuf,
    /// Of the next part.
    number: u32,
    /// Of part files, without dot.
    extension: &'static str,
}

/// A part that is being written; each write stands whole or not at all. Dropped before
/// it is closed, it leaves nothing behind.
pub struct Part {
    file: WholeWrites,
    temporary: PathBuf,
    path: PathBuf,
    begun: Instant,
    closed: bool,
}

impl Parts {
    /// Parts from the first on, in a folder that has none. It is created if need be.
    ///
    /// # Errors
    /// Those of the folder; [`io::ErrorKind::AlreadyExists`] if it holds parts.
    pub fn create(folder: &Path, extension: &'static str) -> io::Result<Self> {
        let parts = Self::resume(folder, extension)?;
        if parts.number > 0 {
            let error =
                "it holds parts of another run: take another folder, or go on with that run";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, error));
        }
        Ok(parts)
    }

    /// Parts after the last that the folder holds. Left-over temporary files of parts
    /// are removed.
    ///
    /// # Errors
    /// Those of the folder, and of removing files.
    pub fn resume(folder: &Path, extension: &'static str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut parts = Self {
            folder: folder.to_owned(),
            number: 0,
            extension,
        };
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if let Some(number) = number_of(&name, extension) {
                parts.number = parts.number.max(number.saturating_add(1));
            } else if parts.is_temporary(&name) {
                fs::remove_file(folder.join(name))?;
            }
        }
        Ok(parts)
    }

    /// Opens the next part.
    ///
    /// # Errors
    /// Those of creating the file.
    pub fn begin(&mut self) -> io::Result<Part> {
        let name = format!("part-{:05}.{}", self.number, self.extension);
        let temporary = self.folder.join(format!(".{name}.tmp"));
        let file = WholeWrites::create(&temporary)?;
        self.number = self.number.saturating_add(1);
        Ok(Part {
            file,
            temporary,
            path: self.folder.join(name),
            begun: Instant::now(),
            closed: false,
        })
    }

    fn is_temporary(&self, name: &OsStr) -> bool {
        let name = name.to_str().unwrap_or_default();
        let part = name.strip_prefix('.').and_then(|n| n.strip_suffix(".tmp"));
        part.is_some_and(|part| number_of(OsStr::new(part), self.extension).is_some())
    }
}

/// Whole parts in a folder.
///
/// # Errors
/// Those of listing the folder.
pub(super) fn count(folder: &Path, extension: &str) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        count += u64::from(number_of(&entry?.file_name(), extension).is_some());
    }
    Ok(count)
}

fn number_of(name: &OsStr, extension: &str) -> Option<u32> {
    let number = name.to_str()?.strip_prefix("part-")?;
    let number = number.strip_suffix(extension)?.strip_suffix('.')?;
    number.parse().ok()
}

impl Part {
    /// Time since it was opened.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Makes the part durable and gives it its name.
    ///
    /// # Errors
    /// Those of writing and renaming; the part is then lost.
    pub fn close(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.closed = true;
        super::sync_folder(super::folder(&self.path));
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.closed {
            // What cannot be removed is removed by the next run.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("lists");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    fn write(parts: &mut Parts, text: &str) {
        let mut part = parts.begin().expect("opened");
        part.write_all(text.as_bytes()).expect("written");
        part.close().expect("closed");
    }

    #[test]
    fn a_part_has_its_name_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut parts = Parts::create(&folder.path().join("new/out"), "parquet").expect("created");
        let folder = folder.path().join("new/out");
        let mut part = parts.begin().expect("opened");
        part.write_all(b"one").expect("written");
        assert_eq!(names(&folder), [".part-00000.parquet.tmp"]);
        part.close().expect("closed");
        assert_eq!(names(&folder), ["part-00000.parquet"]);
        drop(parts.begin().expect("opened"));
        assert_eq!(names(&folder), ["part-00000.parquet"]);
    }

    #[test]
    fn a_run_is_gone_on_with_after_its_last_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut parts = Parts::create(folder, "parquet").expect("created");
        write(&mut parts, "one");
        write(&mut parts, "two");
        for name in [".part-00002.parquet.tmp", ".other.tmp", "part-x.parquet"] {
            fs::write(folder.join(name), "").expect("written");
        }
        let mut parts = Parts::resume(folder, "parquet").expect("opened");
        write(&mut parts, "three");
        let whole = [
            "part-00000.parquet",
            "part-00001.parquet",
            "part-00002.parquet",
        ];
        assert_eq!(names(folder)[1..4], whole);
        let text = fs::read_to_string(folder.join(whole[2])).expect("reads");
        assert_eq!(text, "three");
        // What is not ours stays.
        assert_eq!(names(folder).len(), 5);
    }

    #[test]
    fn parts_of_another_run_are_not_mixed_with() {
        let folder = tempfile::tempdir().expect("a folder");
        write(
            &mut Parts::create(folder.path(), "parquet").expect("created"),
            "one",
        );
        let error = Parts::create(folder.path(), "parquet")
            .err()
            .expect("refused");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
