//! A path: heading, hops, why it stopped.

use super::{
    causes::{self, limit},
    columns::{Figures, extras, loss},
    extensions,
    grid::{Grid, Text, plain},
    tells,
};
use crate::{
    engine::report::{Hop, Responder, Stop, TraceReport},
    sink::{
        Presentation,
        text::{count, counted, host, printable},
    },
};

/// `trace to example.org (192.0.2.1): udp to port 33434, flow 3, stamps tcx/tcx`
pub(super) fn heading(report: &TraceReport, presentation: &Presentation) -> String {
    let target = host(report.name.as_deref(), report.target);
    let mut parts = vec![super::protocol(report.protocol, presentation.port)];
    if presentation.flows > 1 {
        parts.push(format!("flow {}", report.flow));
    }
    if report.rounds > 1 {
        parts.push(counted(report.rounds.into(), "round", "rounds"));
    }
    parts.push(format!("stamps {}", report.stamp));
    format!("trace to {target}: {}\n", parts.join(", "))
}

/// A line for each responder of each hop, under a header.
pub(super) fn hops(report: &TraceReport, presentation: &Presentation) -> String {
    if report.hops.is_empty() {
        return String::new();
    }
    let replies = report.hops.iter().map(|hop| hop.received).max();
    let figures = Figures::of(replies.unwrap_or_default());
    let titles = [">hop", "responder", ">sent", ">loss"];
    let titles = titles.into_iter().chain(figures.titles()).chain([""]);
    let mut grid = Grid::new(titles, presentation.colour);
    for hop in &report.hops {
        grid.row(first_row(hop, report, &figures, presentation));
        for responder in hop.responders.iter().skip(1) {
            grid.row(next_row(hop, responder, report, &figures, presentation));
        }
    }
    grid.render()
}

fn first_row(
    hop: &Hop,
    report: &TraceReport,
    figures: &Figures,
    presentation: &Presentation,
) -> Vec<Text> {
    let responder = hop.responders.first();
    let name = responder.map_or("*".to_owned(), |r| host(r.name.as_deref(), r.address));
    let mut notes = responder.map_or(vec![], |r| about(hop, r, report, presentation));
    notes.extend(causes::notes(&hop.loss, &hop.causes));
    notes.extend(hop.rate_limit.map(limit));
    notes.extend(extras(hop.late, hop.duplicates));
    let mut row = vec![
        plain(hop.ttl.to_string()),
        plain(name),
        plain(count(hop.sent)),
        loss(&hop.loss),
    ];
    row.extend(figures.cells(hop.rtt_ns.as_ref()));
    row.push(plain(notes.join(", ")));
    row
}

/// Another responder of a hop stands under the first.
fn next_row(
    hop: &Hop,
    responder: &Responder,
    report: &TraceReport,
    figures: &Figures,
    presentation: &Presentation,
) -> Vec<Text> {
    let name = host(responder.name.as_deref(), responder.address);
    let mut row = vec![plain(""), plain(name), plain(""), plain("")];
    row.extend(figures.cells(None));
    let notes = about(hop, responder, report, presentation);
    row.push(plain(notes.join(", ")));
    row
}

/// How often a responder answered, where it was not the only one; what it said, where
/// that is not what it is there for, and what that tells.
fn about(
    hop: &Hop,
    responder: &Responder,
    report: &TraceReport,
    presentation: &Presentation,
) -> Vec<String> {
    let mut notes = Vec::new();
    if hop.responders.len() > 1 {
        notes.push(counted(responder.received, "reply", "replies"));
    }
    let expected = match report.protocol {
        "icmp" => "echo-reply",
        "udp" => "port-unreachable",
        _ => "",
    };
    match (responder.kind, responder.reason) {
        (Some(kind), _) if kind == expected => {}
        (_, Some(reason)) => notes.push(format!("!{reason}")),
        (Some(kind), None) => notes.push(kind.to_owned()),
        (None, None) => {}
    }
    notes.extend(tells::notes(responder, report));
    if presentation.back {
        notes.extend(tells::way_back(responder));
    }
    if presentation.extensions {
        notes.extend(extensions::notes(responder));
    }
    notes
}

/// Why the trace ended where it did, in words.
pub(super) fn stop(report: &TraceReport) -> String {
    let last_ttl = report.hops.last().map_or(0, |hop| hop.ttl);
    match report.stop {
        Stop::Target => {
            let hops = counted(last_ttl.into(), "hop", "hops");
            // Nothing was sent less far.
            let least = report.hops.len() == 1 && last_ttl > 1;
            let fewer = if least { " or fewer" } else { "" };
            format!("reached the target in {hops}{fewer}")
        }
        Stop::Unreachable => unreachable(report),
        Stop::GapLimit
            if report
                .hops
                .iter()
                .all(|hop| hop.loss.never_sent == hop.sent) =>
        {
            "stopped: no probe left this host".to_owned()
        }
        Stop::GapLimit => {
            let silent = report.hops.iter().rev().take_while(|hop| hop.received == 0);
            format!(
                "stopped: {} did not answer (gap limit)",
                in_a_row(silent.count())
            )
        }
        Stop::MaxTtl => format!("stopped at --max-ttl {last_ttl}"),
        Stop::Interrupted => "stopped: interrupted".to_owned(),
    }
}

fn unreachable(report: &TraceReport) -> String {
    let responders = report.hops.iter().rev().flat_map(|hop| &hop.responders);
    let mut reasons = responders.filter_map(|r| Some((r, r.reason.or(r.kind)?)));
    match reasons.next() {
        Some((responder, reason)) => {
            let address = responder.address.to_string();
            let name = responder.name.as_deref().map_or(address, printable);
            format!("stopped: {name} says {reason}")
        }
        None => "stopped: the target is unreachable".to_owned(),
    }
}

fn in_a_row(hops: usize) -> String {
    match hops {
        1 => "1 hop".to_owned(),
        hops => format!("{hops} hops in a row"),
    }
}
