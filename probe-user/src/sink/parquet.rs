//! Apache Parquet: a folder of part files, each whole.
//!
//! The columns are the fields of JSON in the same order. Addresses stand twice: as 16
//! octets (`target`, `responder`; IPv4 mapped into IPv6), and as text (`target_text`,
//! `responder_text`). Numbers have the width of their field, without sign but for the
//! stamps `tx_ns` and `rx_ns`, which are signed. What may be absent is null. `hops` of
//! a path are JSON text. The metadata of each file has `probe.schema`.
//!
//! A part ends after ten seconds or eight million replies, so that a crash costs no more than
//! that; what stands in a closed part is durable. Rows are gathered for a row group in
//! memory, about 150 octets each, and encoded at once.

mod column;
mod part;
mod rows;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use parquet::{file::properties::WriterProperties, schema::types::Type};

use self::{
    part::OpenPart,
    rows::{PathRows, ReplyRows, Rows},
};
use super::Sink;
use crate::{
    engine::report::{PathReport, PingReport, Reply, TraceReport},
    io::output::Parts,
};

/// How much goes where.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Replies of a row group: what a reader takes in at once.
    group_replies: u64,
    /// Replies after which a part ends.
    part_replies: u64,
    /// Time after which a part ends.
    part_age: Duration,
    /// Rows between two looks at the part's age.
    age_rows: u32,
}

const LIMITS: Limits = Limits {
    group_replies: 256 << 10,
    part_replies: 8 << 20,
    part_age: Duration::from_secs(10),
    age_rows: 4096,
};

/// A sink of replies.
pub(super) fn replies(parts: Parts) -> io::Result<impl Sink + Send> {
    Parquet::new(parts, ReplyRows::default(), LIMITS)
}

/// A sink of paths.
pub(super) fn paths(parts: Parts) -> io::Result<impl Sink + Send> {
    Parquet::new(parts, PathRows::default(), LIMITS)
}

/// Counts replies: a row is one, or a path of several.
struct Parquet<R> {
    parts: Parts,
    limits: Limits,
    schema: Arc<Type>,
    properties: Arc<WriterProperties>,
    /// Those of the next row group.
    rows: R,
    gathered: u64,
    part: Option<OpenPart>,
    rows_since_look: u32,
    durable: u64,
    lost: u64,
}

impl<R: Rows> Parquet<R> {
    fn new(parts: Parts, mut rows: R, limits: Limits) -> io::Result<Self> {
        Ok(Self {
            parts,
            limits,
            schema: Arc::new(rows::schema(&mut rows)?),
            properties: Arc::new(rows::properties(&mut rows)?),
            rows,
            gathered: 0,
            part: None,
            rows_since_look: 0,
            durable: 0,
            lost: 0,
        })
    }

    /// Adds a row of so many replies. A part is open from its first row on.
    fn add(&mut self, replies: u64, push: impl FnOnce(&mut R)) -> io::Result<()> {
        push(&mut self.rows);
        self.gathered += replies;
        if self.part.is_none() {
            self.begin_part()?;
        }
        self.rows_since_look += 1;
        let group = self.gathered >= self.limits.group_replies;
        if group {
            self.write_group()?;
        }
        if group || self.rows_since_look >= self.limits.age_rows {
            self.rows_since_look = 0;
            self.close_if_due()?;
        }
        Ok(())
    }

    fn begin_part(&mut self) -> io::Result<()> {
        let begun = self.parts.begin().and_then(|file| {
            let (schema, properties) = (self.schema.clone(), self.properties.clone());
            OpenPart::begin(file, schema, properties)
        });
        match begun {
            Ok(part) => self.part = Some(part),
            Err(error) => return Err(self.lose_gathered(error)),
        }
        Ok(())
    }

    fn lose_gathered(&mut self, error: io::Error) -> io::Error {
        self.lost += std::mem::take(&mut self.gathered);
        error
    }

    /// Writes what is gathered. If that fails, the part is closed with what it has.
    fn write_group(&mut self) -> io::Result<()> {
        let Some(part) = self.part.as_mut().filter(|_| self.gathered > 0) else {
            return Ok(());
        };
        if let Err(error) = part.write_group(&mut self.rows, self.gathered) {
            let error = self.lose_gathered(error);
            if self.part.as_ref().is_some_and(|part| part.replies() > 0) {
                // What this loses is counted; the first error is the one to tell.
                let _ = self.close_part();
            }
            self.part = None;
            return Err(error);
        }
        self.gathered = 0;
        Ok(())
    }

    /// Closes the part if it is old or large enough.
    fn close_if_due(&mut self) -> io::Result<()> {
        let Limits {
            part_replies,
            part_age,
            ..
        } = self.limits;
        let due = |part: &OpenPart| part.replies() >= part_replies || part.age() >= part_age;
        if !self.part.as_ref().is_some_and(due) {
            return Ok(());
        }
        self.write_group()?;
        self.close_part()
    }

    fn close_part(&mut self) -> io::Result<()> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        let replies = part.replies();
        let closed = part.close();
        let count = match closed {
            Ok(()) => &mut self.durable,
            Err(_) => &mut self.lost,
        };
        *count += replies;
        closed
    }
}

impl<R: Rows> Sink for Parquet<R> {
    fn wants_replies(&self) -> bool {
        R::OF_REPLIES
    }
    fn trace(&mut self, _: &TraceReport) -> io::Result<()> {
        Ok(())
    }
    fn ping(&mut self, _: &PingReport) -> io::Result<()> {
        Ok(())
    }
    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        match R::OF_REPLIES {
            true => self.add(1, |rows| rows.reply(reply)),
            false => Ok(()),
        }
    }
    fn path(&mut self, path: &PathReport) -> io::Result<()> {
        match R::OF_REPLIES {
            true => Ok(()),
            false => self.add(path.hops.len().max(1) as u64, |rows| rows.path(path)),
        }
    }
    fn lost_replies(&self) -> u64 {
        self.lost
    }
    fn flush(&mut self) -> io::Result<()> {
        self.close_if_due()
    }
    fn sync(&mut self) -> io::Result<u64> {
        self.close_if_due()?;
        Ok(self.durable)
    }
    fn finish(&mut self) -> io::Result<()> {
        if self.part.is_none() && self.durable == 0 {
            // A reader learns at least which columns there would be.
            self.begin_part()?;
        }
        self.write_group()?;
        self.close_part()
    }
}
