//! What is written where: one file for each format, all over a writer.
//!
//! | format | trace | ping | with `--replies` |
//! | --- | --- | --- | --- |
//! | table | heading, hops, why it stopped | summary, or a row for each target | and a line for each reply |
//! | JSONL | an object with `hops` for each report | an object without | and an object with `kind` for each reply |
//! | CSV | a row for each report | a row for each report | rows of replies only |
//! | none | | | |
//!
//! A [`sweep`] writes replies, or paths that it puts together of them: JSONL, CSV or
//! Parquet.

mod address;
#[cfg(test)]
mod arbitrary;
mod csv;
mod extensions;
mod hops;
mod json;
mod jsonl;
mod line;
pub mod metadata;
mod parquet;
mod paths;
pub mod prometheus;
mod records;
pub mod responders;
#[cfg(test)]
mod sample;
pub mod select;
pub mod sweep;
pub mod sweep_summary;
pub(crate) mod table;
pub(crate) mod text;

use std::{
    io::{self, IsTerminal},
    path::Path,
};

pub use self::sweep::{kept, open_sweep};
use self::{
    csv::{Csv, Row},
    jsonl::Jsonl,
    table::Table,
};
use crate::{
    engine::{
        plan::{Format, Job, OutputOptions, Plan},
        report::{PathReport, PingReport, Reply, TraceReport},
    },
    error::{Error, Result},
    io::output::{self, Output},
};

/// Takes results in the order in which they come to be.
///
/// Every error is the writer's. [`io::ErrorKind::BrokenPipe`] says that the reader
/// has had enough, which is no failure; after any error, nothing more is written.
pub trait Sink {
    /// Whether [`Sink::reply`] writes anything: if not, replies need not be made.
    fn wants_replies(&self) -> bool;
    /// Writes the path of a flow.
    fn trace(&mut self, report: &TraceReport) -> io::Result<()>;
    /// Writes the latency of a target.
    fn ping(&mut self, report: &PingReport) -> io::Result<()>;
    /// Writes a reply.
    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()>;
    /// Writes the path of a sweep.
    fn path(&mut self, _: &PathReport) -> io::Result<()> {
        Ok(())
    }
    /// Replies that were taken and could not be written after all.
    fn lost_replies(&self) -> u64 {
        0
    }
    /// Hands what is complete to the reader. To be called whenever nothing more is
    /// at hand: records in between share a system call.
    fn flush(&mut self) -> io::Result<()>;
    /// Makes what was taken outlive a crash of the host, as far as the format can; the
    /// number of replies (or paths), counted from the first that this sink took, of
    /// which that is now true. A pipe keeps nothing: what it took counts.
    fn sync(&mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(0)
    }
    /// The run ends before its plan did. To be called before the end, if at all.
    fn cut_short(&mut self) {}
    /// Writes what has to come last, and makes all durable. To be called once, also
    /// after an interruption.
    fn finish(&mut self) -> io::Result<()>;
}

/// What a table says and reports do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    /// Colours, for a terminal.
    pub colour: bool,
    /// Pings, not traces.
    pub ping: bool,
    /// A line for each reply.
    pub replies: bool,
    /// What routers say behind their quotes.
    pub extensions: bool,
    /// The length of the way back, where it is not that of the way there.
    pub back: bool,
    /// Targets of the run.
    pub targets: usize,
    /// Flows for each target.
    pub flows: u16,
    /// Destination port; 0: the protocol has none.
    pub port: u16,
    /// Sentences for the reader of a table, written last.
    pub notes: Vec<String>,
}

/// Opens the output that the plan asks for, and its sink; `targets`: how many the user
/// named.
///
/// # Errors
/// [`Error::Usage`] if the file cannot be created.
pub fn open(plan: &Plan, targets: usize, notes: Vec<String>) -> Result<Box<dyn Sink + Send>> {
    let file = plan.output.file.as_deref();
    let writer = output::open(file).map_err(|error| cannot_write(file, &error))?;
    Ok(new(
        &plan.output,
        presentation(plan, targets, notes),
        writer,
    ))
}

/// The sink of a format over any writer.
pub fn new(
    options: &OutputOptions,
    presentation: Presentation,
    writer: Box<dyn Output>,
) -> Box<dyn Sink + Send> {
    match options.format {
        Format::Table => Box::new(Table::new(writer, presentation)),
        Format::Jsonl => Box::new(Jsonl::new(writer, options.replies)),
        Format::Csv => {
            let row = match (options.replies, presentation.ping) {
                (true, _) => Row::Reply,
                (false, true) => Row::Ping,
                (false, false) => Row::Trace,
            };
            Box::new(Csv::new(writer, row))
        }
        Format::None => Box::new(Nothing),
    }
}

fn cannot_write(file: Option<&Path>, error: &io::Error) -> Error {
    let name = file.map(|path| path.display().to_string());
    let name = name.unwrap_or_else(|| "standard output".to_owned());
    Error::Usage(format!("cannot write {name}: {error}; check --output"))
}

fn presentation(plan: &Plan, targets: usize, notes: Vec<String>) -> Presentation {
    let ping = matches!(plan.job, Job::Ping(_));
    let alone = targets == 1;
    Presentation {
        colour: plan.output.file.is_none() && wants_colour(),
        ping,
        replies: plan.output.replies || (ping && alone && !plan.output.quiet),
        extensions: plan.output.extensions,
        back: plan.output.back,
        targets,
        flows: plan.probes.flows,
        port: plan.probes.port,
        notes,
    }
}

/// A terminal that is not told otherwise (no-color.org: set and not empty).
fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}

/// No records at all.
struct Nothing;

impl Sink for Nothing {
    fn wants_replies(&self) -> bool {
        false
    }
    fn trace(&mut self, _: &TraceReport) -> io::Result<()> {
        Ok(())
    }
    fn ping(&mut self, _: &PingReport) -> io::Result<()> {
        Ok(())
    }
    fn reply(&mut self, _: &Reply<'_>) -> io::Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
