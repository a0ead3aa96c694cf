//! Latency: a summary of one target, or a row for each of many.

use super::{
    causes::{self, limit},
    columns::{Figures, extras, is_some_lost, loss, share},
    grid::{Grid, Text, plain},
};
use crate::{
    engine::report::{Bursts, Causes, Interval, Loss, Omitted, PingReport, Reordered},
    sink::{
        Presentation,
        text::{count, counted, decimal, host, percent, time},
    },
};

/// A block in the manner of ping(8).
pub(super) fn summary(report: &PingReport, presentation: &Presentation) -> String {
    let target = host(report.name.as_deref(), report.target);
    let protocol = super::protocol(report.protocol, presentation.port);
    let figures = Figures::all();
    let mut text = format!(
        "--- {target} ping statistics: {protocol}, stamps {} ---\n{}\n",
        report.stamp,
        super::paint(
            &counts(report),
            is_some_lost(&report.loss),
            presentation.colour
        ),
    );
    for line in [
        causes::line(&report.causes),
        report.rate_limit.map(limit),
        report.bursts.as_ref().map(bursts),
        report.omitted.map(omitted),
        report.host.as_ref().map(causes::host),
    ] {
        text.extend(line.map(|line| line + "\n"));
    }
    if let Some(rtt) = &report.rtt_ns {
        let mut grid = Grid::new(
            ["rtt"].into_iter().chain(figures.titles()),
            presentation.colour,
        );
        grid.row(
            [plain("")]
                .into_iter()
                .chain(figures.cells(Some(rtt)))
                .collect(),
        );
        text += &grid.render();
    }
    text
}

fn counts(report: &PingReport) -> String {
    let mut loss = match report.loss.ratio {
        Some(ratio) => format!("{} loss", percent(ratio)),
        None if report.sent == report.loss.never_sent => "nothing left this host".to_owned(),
        None => "loss unknown".to_owned(),
    };
    let mut remarks: Vec<_> = bounds(&report.loss).into_iter().collect();
    remarks.extend(causes::notes(&report.loss, &Causes::default()));
    if !remarks.is_empty() {
        loss = format!("{loss} ({})", remarks.join(", "));
    }
    let mut parts = vec![
        format!("{} sent", count(report.sent)),
        format!("{} received", count(report.received)),
        loss,
        counted(report.duplicates, "duplicate", "duplicates"),
        format!("{} late", count(report.late)),
    ];
    let pending = report.loss.pending;
    parts.extend((pending > 0).then(|| format!("{} not waited for", count(pending))));
    parts.extend(reordered(report));
    if report.errors > 0 {
        parts.push(errors(report));
    }
    parts.join(", ")
}

/// `95 %: 0.02 % to 0.47 %`
fn bounds(loss: &Loss) -> Option<String> {
    let [low, high] = loss.ci95?;
    let range = match low > 0.0 {
        true => format!("{} to {}", percent(low), percent(high)),
        false => format!("up to {}", percent(high)),
    };
    Some(format!("95 %: {range}"))
}

fn reordered(report: &PingReport) -> Option<String> {
    let Reordered {
        count: replies,
        ratio,
    } = report.reordered;
    (replies > 0).then(|| format!("{} reordered ({})", count(replies), percent(ratio)))
}

/// `loss in 3 bursts, 4.7 probes on average, 9 at most; p 0.01, r 0.214`
fn bursts(bursts: &Bursts) -> String {
    let mut text = format!(
        "loss in {}, {} on average, {} at most",
        counted(bursts.count, "burst", "bursts"),
        format_args!("{} probes", decimal(bursts.mean)),
        count(bursts.longest),
    );
    if let (Some(p), Some(r)) = (bursts.p, bursts.r) {
        text += &format!("; p {}, r {}", decimal(p), decimal(r));
    }
    text
}

fn omitted(omitted: Omitted) -> String {
    let probes = counted(omitted.probes, "probe", "probes");
    let longest = time(omitted.longest_ns);
    format!("{probes} omitted: sending was held up, for {longest} at most")
}

/// How many ICMP errors, which, and whose.
fn errors(report: &PingReport) -> String {
    let number = counted(report.errors, "ICMP error", "ICMP errors");
    let whose: Vec<String> = report
        .error_responders
        .iter()
        .map(|responder| {
            let what = responder.reason.or(responder.kind);
            let what = what.unwrap_or("time-exceeded");
            format!("{what} from {}", responder.address)
        })
        .collect();
    if whose.is_empty() {
        return number;
    }
    format!("{number} ({})", whose.join(", "))
}

/// A line for the time since the report before, and the loss of all the time.
pub(super) fn interval(
    report: &PingReport,
    interval: &Interval,
    presentation: &Presentation,
) -> String {
    let seconds = interval.end_ns.saturating_sub(interval.begin_ns) as f64 / 1e9;
    let mut parts = vec![
        format!("{} sent", count(interval.sent)),
        format!("{} received", count(interval.received)),
        format!("{} loss", share(interval.loss.ratio)),
    ];
    parts.extend(causes::notes(&interval.loss, &Causes::default()));
    parts.extend(extras(interval.late, interval.duplicates));
    if let Some(rtt) = &interval.rtt_ns {
        let figures = [
            ("min", rtt.min),
            ("p50", rtt.p50),
            ("p99", rtt.p99),
            ("max", rtt.max),
        ];
        parts.extend(figures.map(|(name, figure)| format!("{name} {}", time(figure))));
    }
    let target = host(report.name.as_deref(), report.target);
    let line = format!(
        "{target}, last {} s: {}; so far {} sent, {} loss",
        decimal(seconds),
        parts.join(", "),
        count(report.sent),
        share(report.loss.ratio),
    );
    super::paint(&line, is_some_lost(&interval.loss), presentation.colour) + "\n"
}

/// A row for each target.
pub(super) fn table(reports: &[PingReport], presentation: &Presentation) -> String {
    let Some(first) = reports.first() else {
        return String::new();
    };
    let replies = reports.iter().map(|report| report.received).max();
    let figures = Figures::of(replies.unwrap_or_default());
    let titles = ["target", ">sent", ">received", ">loss"];
    let titles = titles.into_iter().chain(figures.titles()).chain([""]);
    let mut grid = Grid::new(titles, presentation.colour);
    for report in reports {
        grid.row(row(report, first, &figures));
    }
    let protocol = super::protocol(first.protocol, presentation.port);
    let targets = counted(reports.len() as u64, "target", "targets");
    let heading = format!("ping of {targets}: {protocol}, stamps {}\n", first.stamp);
    let host = reports.iter().find_map(|report| report.host.as_ref());
    let host = host.map_or_else(String::new, |host| causes::host(host) + "\n");
    heading + &grid.render() + &host
}

fn row(report: &PingReport, first: &PingReport, figures: &Figures) -> Vec<Text> {
    let mut row = vec![
        plain(host(report.name.as_deref(), report.target)),
        plain(count(report.sent)),
        plain(count(report.received)),
        loss(&report.loss),
    ];
    row.extend(figures.cells(report.rtt_ns.as_ref()));
    let mut notes = causes::notes(&report.loss, &report.causes);
    notes.extend(report.rate_limit.map(limit));
    notes.extend(extras(report.late, report.duplicates));
    notes.extend(reordered(report));
    notes.extend(
        report
            .omitted
            .map(|omitted| format!("{} omitted", count(omitted.probes))),
    );
    if report.errors > 0 {
        notes.push(errors(report));
    }
    if report.stamp != first.stamp {
        notes.push(format!("stamps {}", report.stamp));
    }
    row.push(plain(notes.join(", ")));
    row
}
