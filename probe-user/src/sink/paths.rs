//! `--paths`: replies, put together to a path for each target and flow.
//!
//! Replies come in any order, and a path is known when the run ends; so nothing is
//! written before, and a run that is killed leaves no paths. Memory is bounded: beyond
//! [`partitions::HELD_OCTETS`], replies wait on disk. Late replies and duplicates are
//! not in paths, nor is what answered beyond a path's end. Paths come in no order.

mod extension;
mod partitions;
mod record;
#[cfg(test)]
mod tests;

use std::io;

use probe_common::abi::Kind;

use self::{
    partitions::{HELD_OCTETS, PARTITIONS, Partitions},
    record::{Reasons, Record},
};
use super::Sink;
use crate::{
    engine::report::{PathHop, PathReport, PathRules, PingReport, Reply, TraceReport},
    io::spill::Spill,
};

/// Replies on their way to a sink of paths.
pub(super) struct Paths {
    inner: Box<dyn Sink + Send>,
    rules: PathRules,
    partitions: Partitions,
    reasons: Reasons,
    cut_short: bool,
    /// Replies that were taken and not handed on yet.
    waiting: u64,
    finished: bool,
    failed: bool,
}

impl Paths {
    pub(super) fn new(inner: Box<dyn Sink + Send>, rules: PathRules, spill: Spill) -> Self {
        Self {
            inner,
            rules,
            partitions: Partitions::new(spill, HELD_OCTETS),
            reasons: Reasons::default(),
            cut_short: false,
            waiting: 0,
            finished: false,
            failed: false,
        }
    }

    /// Writes the paths of all targets.
    fn write_all(&mut self) -> io::Result<()> {
        let mut records = Vec::new();
        for partition in 0..PARTITIONS {
            self.partitions.take(partition, &mut records)?;
            records.sort_unstable_by_key(Record::order);
            let same_path = |a: &Record, b: &Record| (a.target, a.flow) == (b.target, b.flow);
            for records in records.chunk_by(same_path) {
                if let Some(path) = self.assemble(records) {
                    self.inner.path(&path)?;
                }
                self.waiting = self.waiting.saturating_sub(records.len() as u64);
            }
        }
        Ok(())
    }

    /// The path of records in order.
    fn assemble(&self, records: &[Record]) -> Option<PathReport> {
        let first = records.first()?;
        let answers = records.iter().map(|record| (record.ttl, record.kind));
        let (stop, last_ttl) = self.rules.end(answers, self.cut_short);
        let records = records.iter().filter(|record| record.ttl <= last_ttl);
        Some(PathReport {
            target: first.target,
            protocol: first.protocol.name(),
            flow: first.flow,
            stop,
            stamp: first.stamp,
            hops: self.hops(records),
        })
    }

    /// What records in order say of hops.
    fn hops<'a>(&self, records: impl Iterator<Item = &'a Record>) -> Vec<PathHop> {
        let mut ran_out = 0;
        let hops = records.map(|record| {
            let hop = record.hop(&self.reasons).with_ways(record.kind, ran_out);
            if record.kind == Kind::TimeExceeded {
                ran_out = record.ttl;
            }
            hop
        });
        hops.collect()
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.failed |= result.is_err();
        result
    }
}

impl Sink for Paths {
    fn wants_replies(&self) -> bool {
        true
    }
    fn trace(&mut self, _: &TraceReport) -> io::Result<()> {
        Ok(())
    }
    fn ping(&mut self, _: &PingReport) -> io::Result<()> {
        Ok(())
    }
    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        if reply.late || reply.duplicate {
            return Ok(());
        }
        let Some(record) = Record::of(reply, &mut self.reasons) else {
            return Ok(());
        };
        self.waiting += 1;
        let added = self.partitions.add(&record);
        self.note(added)
    }
    fn lost_replies(&self) -> u64 {
        let waiting = if self.failed { self.waiting } else { 0 };
        waiting + self.inner.lost_replies()
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Nothing before the end.
    fn sync(&mut self) -> io::Result<u64> {
        match self.finished {
            true => self.inner.sync(),
            false => Ok(0),
        }
    }
    fn cut_short(&mut self) {
        self.cut_short = true;
    }
    fn finish(&mut self) -> io::Result<()> {
        self.finished = true;
        let written = self.write_all().and_then(|()| self.inner.finish());
        self.note(written)
    }
}
