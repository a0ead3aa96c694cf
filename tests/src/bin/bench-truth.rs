//! Holds a sweep of any size against the truth about the simulated internet: wrong
//! hops, replies that nobody sent, and replies that are missing. `PROBE_BIN` names
//! the program.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    net::IpAddr,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use probe_common::lab::{Answer, Count, Internet, Request};
use probe_tests::lab::{Family, InternetLab, truth};
use serde::Deserialize;
use serde_json::Value;

/// The last TTL that is probed.
const MAX_TTL: u8 = 20;

/// A sweep against the truth about the simulated internet
#[derive(Parser)]
struct Arguments {
    /// Targets
    #[arg(long, default_value_t = 1_048_576)]
    targets: u32,
    /// Probes a second, as `probe sweep --rate` takes them
    #[arg(long, default_value = "max")]
    rate: String,
    /// What sends: raw, xdp or auto, as `probe sweep --tx` takes it
    #[arg(long, default_value = "auto")]
    tx: String,
}

/// What is looked at of a record.
#[derive(Deserialize)]
struct Record<'a> {
    target: IpAddr,
    ttl: u8,
    kind: &'a str,
    responder: IpAddr,
}

/// What the comparison came to.
#[derive(Default)]
struct Findings {
    records: u64,
    /// Another responder or kind than the truth has, or none at all there.
    wrong: u64,
    /// The same place again.
    repeated: u64,
    /// Expected, and not there.
    missing: u64,
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-truth: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn compare(arguments: &Arguments) -> Result<bool> {
    let probe = std::env::var_os("PROBE_BIN")
        .context("PROBE_BIN is not set: give it the path of the probe program")?;
    let lab = InternetLab::build(Internet::DEFAULT)?;
    let targets: Vec<IpAddr> = truth::targets_v4(lab.truth(), arguments.targets)
        .map(IpAddr::from)
        .collect();
    let folder = tempfile::tempdir()?;
    let (list, output, metadata) = (
        folder.path().join("targets"),
        folder.path().join("replies.jsonl"),
        folder.path().join("metadata.json"),
    );
    let mut lines = BufWriter::new(File::create(&list)?);
    for target in &targets {
        writeln!(lines, "{target}")?;
    }
    lines.flush()?;
    let status = lab
        .vantage()
        .command(&probe)
        .args(["sweep", "--allow-private", "--probing", "full"])
        .args(["--max-ttl", "20", "--rate"])
        .arg(&arguments.rate)
        .arg("--tx")
        .arg(&arguments.tx)
        .arg("--targets")
        .arg(&list)
        .arg("--output")
        .arg(&output)
        .arg("--metadata")
        .arg(&metadata)
        .status()?;
    ensure!(status.success(), "probe sweep: {status}");
    let mut expected = Expected::new(&lab, targets);
    let findings = expected.read(&output)?;
    let metadata: Value = serde_json::from_reader(BufReader::new(File::open(&metadata)?))?;
    tell(&lab, &findings, &metadata)
}

/// Prints the findings; whether every reply is right, and recorded or in a counter.
fn tell(lab: &InternetLab, findings: &Findings, metadata: &Value) -> Result<bool> {
    let counter = |name: &str| metadata["counters"][name].as_u64().unwrap_or(0);
    let wire = lab.lost_replies()?;
    let traffic = lab.traffic()?;
    let counted = wire + counter("ring_full") + counter("backlog") + counter("unwritten");
    let unsent = counter("planned") - counter("sent");
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} probes by {}, {:.0}/s; {} replies sent back, {} recorded",
        traffic.get(Count::Probes),
        metadata["sweep"]["tx"]
            .as_str()
            .unwrap_or("an unknown sender"),
        metadata["sent_rate"].as_f64().unwrap_or(0.0),
        traffic.sent_back(),
        findings.records
    )?;
    writeln!(
        out,
        "wrong {}, repeated {}, missing {}; {unsent} probes never left, {wire} replies had no room \
         on the lab's wire, {} in a ring",
        findings.wrong,
        findings.repeated,
        findings.missing,
        counter("ring_full")
    )?;
    if unsent > 0 {
        writeln!(out, "never left: {}", reasons(&metadata["counters"]))?;
    }
    let complete = unsent > 0 || findings.missing == counted;
    let recorded = traffic.sent_back() == findings.records + counted;
    Ok(findings.wrong == 0 && findings.repeated == 0 && recorded && complete)
}

/// How many probes never left for which reason: `dropped_after_stamp 5, failed enobufs 2`.
fn reasons(counters: &Value) -> String {
    let mut reasons = vec![(
        "dropped_after_stamp".to_owned(),
        &counters["dropped_after_stamp"],
    )];
    for name in ["skipped", "failed"] {
        let by_reason = counters[name].as_object().into_iter().flatten();
        reasons.extend(by_reason.map(|(reason, count)| (format!("{name} {reason}"), count)));
    }
    let counts = reasons.iter().filter_map(|(reason, count)| {
        let count = count.as_u64().filter(|count| *count > 0)?;
        Some(format!("{reason} {count}"))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The places that are still to be found, a bit each.
struct Expected<'a> {
    lab: &'a InternetLab,
    /// Ascending.
    targets: Vec<IpAddr>,
    /// For each target, the TTLs found.
    found: Vec<u32>,
}

impl<'a> Expected<'a> {
    fn new(lab: &'a InternetLab, mut targets: Vec<IpAddr>) -> Self {
        targets.sort_unstable();
        let found = vec![0; targets.len()];
        Self {
            lab,
            targets,
            found,
        }
    }

    /// Who answers, and how, by the truth.
    fn answer(&self, target: IpAddr, ttl: u8) -> Option<(IpAddr, &'static str)> {
        let flow = truth::Flow {
            source: self.lab.source(Family::V4),
            target,
            request: Request::Echo,
            ports: [0, 0],
        };
        match flow.answer(self.lab.truth(), ttl) {
            Answer::Reply(reply) => Some((truth::unmapped(reply.responder), reply.kind.name())),
            _ => None,
        }
    }

    fn read(&mut self, output: &Path) -> Result<Findings> {
        let mut findings = Findings::default();
        for line in BufReader::with_capacity(1 << 20, File::open(output)?).lines() {
            let line = line?;
            let record: Record<'_> = serde_json::from_str(&line).context("a broken record")?;
            self.note(&record, &mut findings);
        }
        for (place, target) in self.targets.iter().enumerate() {
            for ttl in 1..=MAX_TTL {
                let found = self.found[place] & (1 << ttl) != 0;
                findings.missing += u64::from(!found && self.answer(*target, ttl).is_some());
            }
        }
        Ok(findings)
    }

    fn note(&mut self, record: &Record<'_>, findings: &mut Findings) {
        findings.records += 1;
        let right = self.answer(record.target, record.ttl) == Some((record.responder, record.kind));
        let place = self.targets.binary_search(&record.target);
        let (true, Ok(place)) = (right, place) else {
            findings.wrong += 1;
            return;
        };
        let bit = 1 << record.ttl;
        findings.repeated += u64::from(self.found[place] & bit != 0);
        self.found[place] |= bit;
    }
}
