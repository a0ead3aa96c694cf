//! Runs each way of probing on each scope, and holds what it finds against the truth.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead as _, BufReader},
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use probe_common::lab::Internet;
use serde::{Deserialize, Serialize};

use crate::lab::{Coverage, Family, InternetLab, Map, Sighting};

/// Last TTL of paths: two beyond the furthest target.
const LAST_TTL: u8 = 20;
const NETWORK: &str = "10.0.0.0/8";

/// The targets: so many in each of 65,536 networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// So many.
    pub per_network: u32,
}

/// One and sixteen targets in each network.
pub const SCOPES: [Scope; 2] = [Scope { per_network: 1 }, Scope { per_network: 16 }];

/// Full, and adaptive by each back end. The first meets every target.
const WAYS: [(&str, &str); 3] = [("full", "xdp"), ("adaptive", "xdp"), ("adaptive", "raw")];

/// What is measured with.
#[derive(Debug)]
pub struct Campaign {
    /// The program `probe`.
    pub probe: PathBuf,
    /// Rounds: the seed is another in each.
    pub rounds: u32,
    /// Rate, as `probe` takes it.
    pub rate: String,
    /// What is swept.
    pub internet: Internet,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its targets.
    pub scope: Scope,
    /// `full` or `adaptive`.
    pub probing: String,
    /// `xdp` or `raw`.
    pub tx: String,
    /// Counted from 0.
    pub round: u32,
    /// Targets there were.
    pub targets: u64,
    /// Probes that left.
    pub probes: u64,
    /// As a share of all targets times 20 TTLs.
    pub share: f64,
    /// Of the truth's interfaces and links.
    pub interfaces: f64,
    /// See `interfaces`.
    pub links: f64,
    /// Links that are not there.
    pub false_links: u64,
    /// From the first probe to the last, seconds.
    pub seconds: f64,
}

/// What is looked at of a record.
#[derive(Deserialize)]
struct Record<'a> {
    target: IpAddr,
    ttl: u8,
    flow: u16,
    kind: &'a str,
    responder: IpAddr,
}

/// What is looked at of the metadata.
#[derive(Deserialize)]
struct Told {
    sent: u64,
    send_seconds: f64,
    sweep: Section,
}

#[derive(Deserialize)]
struct Section {
    targets: u64,
}

impl Campaign {
    /// Runs all, round by round.
    ///
    /// # Errors
    ///
    /// If something cannot be run, or writes what cannot be read.
    pub fn run(&self, tell: impl Fn(&str)) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for round in 0..self.rounds {
            for scope in SCOPES {
                let mut truth = None;
                for (probing, tx) in WAYS {
                    tell(&format!(
                        "round {}: {} in each network, {probing}, {tx}",
                        round + 1,
                        scope.per_network
                    ));
                    rows.push(self.one(round, scope, (probing, tx), &mut truth)?);
                }
            }
        }
        Ok(rows)
    }

    fn one(
        &self,
        round: u32,
        scope: Scope,
        (probing, tx): (&str, &str),
        truth: &mut Option<Map>,
    ) -> Result<Row> {
        let lab = InternetLab::build(self.internet)?;
        let folder = tempfile::tempdir()?;
        let (records, metadata) = (folder.path().join("records"), folder.path().join("told"));
        let (seed, per_network) = (round.to_string(), scope.per_network.to_string());
        let status = lab
            .vantage()
            .command(&self.probe)
            .args(["sweep", "--allow-private", "--quiet", NETWORK])
            .args(["--per-prefix", &per_network, "--seed", &seed])
            .args(["--max-ttl", &LAST_TTL.to_string(), "--rate", &self.rate])
            .args(["--probing", probing, "--tx", tx, "--output"])
            .arg(&records)
            .arg("--metadata")
            .arg(&metadata)
            .status()
            .with_context(|| format!("cannot start {}", self.probe.display()))?;
        ensure!(status.success(), "probe sweep: {status}");
        let told: Told = serde_json::from_reader(BufReader::new(File::open(&metadata)?))?;
        let (map, targets) = read(&records)?;
        let source = lab.source(Family::V4);
        let truth =
            truth.get_or_insert_with(|| Map::of_truth(lab.truth(), source, targets, LAST_TTL));
        let Coverage { interfaces, links } = map.coverage(truth);
        Ok(Row {
            scope,
            probing: probing.to_owned(),
            tx: tx.to_owned(),
            round,
            targets: told.sweep.targets,
            probes: told.sent,
            share: told.sent as f64 / (told.sweep.targets * u64::from(LAST_TTL)) as f64,
            interfaces,
            links,
            false_links: map.links.difference(&truth.links).count() as u64,
            seconds: told.send_seconds,
        })
    }
}

/// The map that records show, and the targets that they name.
fn read(records: &Path) -> Result<(Map, Vec<IpAddr>)> {
    let mut sightings = Vec::new();
    let mut targets = HashSet::new();
    for line in BufReader::with_capacity(1 << 20, File::open(records)?).lines() {
        let line = line?;
        let record: Record<'_> = serde_json::from_str(&line).context("a broken record")?;
        targets.insert(record.target);
        sightings.push(Sighting {
            path: (record.target, record.flow),
            ttl: record.ttl,
            responder: record.responder,
            is_end: record.kind != "time-exceeded",
        });
    }
    Ok((Map::of_sightings(sightings), targets.into_iter().collect()))
}
