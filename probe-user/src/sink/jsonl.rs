//! One JSON object a line. A trace has `hops`, a reply has `kind`, a ping neither.

mod path;
mod reply;

use std::io;

use serde::Serialize;

use super::{Sink, json, records::Records};
use crate::{
    engine::report::{PathReport, PingReport, Reply, TraceReport},
    io::output::Output,
};

pub(super) struct Jsonl {
    records: Records,
    replies: bool,
}

impl Jsonl {
    pub(super) fn new(writer: Box<dyn Output>, replies: bool) -> Self {
        Self {
            records: Records::new(writer),
            replies,
        }
    }

    fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.records.add(line(record)?.as_bytes())
    }
}

fn line<T: Serialize>(record: &T) -> io::Result<String> {
    let mut line = json::text(record)?;
    line.push('\n');
    Ok(line)
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
    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        self.records
            .add_replies(1, |line| reply::object(line, reply))
    }
    fn path(&mut self, path: &PathReport) -> io::Result<()> {
        let replies = path.hops.len() as u64;
        self.records
            .add_replies(replies, |line| path::object(line, path))
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
        self.records.sync().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        engine::report::Stop,
        sink::sample::{Broken, Writes, hop, ip, ping, reply, responder, trace},
    };

    fn jsonl(replies: bool) -> impl FnOnce(Box<dyn Output>) -> Jsonl {
        move |writer| Jsonl::new(writer, replies)
    }

    #[test]
    fn a_trace_is_one_line_in_the_order_of_the_design() {
        let hops = vec![hop(5, vec![responder("100.64.1.2", Some("r1.example"), 3)])];
        let mut report = trace("10.1.2.3", Stop::Target, hops);
        report.name = Some("example.org".to_owned());
        let text = Writes::of(jsonl(false), |sink| sink.trace(&report));
        let expected = concat!(
            r#"{"target":"10.1.2.3","name":"example.org","protocol":"icmp","flow":0,"stop":"target","rounds":1,"stamp":"tcx/tcx","tos":0,"length":40,"hops":["#,
            r#"{"ttl":5,"sent":3,"received":3,"late":0,"duplicates":0,"loss":{"ratio":0.0,"unanswered":0,"never_sent":0,"by_us":0,"rate_limited":0},"#,
            r#""responders":[{"address":"100.64.1.2","name":"r1.example","received":3}],"#,
            r#""rtt_ns":{"count":3,"min":500000,"mean":550000,"stddev":25000,"p50":525000,"p90":600000,"p99":625000,"p999":666666,"max":750000,"jitter":16666,"jitter_rfc3550":12500}}]}"#,
            "\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_kinds_of_records_can_be_told() {
        let text = Writes::of(jsonl(true), |sink| {
            sink.reply(&reply("2001:db8::1"))?;
            sink.ping(&ping("2001:db8::1", 2, 0))?;
            sink.trace(&trace("2001:db8::1", Stop::GapLimit, vec![]))
        });
        let records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let has = |field| {
            records
                .iter()
                .map(|r| r.get(field).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(has("kind"), [true, false, false]);
        assert_eq!(has("hops"), [false, false, true]);
        // What is not known is absent, never null.
        assert_eq!(has("rtt_ns"), [true, false, false]);
        assert!(!text.contains("null"), "{text}");
    }

    #[test]
    fn a_hostile_name_stays_data() {
        let name = "a\n\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{1f4a9}\"\\";
        let hops = vec![hop(1, vec![responder("10.0.0.1", Some(name), 3)])];
        let report = trace("10.1.2.3", Stop::MaxTtl, hops);
        let text = Writes::of(jsonl(false), |sink| sink.trace(&report));
        assert!(
            text.trim_end_matches('\n')
                .bytes()
                .all(|b| matches!(b, b' '..=b'~')),
            "{text:?}"
        );
        let record: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(record["hops"][0]["responders"][0]["name"], name);
    }

    #[test]
    fn every_write_is_of_whole_lines() {
        let writes = Writes::default();
        let mut sink = Jsonl::new(Box::new(writes.clone()), true);
        for last in 0..=255 {
            let target = ip(&format!("10.0.0.{last}")).to_string();
            for _ in 0..4 {
                sink.reply(&reply(&target)).expect("written");
            }
        }
        sink.finish().expect("finished");
        let writes = writes.taken();
        assert!(
            writes.len() > 1 && writes.len() < 20,
            "{} writes",
            writes.len()
        );
        assert!(
            writes
                .iter()
                .all(|write| write.starts_with('{') && write.ends_with("}\n"))
        );
        assert_eq!(writes.concat().lines().count(), 1024);
    }

    #[test]
    fn what_is_durable_and_what_is_lost_is_counted() {
        let mut sink = Jsonl::new(Box::new(Writes::default()), true);
        assert_eq!(sink.sync().expect("durable"), 0);
        for durable in 1..=3 {
            sink.reply(&reply("10.0.0.1")).expect("taken");
            sink.ping(&ping("10.0.0.1", 1, 1)).expect("taken");
            assert_eq!(sink.sync().expect("durable"), durable);
        }
        let mut sink = Jsonl::new(Box::new(Broken), true);
        for _ in 0..3 {
            sink.reply(&reply("10.0.0.1")).expect("gathered");
        }
        sink.sync().expect_err("broken");
        assert_eq!(sink.lost_replies(), 3);
    }

    #[test]
    fn a_reader_that_has_gone_is_told_as_such_and_once() {
        let mut sink = Jsonl::new(Box::new(Broken), false);
        sink.ping(&ping("10.0.0.1", 1, 1)).expect("gathered");
        let error = sink.flush().expect_err("broken");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        sink.finish().expect("nothing is tried twice");
    }
}
