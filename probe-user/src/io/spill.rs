//! Room on disk for what memory does not hold.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use super::output;

/// A file without a name: it vanishes with the process, however that ends.
pub struct Spill {
    file: File,
    /// Where the next octets go.
    end: u64,
}

/// A place in a [`Spill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    offset: u64,
    octets: usize,
}

impl Spill {
    /// Beside results, as there is room for them; if they go to no file or folder, in
    /// the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// Those of creating the file.
    pub fn create(results: Option<&Path>) -> io::Result<Self> {
        let file = match results {
            Some(folder) if folder.is_dir() => tempfile::tempfile_in(folder)?,
            Some(file) if file.is_file() => tempfile::tempfile_in(output::folder(file))?,
            _ => tempfile::tempfile()?,
        };
        Ok(Self { file, end: 0 })
    }

    /// Adds octets, and says where.
    ///
    /// # Errors
    /// Those of writing; nothing is added then.
    pub fn append(&mut self, octets: &[u8]) -> io::Result<Extent> {
        self.file.write_all_at(octets, self.end)?;
        let extent = Extent {
            offset: self.end,
            octets: octets.len(),
        };
        self.end += octets.len() as u64;
        Ok(extent)
    }

    /// Reads a place, behind what `into` holds.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(&self, extent: Extent, into: &mut Vec<u8>) -> io::Result<()> {
        let begin = into.len();
        into.resize(begin + extent.octets, 0);
        match into.get_mut(begin..) {
            Some(room) => self.file.read_exact_at(room, extent.offset),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_read_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spill = Spill::create(Some(folder.path())).expect("created");
        let texts = ["one", "", "three"];
        let extents = texts.map(|text| spill.append(text.as_bytes()).expect("added"));
        assert_eq!(folder.path().read_dir().expect("lists").count(), 0);
        let mut octets = b"behind ".to_vec();
        for extent in [extents[2], extents[1], extents[0]] {
            spill.read(extent, &mut octets).expect("read");
        }
        assert_eq!(octets, b"behind threeone");
    }
}
