//! Whole records, many in one write.

use std::io;

use super::line::{LONGEST_OCTETS, Line};
use crate::io::output::Output;

/// Octets after which records are written without being told.
const BATCH_OCTETS: usize = 256 * 1024;

/// Gathers whole records, so that no write ends inside one of them.
pub(super) struct Records {
    writer: Box<dyn Output>,
    gathered: Vec<u8>,
    gathered_replies: u64,
    written_replies: u64,
    lost_replies: u64,
}

impl Records {
    pub(super) fn new(writer: Box<dyn Output>) -> Self {
        Self {
            writer,
            gathered: Vec::new(),
            gathered_replies: 0,
            written_replies: 0,
            lost_replies: 0,
        }
    }

    /// Adds a record, its line end included.
    pub(super) fn add(&mut self, record: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(record);
        self.flush_batch()
    }

    fn flush_batch(&mut self) -> io::Result<()> {
        if self.gathered.len() < BATCH_OCTETS {
            return Ok(());
        }
        self.flush()
    }

    /// Adds the record of so many replies: these are counted if they are lost.
    pub(super) fn add_replies(
        &mut self,
        replies: u64,
        write: impl FnOnce(&mut Line<'_>),
    ) -> io::Result<()> {
        self.gathered_replies += replies;
        self.gathered.reserve(LONGEST_OCTETS);
        write(&mut Line(&mut self.gathered));
        self.flush_batch()
    }

    /// Replies that were added and could not be written.
    pub(super) fn lost_replies(&self) -> u64 {
        self.lost_replies
    }

    /// Writes all records. What cannot be written is given up, never tried twice.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let written = self.writer.write_all(&self.gathered);
        self.gathered.clear();
        let replies = std::mem::take(&mut self.gathered_replies);
        let count = match written {
            Ok(()) => &mut self.written_replies,
            Err(_) => &mut self.lost_replies,
        };
        *count += replies;
        written.and_then(|()| self.writer.flush())
    }

    /// Writes all records and makes them durable; the number of replies among them.
    pub(super) fn sync(&mut self) -> io::Result<u64> {
        self.flush()?;
        self.writer.sync()?;
        Ok(self.written_replies)
    }
}
