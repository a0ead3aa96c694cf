//! Standard output or a file.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

/// Opens a file, emptied, or standard output.
pub(super) fn open(file: Option<&Path>) -> io::Result<Box<dyn Write>> {
    Ok(match file {
        Some(path) => Box::new(WholeWrites::new(File::create(path)?)),
        None => Box::new(io::stdout()),
    })
}

/// A file in which each write stands whole or not at all, also when the disk is full.
struct WholeWrites {
    file: File,
    /// Where the last whole write ends, in octets.
    end: u64,
}

impl WholeWrites {
    fn new(file: File) -> Self {
        Self { file, end: 0 }
    }
}

impl Write for WholeWrites {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(octets) {
            // Fails on a pipe or a device, which has nothing to take back.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_of_the_first_write() {
        let mut output = open(Some(Path::new("/dev/full"))).expect("opens");
        let error = output.write_all(b"{}\n").expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_is_emptied_first() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for text in ["longer than what comes then\n", "short\n"] {
            let mut output = open(Some(file.path())).expect("opens");
            output.write_all(text.as_bytes()).expect("writes");
        }
        let text = std::fs::read_to_string(file.path()).expect("reads");
        assert_eq!(text, "short\n");
    }
}
