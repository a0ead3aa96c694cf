//! The files that a run names: none overwrites another, and all can be written.

use std::path::{Path, PathBuf};

use super::list_file::is_stdin;
use crate::{
    error::{Error, Result},
    io::output,
};

/// An option, or how messages name a file, and the path given.
pub(super) type Named<'a> = (&'static str, Option<&'a Path>);

/// The files of a run.
#[derive(Debug, Default)]
pub(super) struct Files<'a> {
    /// Written from the start: whoever opens them says what is wrong with them.
    pub(super) opened: &'a [Named<'a>],
    /// Put in their place as a whole, later.
    pub(super) replaced: &'a [Named<'a>],
    /// Lists.
    pub(super) read: &'a [Named<'a>],
    /// A folder that the run makes for itself, those above it included.
    pub(super) made: Option<&'a Path>,
}

impl Files<'_> {
    /// Refuses two writers of one file, a writer of what is read, and files that could
    /// not be put in their place when the run is over.
    ///
    /// # Errors
    /// [`Error::Usage`], with the options' names.
    pub(super) fn check(&self) -> Result<()> {
        let mut written: Vec<(&str, PathBuf)> = Vec::new();
        for (option, path) in given(self.opened).chain(given(self.replaced)) {
            let Some(place) = place(path) else {
                continue;
            };
            if let Some((other, _)) = written.iter().find(|(_, other)| *other == place) {
                return usage(format!("{other} and {option} are the same file: give two"));
            }
            written.push((option, place));
        }
        for (option, path) in given(self.read) {
            let Some(place) = place(path) else {
                continue;
            };
            if let Some((writer, _)) = written.iter().find(|(_, other)| *other == place) {
                return usage(format!(
                    "{writer} would overwrite the file of {option}: give another"
                ));
            }
        }
        given(self.replaced).try_for_each(|(option, path)| self.check_replaced(option, path))
    }

    fn check_replaced(&self, option: &str, path: &Path) -> Result<()> {
        if is_stdin(path) {
            return usage(format!(
                "{option} needs a file: standard output has the results"
            ));
        }
        let folder = path.parent().unwrap_or(path);
        if self.made.is_some_and(|made| made.starts_with(folder)) && !folder.exists() {
            return Ok(());
        }
        output::can_replace(path).or_else(|error| {
            usage(format!(
                "cannot write {}: {error}; check {option}",
                path.display()
            ))
        })
    }
}

fn given<'a>(files: &'a [Named<'a>]) -> impl Iterator<Item = (&'static str, &'a Path)> {
    files
        .iter()
        .filter_map(|(option, path)| Some((*option, (*path)?)))
}

/// Where a file stands, or will; nothing for those that several may share: standard
/// input and output, devices, pipes.
fn place(path: &Path) -> Option<PathBuf> {
    let special = |existing: std::fs::Metadata| !existing.is_file() && !existing.is_dir();
    let shared = is_stdin(path) || path.starts_with("/dev") || path.starts_with("/proc");
    if shared || path.metadata().is_ok_and(special) {
        return None;
    }
    if let Ok(place) = path.canonicalize() {
        return Some(place);
    }
    let path = std::path::absolute(path).ok()?;
    let folder = path.parent()?;
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    Some(folder.join(path.file_name()?))
}

fn usage<T>(message: String) -> Result<T> {
    Err(Error::Usage(message))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::parse;

    /// Parses a line in which `DIR` stands for a folder with a list of targets.
    fn refusal(folder: &Path, line: &str) -> Option<String> {
        let folder = folder.to_str().expect("UTF-8");
        let line = line.replace("DIR", folder);
        let words = ["probe"].into_iter().chain(line.split_whitespace());
        let error = parse(words).err()?.to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        Some(error.replace(folder, "DIR"))
    }

    #[test]
    fn no_file_is_written_twice_nor_over_one_that_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::write(folder.join("list"), "192.88.99.1\n8.8.8.8\n").expect("written");
        fs::write(folder.join("spare"), "192.0.2.1\n").expect("written");
        std::os::unix::fs::symlink(folder.join("list"), folder.join("link")).expect("a link");
        fs::create_dir(folder.join("sub")).expect("a folder");
        let target = "--targets DIR/list --exclude DIR/spare";
        for (options, named) in [
            (
                "sweep -o DIR/x --responders DIR/x",
                ["--output", "--responders"],
            ),
            ("sweep -o DIR/x -u DIR/x", ["--output", "--status-file"]),
            (
                "sweep -o DIR/x --checkpoint DIR/x",
                ["--output", "--checkpoint"],
            ),
            (
                "sweep -o DIR/x --metadata DIR/x.checkpoint",
                ["checkpoint", "--metadata"],
            ),
            (
                "sweep --metadata DIR/x --responders DIR/x",
                ["--metadata", "--responders"],
            ),
            (
                "sweep -o DIR/x --metadata DIR/sub/../x",
                ["--output", "--metadata"],
            ),
            ("sweep -o DIR/list", ["--output", "--targets"]),
            ("sweep -o DIR/link", ["--output", "--targets"]),
            ("sweep --metadata DIR/spare", ["--metadata", "--exclude"]),
            (
                "ping -o DIR/x --metadata DIR/sub/../x",
                ["--output", "--metadata"],
            ),
            ("ping -o DIR/list", ["--output", "--targets"]),
            ("trace --metadata DIR/spare", ["--metadata", "--exclude"]),
        ] {
            let error = refusal(folder, &format!("{options} {target}")).expect(options);
            assert!(named.iter().all(|name| error.contains(name)), "{error}");
        }
        for options in [
            "sweep -o DIR/x --metadata DIR/y --responders DIR/z -u DIR/u --checkpoint DIR/c",
            "sweep -o /dev/null --metadata /dev/null --responders /dev/null -u /dev/null",
            "sweep -o /dev/stdout --metadata /dev/stdout",
            "ping -o /dev/null --metadata /dev/null",
        ] {
            assert_eq!(refusal(folder, &format!("{options} {target}")), None);
        }
        assert_eq!(fs::read_dir(folder).expect("lists").count(), 4);
    }

    #[test]
    fn what_could_not_be_written_at_the_end_is_refused_at_the_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for line in [
            "sweep --metadata DIR/none/x",
            "sweep --responders DIR/none/x",
            "sweep --checkpoint DIR/none/x",
            "sweep --metadata DIR",
            "ping --metadata DIR/none/x",
            "trace --metadata DIR/none/x",
        ] {
            let error = refusal(folder, &format!("{line} 8.8.8.8")).expect(line);
            let option = line.split(' ').nth(1).expect("an option");
            assert!(error.starts_with("cannot write DIR"), "{error}");
            assert!(error.ends_with(&format!("check {option}")), "{error}");
        }
        // This folder is made.
        let line = "sweep --format parquet -o DIR/new/out --metadata DIR/new/run.json 8.8.8.8";
        assert_eq!(refusal(folder, line), None);
    }
}
