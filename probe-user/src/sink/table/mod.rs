//! For people: aligned columns, units, words.

mod causes;
mod columns;
mod extensions;
#[cfg(test)]
mod golden;
pub(crate) mod grid;
mod ping;
mod reply;
mod tells;
mod trace;

use std::io;

use anstyle::{AnsiColor, Style};

use super::{Presentation, Sink, records::Records};
use crate::{
    engine::report::{PingReport, Reply, TraceReport},
    io::output::Output,
};

const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();

pub(super) struct Table {
    records: Records,
    presentation: Presentation,
    /// Rows of the table that pings of many targets end with.
    pings: Vec<PingReport>,
    /// Whether something stands above, from which a block keeps a line's distance.
    begun: bool,
}

impl Table {
    pub(super) fn new(writer: Box<dyn Output>, presentation: Presentation) -> Self {
        Self {
            records: Records::new(writer),
            presentation,
            pings: Vec::new(),
            begun: false,
        }
    }

    /// Writes a block of lines, apart from what stands above.
    fn block(&mut self, text: &str) -> io::Result<()> {
        let gap = if self.begun { "\n" } else { "" };
        self.begun = true;
        self.records.add(format!("{gap}{text}").as_bytes())
    }

    fn dim(&self, text: &str) -> String {
        match self.presentation.colour {
            true => format!("{DIM}{text}{DIM:#}"),
            false => text.to_owned(),
        }
    }
}

impl Sink for Table {
    fn wants_replies(&self) -> bool {
        self.presentation.replies
    }

    fn trace(&mut self, report: &TraceReport) -> io::Result<()> {
        let heading = trace::heading(report, &self.presentation);
        let hops = trace::hops(report, &self.presentation);
        let stop = self.dim(&trace::stop(report));
        let host = report.host.as_ref().map(causes::host);
        let host = host.map_or_else(String::new, |host| self.dim(&host) + "\n");
        let middlebox = tells::middlebox(report).map_or_else(String::new, |sentence| {
            paint(&sentence, true, self.presentation.colour) + "\n"
        });
        self.block(&format!("{heading}{hops}{stop}\n{middlebox}{host}"))
    }

    fn ping(&mut self, report: &PingReport) -> io::Result<()> {
        if let Some(interval) = &report.interval {
            self.begun = true;
            let line = ping::interval(report, interval, &self.presentation);
            return self.records.add(line.as_bytes());
        }
        if self.presentation.targets > 1 {
            self.pings.push(report.clone());
            return Ok(());
        }
        self.block(&ping::summary(report, &self.presentation))
    }

    fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        if !self.presentation.replies {
            return Ok(());
        }
        self.begun = true;
        let line = reply::line(reply, &self.presentation);
        self.records.add_replies(1, |text| text.text(&line))
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
        let pings = std::mem::take(&mut self.pings);
        if !pings.is_empty() {
            self.block(&ping::table(&pings, &self.presentation))?;
        }
        let notes = std::mem::take(&mut self.presentation.notes);
        for note in notes {
            let note = self.dim(&format!("note: {note}"));
            self.records.add(format!("{note}\n").as_bytes())?;
        }
        self.records.sync().map(drop)
    }
}

/// `udp to port 33434`; ICMP has no port.
pub(crate) fn protocol(name: &str, port: u16) -> String {
    match port {
        0 => name.to_owned(),
        port => format!("{name} to port {port}"),
    }
}

fn paint(text: &str, alarming: bool, colour: bool) -> String {
    match colour && alarming {
        true => format!("{RED}{text}{RED:#}"),
        false => text.to_owned(),
    }
}
