//! A file of results: whole writes, and a start behind the last whole line.

use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::Output;

/// Octets that are searched for the end of a line at once.
const SEARCHED_OCTETS: usize = 64 * 1024;

/// A file of which each write stands whole or not at all, also when the disk is full.
pub(super) struct WholeWrites {
    file: File,
    /// Where the last whole write ends, in octets.
    end: u64,
    /// A pipe or a device keeps nothing.
    regular: bool,
    /// The folder, until its entry for the file is durable.
    folder: Option<PathBuf>,
}

impl WholeWrites {
    /// An emptied file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Self::over(File::create(path)?, path, 0)
    }

    /// A file that is gone on with: what follows its last whole line is cut off.
    pub(super) fn resume(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
            return Self::create(path);
        }
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        let end = end_of_lines(&file, file.metadata()?.len())?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Self::over(file, path, end)
    }

    fn over(file: File, path: &Path, end: u64) -> io::Result<Self> {
        let regular = file.metadata()?.is_file();
        Ok(Self {
            file,
            end,
            regular,
            folder: regular.then(|| super::folder(path).to_owned()),
        })
    }

    /// Makes all of the file durable.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Octets that the file holds.
    pub(super) fn len(&self) -> u64 {
        self.end
    }
}

impl Write for WholeWrites {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(octets) {
            self.cut_back();
            return Err(error);
        }
        self.end += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WholeWrites {
    /// Takes a part of a write back. A pipe or a device has nothing to take back.
    fn cut_back(&mut self) {
        if self.regular && self.file.set_len(self.end).is_ok() {
            let _ = self.file.seek(SeekFrom::Start(self.end));
        }
    }
}

impl Output for WholeWrites {
    fn sync(&mut self) -> io::Result<()> {
        if !self.regular {
            return Ok(());
        }
        self.file.sync_data()?;
        if let Some(folder) = self.folder.take() {
            super::sync_folder(&folder);
        }
        Ok(())
    }
}

/// Where the last line that has its end ends, of a file of `len` octets.
fn end_of_lines(file: &File, len: u64) -> io::Result<u64> {
    let mut block = [0; SEARCHED_OCTETS];
    let mut end = len;
    while end > 0 {
        let begin = end.saturating_sub(SEARCHED_OCTETS as u64);
        let Some(searched) = block.get_mut(..(end - begin) as usize) else {
            break;
        };
        file.read_exact_at(searched, begin)?;
        if let Some(last) = searched.iter().rposition(|&octet| octet == b'\n') {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}
