//! Comma-separated values (RFC 4180, lines end in LF): the fields of JSONL in the
//! same order, objects and lists as JSON text, what is absent empty. A file has one
//! type of record, and the header depends on that type alone.

mod path;
mod reply;

use std::{collections::HashMap, io};

use ::csv::Writer;
use serde::Serialize;
use serde_json::value::RawValue;

use self::{path::PATH, reply::REPLY};
use super::{Sink, json, records::Records, text::printable};
use crate::{
    engine::report::{PathReport, PingReport, Reply, TraceReport},
    io::output::Output,
};

const TRACE: &[&str] = &[
    "target",
    "name",
    "protocol",
    "flow",
    "stop",
    "rounds",
    "stamp",
    "tos",
    "length",
    "middlebox",
    "hops",
    "host",
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
    "reordered",
    "omitted",
    "errors",
    "error_responders",
    "loss",
    "causes",
    "rate_limit",
    "bursts",
    "rtt_ns",
    "interval",
    "host",
];

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Trace,
    Ping,
    Reply,
    Path,
}

impl Row {
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Trace => TRACE,
            Self::Ping => PING,
            Self::Reply => REPLY,
            Self::Path => PATH,
        }
    }
}

pub(super) struct Csv {
    records: Records,
    row: Row,
    /// Whether the header stands already; else it is written before the first record,
    /// or last of all.
    headed: bool,
    /// Room for a cell that needs quotes.
    scratch: Vec<u8>,
}

impl Csv {
    pub(super) fn new(writer: Box<dyn Output>, row: Row) -> Self {
        Self {
            records: Records::new(writer),
            row,
            headed: false,
            scratch: Vec::new(),
        }
    }

    /// Goes on behind rows, header included.
    pub(super) fn resume(writer: Box<dyn Output>, row: Row) -> Self {
        Self {
            headed: true,
            ..Self::new(writer, row)
        }
    }

    fn header(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.headed, true) {
            false => self.records.add(&row(self.row.columns())?),
            true => Ok(()),
        }
    }

    /// Writes a report, if rows are of its kind.
    fn write<T: Serialize>(&mut self, of: Row, record: &T) -> io::Result<()> {
        if self.row != of {
            return Ok(());
        }
        self.header()?;
        let record = json::text(record)?;
        let fields: HashMap<&str, &RawValue> = serde_json::from_str(&record)?;
        let columns = of.columns().iter();
        let cells: Vec<_> = columns
            .map(|column| {
                fields
                    .get(column)
                    .map_or(Ok(String::new()), |field| cell(field))
            })
            .collect::<io::Result<_>>()?;
        self.records.add(&row(&cells)?)
    }
}

impl Sink for Csv {
    fn wants_replies(&self) -> bool {
        self.row == Row::Reply
    }
    fn trace(&mut self, report: &TraceReport) -> io::Result<()> {
        self.write(Row::Trace, report)
    }
    fn ping(&mut self, report: &PingReport) -> io::Result<()> {
        self.write(Row::Ping, report)
    }
    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        if self.row != Row::Reply {
            return Ok(());
        }
        self.header()?;
        self.records
            .add_replies(1, |line| reply::cells(line, reply))
    }
    fn path(&mut self, path: &PathReport) -> io::Result<()> {
        if self.row != Row::Path {
            return Ok(());
        }
        self.header()?;
        let (replies, scratch) = (path.hops.len() as u64, &mut self.scratch);
        self.records
            .add_replies(replies, |line| path::cells(line, path, scratch))
    }
    fn lost_replies(&self) -> u64 {
        self.records.lost_replies()
    }
    fn flush(&mut self) -> io::Result<()> {
        self.records.flush()
    }
    fn sync(&mut self) -> io::Result<u64> {
        self.records.sync()
    }
    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.records.sync().map(drop)
    }
}

/// A string without its quotes; all else is its JSON text.
fn cell(field: &RawValue) -> io::Result<String> {
    if !field.get().starts_with('"') {
        return Ok(field.get().to_owned());
    }
    let text: String = serde_json::from_str(field.get())?;
    Ok(printable(&text))
}

fn row<T: AsRef<[u8]>>(cells: &[T]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| error.into_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::report::{Host, Interfaces, Omitted, RateLimit, Stop},
        sink::sample::{self, Writes, hop, interval, ip, ping, reply, responder, trace},
    };

    fn csv(row: Row) -> impl FnOnce(Box<dyn Output>) -> Csv {
        move |writer| Csv::new(writer, row)
    }

    #[test]
    fn a_ping_is_a_row() {
        let text = Writes::of(csv(Row::Ping), |sink| {
            let mut report = ping("10.0.0.1", 4, 3);
            report.name = Some("a, \"b\"".to_owned());
            sink.ping(&report)?;
            sink.reply(&reply("10.0.0.1"))?;
            sink.ping(&ping("2001:db8::1", 4, 0))
        });
        let expected = concat!(
            "target,name,protocol,flow,stamp,sent,received,late,duplicates,reordered,omitted,errors,error_responders,loss,causes,rate_limit,bursts,rtt_ns,interval,host\n",
            r#"10.0.0.1,"a, ""b""",icmp,0,tcx/xdp-native,4,3,0,0,"{""count"":0,""ratio"":0.0}",,0,,"#,
            r#""{""ratio"":0.25,""ci95"":[0.0,0.75],""unanswered"":1,""never_sent"":0,""by_us"":0,""rate_limited"":0}","#,
            r#""{""path"":1}",,"#,
            r#""{""count"":1,""longest"":1,""mean"":1.0,""p"":0.125}","#,
            r#""{""count"":3,""min"":45200,""mean"":49720,""stddev"":2260,""p50"":47460,""p90"":54240,""p99"":56500,""p999"":60266,""max"":67800,""jitter"":1506,""jitter_rfc3550"":1130}",,"#,
            "\n",
            r#"2001:db8::1,,icmp,0,tcx/xdp-native,4,0,0,0,"{""count"":0,""ratio"":0.0}",,0,,"#,
            r#""{""ratio"":1.0,""ci95"":[0.0,0.75],""unanswered"":4,""never_sent"":0,""by_us"":0,""rate_limited"":0}","#,
            r#""{""silent"":4}",,"#,
            r#""{""count"":1,""longest"":4,""mean"":4.0,""p"":0.125}",,,"#,
            "\n",
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_of_replies_has_nothing_else() {
        let text = Writes::of(csv(Row::Reply), |sink| {
            let mut other = reply("10.0.0.1");
            (other.kind, other.reason) = ("unreachable", Some("host-unreachable"));
            (other.rtt_ns, other.tx_ns) = (None, None);
            sink.reply(&reply("10.0.0.1"))?;
            sink.reply(&other)?;
            sink.ping(&ping("10.0.0.1", 4, 3))
        });
        let expected = "\
target,ttl,flow,round,protocol,kind,reason,responder,rtt_ns,tx_ns,rx_ns,reply_ttl,back_hops,asymmetry,quoted_ttl,quoted_tos,quoted_length,icmp_type,icmp_code,mtu,grade,nat,rewritten,duplicate,late,stamp,again,mpls,interface
10.0.0.1,64,0,1,icmp,echo-reply,,10.0.0.1,45200,1000000,1045200,61,4,,,,,0,0,,A,false,,false,false,tcx/tcx,false,,
10.0.0.1,64,0,1,icmp,unreachable,host-unreachable,10.0.0.1,,,1045200,61,4,,,,,0,0,,A,false,,false,false,tcx/tcx,false,,
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_that_is_gone_on_with_has_its_header() {
        let text = Writes::of(
            |writer| Csv::resume(writer, Row::Reply),
            |sink| sink.reply(&reply("10.0.0.1")),
        );
        assert!(text.starts_with("10.0.0.1,"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_file_without_records_has_its_header() {
        let text = Writes::of(csv(Row::Trace), |_| Ok(()));
        assert_eq!(
            text,
            "target,name,protocol,flow,stop,rounds,stamp,tos,length,middlebox,hops,host\n"
        );
    }

    /// Each column is a field, and no field is without column, in the order of JSONL.
    #[test]
    fn columns_are_the_fields() {
        let mut full_reply = reply("10.0.0.1");
        full_reply.reason = Some("host-unreachable");
        (full_reply.mtu, full_reply.again) = (Some(1500), true);
        let interfaces = Interfaces::default();
        full_reply.interface = Some(&interfaces);
        full_reply.mpls = &[sample::LABEL];
        let full_reply = sample::quoting(full_reply);
        let mut full_ping = ping("10.0.0.1", 2, 1);
        full_ping.omitted = Some(Omitted {
            probes: 1,
            longest_ns: 1,
        });
        full_ping.name = Some("a.example".to_owned());
        full_ping.error_responders = vec![responder("10.0.0.2", None, 1)];
        full_ping.interval = Some(interval(2, 1));
        full_ping.rate_limit = Some(RateLimit {
            per_second: 1.0,
            burst: None,
            interval_ns: None,
        });
        full_ping.host = Some(Host::default());
        let mut full_trace = trace("10.0.0.1", Stop::Target, vec![]);
        full_trace.name = Some("a.example".to_owned());
        full_trace.middlebox = Some(sample::MIDDLEBOX);
        full_trace.host = Some(Host::default());
        assert_fields(REPLY, &full_reply);
        assert_fields(PING, &full_ping);
        assert_fields(TRACE, &full_trace);
    }

    fn assert_fields<T: Serialize>(columns: &[&str], record: &T) {
        let text = serde_json::to_string(record).expect("JSON");
        let at = |column: &&str| text.find(&format!("\"{column}\":"));
        let places: Vec<_> = columns.iter().map(at).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{columns:?}"
        );
        let record = serde_json::to_value(record).expect("JSON");
        assert_eq!(
            record.as_object().map(|fields| fields.len()),
            Some(columns.len())
        );
    }

    #[test]
    fn a_hostile_name_is_escaped() {
        let mut report = ping("10.0.0.1", 1, 1);
        report.name = Some("\u{1b}[2J\r\nx".to_owned());
        report.target = ip("10.0.0.2");
        let text = Writes::of(csv(Row::Ping), |sink| sink.ping(&report));
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.contains("\n10.0.0.2,\\x1b[2J\\r\\nx,icmp,"),
            "{text:?}"
        );
        let hops = vec![hop(
            1,
            vec![responder("10.0.0.1", Some("\u{1b}\n\u{9b}"), 3)],
        )];
        let text = Writes::of(csv(Row::Trace), |sink| {
            sink.trace(&trace("10.0.0.1", Stop::MaxTtl, hops))
        });
        assert!(
            text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')),
            "{text:?}"
        );
    }
}
