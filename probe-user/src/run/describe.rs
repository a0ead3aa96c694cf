//! What a session found out, as a report.

use std::net::IpAddr;

use super::{packet, ways::Way};
use crate::{
    engine::{
        ping::Ping,
        plan::Plan,
        report::{Host, Interval, PingReport, Stop, Totals, TraceReport},
        session::Session,
        stamp::Stamp,
        tally::Tally,
        time::Moment,
        trace::Trace,
    },
    sink::Sink,
};

/// A report of either job.
#[derive(Clone, Debug)]
pub(super) enum Report {
    Trace(TraceReport),
    Ping(Box<PingReport>),
}

impl Report {
    /// Whether the target answered.
    pub(super) fn target_answered(&self) -> bool {
        match self {
            Self::Trace(trace) => trace.stop == Stop::Target,
            Self::Ping(ping) => ping.received > 0,
        }
    }

    /// Responders whose names would be told.
    pub(super) fn responders(&self) -> Vec<IpAddr> {
        match self {
            Self::Trace(trace) => trace
                .hops
                .iter()
                .flat_map(|hop| hop.responders.iter().map(|r| r.address))
                .collect(),
            Self::Ping(_) => Vec::new(),
        }
    }

    /// Fills in names of responders.
    pub(super) fn name_responders(&mut self, name: impl Fn(IpAddr) -> Option<String>) {
        let Self::Trace(trace) = self else {
            return;
        };
        for hop in &mut trace.hops {
            for responder in &mut hop.responders {
                responder.name = name(responder.address);
            }
        }
    }

    /// The same with what this host itself may have lost, where that may explain anything.
    pub(super) fn with_host(mut self, host: Option<Host>) -> Self {
        let host = |lost: bool| host.filter(|host| lost || host.suspended_ns > 0);
        match &mut self {
            Self::Trace(trace) => {
                let lost = trace.hops.iter().any(|hop| hop.loss.unanswered > 0);
                trace.host = host(lost);
            }
            Self::Ping(ping) => ping.host = host(ping.loss.unanswered > 0),
        }
        self
    }

    /// The same of a run that goes on, with its last interval.
    pub(super) fn while_it_lasts(mut self, interval: Interval) -> Self {
        if let Self::Ping(ping) = &mut self {
            ping.interval = Some(interval);
        }
        self
    }

    /// Hands the report to a sink.
    pub(super) fn write(&self, sink: &mut dyn Sink) -> std::io::Result<()> {
        match self {
            Self::Trace(trace) => sink.trace(trace),
            Self::Ping(ping) => sink.ping(ping),
        }
    }
}

/// A session that can be reported.
pub(super) trait Describe: Session {
    /// Index of the way (target) of session number `session`.
    fn way(session: usize, flows: u16) -> usize;

    /// Whether reports wait for the end of the run, to come in the order of the targets.
    const AT_END: bool;

    /// Whether reports tell names of responders.
    const NAMES_RESPONDERS: bool;

    /// The report; `stamp` serves where no reply told a source.
    fn describe(&self, plan: &Plan, way: &Way, session: usize, stamp: Stamp) -> Report;

    /// Its counts, if Prometheus may ask for them.
    fn totals(&self) -> Option<Totals>;

    /// Ends an interval that is to be reported, if there are such.
    fn close_interval(&mut self, now: Moment) -> Option<Interval>;
}

impl Describe for Trace {
    fn close_interval(&mut self, _: Moment) -> Option<Interval> {
        None
    }

    fn totals(&self) -> Option<Totals> {
        None
    }

    const AT_END: bool = false;
    const NAMES_RESPONDERS: bool = true;

    fn way(session: usize, flows: u16) -> usize {
        session / usize::from(flows.max(1))
    }

    fn describe(&self, plan: &Plan, way: &Way, session: usize, stamp: Stamp) -> Report {
        let (stop, rounds, hops) = self.report();
        Report::Trace(TraceReport {
            target: way.target.address,
            name: way.target.name.clone(),
            protocol: plan.probes.protocol.name(),
            flow: (session % usize::from(plan.probes.flows.max(1))) as u16,
            stop,
            rounds,
            stamp: self.stamp().unwrap_or(stamp).to_string(),
            tos: plan.probes.tos,
            length: packet::length(&plan.probes, way.address()),
            middlebox: self.middlebox(),
            hops,
            host: None,
        })
    }
}

impl Describe for Ping {
    fn close_interval(&mut self, now: Moment) -> Option<Interval> {
        Self::close_interval(self, now)
    }

    fn totals(&self) -> Option<Totals> {
        Some(self.tally().totals())
    }

    const AT_END: bool = true;
    const NAMES_RESPONDERS: bool = false;

    fn way(session: usize, _: u16) -> usize {
        session
    }

    fn describe(&self, plan: &Plan, way: &Way, _: usize, stamp: Stamp) -> Report {
        let tally = self.tally();
        Report::Ping(Box::new(PingReport {
            target: way.target.address,
            name: way.target.name.clone(),
            protocol: plan.probes.protocol.name(),
            flow: 0,
            stamp: self.stamp().unwrap_or(stamp).to_string(),
            sent: tally.sent,
            received: tally.received,
            late: tally.late,
            duplicates: tally.duplicates,
            reordered: self.reordered(),
            omitted: self.omitted(),
            errors: self.errors().map_or(0, |errors| errors.received),
            error_responders: self.errors().map_or(Vec::new(), Tally::responders),
            loss: self.loss(),
            causes: self.causes(),
            rate_limit: self.rate_limit(),
            bursts: self.bursts(),
            rtt_ns: tally.latency.summary(),
            interval: None,
            host: None,
        }))
    }
}
