//! Whole records, many in one write.

use std::io::{self, Write};

/// Octets after which records are written without being told.
const BATCH_OCTETS: usize = 64 * 1024;

/// Gathers whole records, so that no write ends inside one of them.
pub(super) struct Records {
    writer: Box<dyn Write>,
    gathered: Vec<u8>,
}

impl Records {
    pub(super) fn new(writer: Box<dyn Write>) -> Self {
        Self {
            writer,
            gathered: Vec::new(),
        }
    }

    /// Adds a record, its line end included.
    pub(super) fn add(&mut self, record: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(record);
        if self.gathered.len() < BATCH_OCTETS {
            return Ok(());
        }
        self.flush()
    }

    /// Writes all records. What cannot be written is given up, never tried twice.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let written = self.writer.write_all(&self.gathered);
        self.gathered.clear();
        written.and_then(|()| self.writer.flush())
    }
}
