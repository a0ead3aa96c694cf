//! What is measured, in the order of the report.

use std::time::Duration;

use super::case::{Case, End, Part, Scope, Sweep, TTLS, Tool, Tx};
use crate::lab::Family;

const BATCHES: [u32; 6] = [1, 4, 8, 16, 32, 64];
const BATCHES_OF_TWO: [u32; 3] = [1, 16, 64];
const RATES: [&str; 2] = ["100k", "1M"];
const FORMATS: [&str; 2] = ["parquet", "jsonl"];
/// At which of them zmap loses nothing is to be seen; 0: as fast as it goes.
const ZMAP_RATES: [u32; 6] = [0, 100_000, 200_000, 300_000, 400_000, 500_000];
/// Targets of the sweep that is done to its end.
const WHOLE: u32 = 1 << 20;
/// Targets of a ping that is not done before its time.
const MANY: u32 = 1 << 22;

/// Bits of the number of targets; addresses of each of 65,536 prefixes that make a
/// list of as many. The last has a few less: with all of them it would be runs.
const SIZES: [(u32, u32); 5] = [(16, 1), (18, 4), (20, 16), (22, 64), (24, 250)];

/// All cases of a part: sweeps of this network that last so long, or of so many
/// probes.
pub fn cases(part: Part, network: &str, time: Duration, probes: u64) -> Vec<Case> {
    match part {
        Part::Speed => {
            let plain = Sweep {
                tx: Tx::Xdp,
                batch: None,
                cores: 1,
                rate: "max",
                format: "none",
                probing: "full",
                ping: false,
                scope: Scope::Network(network.into()),
                end: End::After(time),
            };
            speed(&plain)
        }
        Part::Targets => targets(probes),
    }
}

/// Each differs from the plain one by what its name says.
fn speed(plain: &Sweep) -> Vec<Case> {
    let mut cases = vec![paths("raw", plain, |sweep| sweep.tx = Tx::Raw)];
    for batch in BATCHES {
        let name = format!("xdp, batch {batch}");
        cases.push(paths(&name, plain, |sweep| sweep.batch = Some(batch)));
    }
    for rate in RATES {
        let name = format!("xdp, batch 1, {rate}/s");
        cases.push(paths(&name, plain, |sweep| {
            (sweep.batch, sweep.rate) = (Some(1), rate);
        }));
    }
    for format in FORMATS {
        let name = format!("xdp, {format}");
        cases.push(paths(&name, plain, |sweep| sweep.format = format));
    }
    for (family, name) in [
        (Family::V4, "xdp, 1,048,576 x 20"),
        (Family::V6, "xdp, v6, 1,048,576 x 20"),
    ] {
        cases.push(paths(name, plain, |sweep| {
            (sweep.scope, sweep.end) = (Scope::File(family, WHOLE), End::Done);
        }));
    }
    for per_prefix in [1, 16] {
        let name = format!("xdp, adaptive, {per_prefix} a /24");
        cases.push(paths(&name, plain, |sweep| {
            sweep.probing = "adaptive";
            (sweep.scope, sweep.end) = (Scope::PerPrefix(per_prefix), End::Done);
        }));
    }
    for tx in [Tx::Raw, Tx::Xdp] {
        let name = format!("{tx}, ping");
        cases.push(paths(&name, plain, |sweep| {
            (sweep.tx, sweep.ping) = (tx, true);
        }));
    }
    // Lists of both IP versions, as long and as far away.
    for (family, name) in [(Family::V4, "xdp, list"), (Family::V6, "xdp, v6")] {
        cases.push(paths(name, plain, |sweep| {
            sweep.scope = Scope::File(family, WHOLE);
        }));
        cases.push(paths(&format!("{name}, ping"), plain, |sweep| {
            (sweep.ping, sweep.scope) = (true, Scope::File(family, MANY));
        }));
    }
    cases.extend(by_two(plain));
    cases.extend(ZMAP_RATES.map(|rate| Case {
        part: Part::Speed,
        name: match rate {
            0 => "zmap, ping".into(),
            rate => format!("zmap, ping, {}k/s", rate / 1_000),
        },
        tool: Tool::Zmap { rate },
    }));
    cases
}

/// What one processor did, done by two.
fn by_two(plain: &Sweep) -> Vec<Case> {
    let plain = Sweep {
        cores: 2,
        ..plain.clone()
    };
    let mut cases = Vec::new();
    for batch in BATCHES_OF_TWO {
        let name = format!("xdp, 2 cores, batch {batch}");
        cases.push(paths(&name, &plain, |sweep| sweep.batch = Some(batch)));
    }
    cases.push(paths("xdp, 2 cores, batch 1, 1M/s", &plain, |sweep| {
        (sweep.batch, sweep.rate) = (Some(1), "1M");
    }));
    cases.push(paths("xdp, 2 cores, 1,048,576 x 20", &plain, |sweep| {
        (sweep.scope, sweep.end) = (Scope::File(Family::V4, WHOLE), End::Done);
    }));
    cases.push(paths("xdp, 2 cores, ping", &plain, |sweep| {
        sweep.ping = true;
    }));
    cases
}

fn paths(name: &str, plain: &Sweep, change: impl FnOnce(&mut Sweep)) -> Case {
    let mut sweep = plain.clone();
    change(&mut sweep);
    Case {
        part: Part::Speed,
        name: name.into(),
        tool: Tool::Probe(sweep),
    }
}

fn targets(probes: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for (bits, per_prefix) in SIZES {
        let network = Scope::Network(format!("10.0.0.0/{}", 32 - bits));
        let scopes = [("list", Scope::PerPrefix(per_prefix)), ("network", network)];
        for (kind, scope) in scopes {
            // Those left out of a prefix are less than a part of a round.
            let rounds = probes.div_ceil(TTLS << bits) + 1;
            cases.push(Case {
                part: Part::Targets,
                name: format!("{kind}, 2^{bits}"),
                tool: Tool::Probe(Sweep {
                    tx: Tx::Xdp,
                    batch: None,
                    cores: 1,
                    rate: "max",
                    format: "none",
                    probing: "full",
                    ping: false,
                    scope,
                    end: End::Probes {
                        most: probes,
                        rounds,
                    },
                }),
            });
        }
    }
    cases
}
