//! How much of an output there is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::parts;

/// An output that a later run goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A file of lines.
    Lines(PathBuf),
    /// A folder of parts, and the extension of these, without dot.
    Parts(PathBuf, &'static str),
}

impl Kept {
    /// Octets of the file, or whole parts in the folder. A pipe or a device has none.
    ///
    /// # Errors
    /// Those of looking, such as [`io::ErrorKind::NotFound`].
    pub fn size(&self) -> io::Result<u64> {
        match self {
            Self::Lines(file) => fs::metadata(file).map(|found| match found.is_file() {
                true => found.len(),
                false => 0,
            }),
            Self::Parts(folder, extension) => parts::count(folder, extension),
        }
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        match self {
            Self::Lines(path) | Self::Parts(path, _) => path,
        }
    }

    /// What [`Kept::size`] counts.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Lines(_) => "octets",
            Self::Parts(..) => "parts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_in_octets_and_folders_in_whole_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let file = folder.join("out.jsonl");
        fs::write(&file, "{}\n").expect("written");
        assert_eq!(Kept::Lines(file).size().ok(), Some(3));
        assert_eq!(Kept::Lines("/dev/null".into()).size().ok(), Some(0));
        let missing = Kept::Lines(folder.join("none")).size();
        assert_eq!(missing.expect_err("none").kind(), io::ErrorKind::NotFound);
        for name in [
            "part-00000.parquet",
            "part-00007.parquet",
            ".part-00008.parquet.tmp",
            "part-x.parquet",
        ] {
            fs::write(folder.join(name), "").expect("written");
        }
        let parts = Kept::Parts(folder.to_owned(), "parquet");
        assert_eq!(parts.size().ok(), Some(2));
    }
}
