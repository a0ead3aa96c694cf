//! Comma-separated values (RFC 4180, lines end in LF): the fields of JSONL in the
//! same order, objects and lists as JSON text, what is absent empty. A file has one
//! type of record, and the header depends on that type alone.

use std::io::{self, Write};

use ::csv::Writer;
use serde::Serialize;
use serde_json::Value;

use super::{Sink, records::Records, text::printable};
use crate::engine::report::{PingReport, Reply, TraceReport};

const TRACE: &[&str] = &[
    "target", "name", "protocol", "flow", "stop", "rounds", "stamp", "hops",
];

const PING: &[&str] = &[
    "target",
    "name",
    "protocol",
    "flow",
    "stamp",
    "sent",
    "received",
    "late",
    "duplicates",
    "errors",
    "loss",
    "rtt_ns",
];

const REPLY: &[&str] = &[
    "target",
    "ttl",
    "flow",
    "round",
    "protocol",
    "kind",
    "reason",
    "responder",
    "rtt_ns",
    "tx_ns",
    "rx_ns",
    "reply_ttl",
    "quoted_ttl",
    "icmp_type",
    "icmp_code",
    "mtu",
    "grade",
    "nat",
    "duplicate",
    "late",
    "stamp",
];

pub(super) struct Csv {
    records: Records,
    replies: bool,
    /// Written before the first record, or last of all.
    header: Option<&'static [&'static str]>,
}

impl Csv {
    /// Rows of replies, or else of reports: pings or traces.
    pub(super) fn new(writer: Box<dyn Write>, ping: bool, replies: bool) -> Self {
        let header = match (replies, ping) {
            (true, _) => REPLY,
            (false, true) => PING,
            (false, false) => TRACE,
        };
        Self {
            records: Records::new(writer),
            replies,
            header: Some(header),
        }
    }

    fn header(&mut self) -> io::Result<()> {
        match self.header.take() {
            Some(columns) => self.records.add(&row(columns)?),
            None => Ok(()),
        }
    }

    fn write<T: Serialize>(&mut self, columns: &[&str], record: &T) -> io::Result<()> {
        self.header()?;
        let record = serde_json::to_value(record)?;
        let cells: Vec<_> = columns.iter().map(|column| cell(&record[column])).collect();
        self.records.add(&row(&cells)?)
    }
}

impl Sink for Csv {
    fn wants_replies(&self) -> bool {
        self.replies
    }
    fn trace(&mut self, report: &TraceReport) -> io::Result<()> {
        if self.replies {
            return Ok(());
        }
        self.write(TRACE, report)
    }
    fn ping(&mut self, report: &PingReport) -> io::Result<()> {
        if self.replies {
            return Ok(());
        }
        self.write(PING, report)
    }
    fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        if !self.replies {
            return Ok(());
        }
        self.write(REPLY, reply)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.records.flush()
    }
    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.records.flush()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

fn row<T: AsRef<[u8]>>(cells: &[T]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| error.into_error())
}
