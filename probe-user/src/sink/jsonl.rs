//! One JSON object a line. A trace has `hops`, a reply has `kind`, a ping neither.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Sink, records::Records};
use crate::engine::report::{PingReport, Reply, TraceReport};

pub(super) struct Jsonl {
    records: Records,
    replies: bool,
}

impl Jsonl {
    pub(super) fn new(writer: Box<dyn Write>, replies: bool) -> Self {
        Self {
            records: Records::new(writer),
            replies,
        }
    }

    fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.records.add(&line(record)?)
    }
}

impl Sink for Jsonl {
    fn wants_replies(&self) -> bool {
        self.replies
    }
    fn trace(&mut self, report: &TraceReport) -> io::Result<()> {
        self.write(report)
    }
    fn ping(&mut self, report: &PingReport) -> io::Result<()> {
        self.write(report)
    }
    fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        self.write(reply)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.records.flush()
    }
    fn finish(&mut self) -> io::Result<()> {
        self.records.flush()
    }
}

/// A record as a line of printable ASCII.
fn line<T: Serialize>(record: &T) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    record.serialize(&mut Serializer::with_formatter(&mut line, Ascii))?;
    line.push(b'\n');
    Ok(line)
}

/// Escapes all but printable ASCII: a name from the network must not reach a
/// terminal as a control sequence (JSON itself escapes those below U+0020 only).
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
