//! Packets made wrong at random: not one difference. `PROBE_TEST_SEED` repeats a
//! run.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use probe_common::abi::Counter;
use probe_tests::{
    corpus::{Direction, PASS},
    kernel::{RECEIVERS, STAMPS, may_be_refused},
    packet::mutation::mutate,
    reference::{Link, Outcomes},
    scene::CONFIG,
};

use crate::{
    corpus::{REFUSED, cases},
    rig::{Rig, fed, hex},
};

/// Packets for each receiver.
const RECEIVED: usize = 100_000;
/// Packets for each stamp.
const SENT: usize = 20_000;

/// Verdicts that a run must come to often enough to mean something.
const COMMON: [Counter; 10] = [
    Counter::MalformedTruncated,
    Counter::MalformedQuoteTruncated,
    Counter::MalformedQuoteHeader,
    Counter::Foreign,
    Counter::Stale,
    Counter::BadNonce,
    Counter::BadDestination,
    Counter::Valid,
    Counter::Late,
    Counter::Duplicate,
];

type Tally = BTreeMap<&'static str, usize>;

/// Mutated frames of a direction, the same for the same seed.
struct Source {
    frames: Vec<Vec<u8>>,
    rng: Rng,
}

impl Source {
    fn new(direction: Direction) -> Result<Self> {
        let seed = match std::env::var("PROBE_TEST_SEED") {
            Ok(text) => text.parse().context("PROBE_TEST_SEED is not a number")?,
            Err(_) => fastrand::u64(..),
        };
        println!("PROBE_TEST_SEED={seed}");
        let cases = cases(direction)?;
        let frames = cases.iter().filter_map(|(_, case)| case.samples().pop());
        Ok(Self {
            frames: frames.map(|sample| sample.octets.to_vec()).collect(),
            rng: Rng::with_seed(seed),
        })
    }

    fn next(&mut self) -> Vec<u8> {
        let [frame, other] = [0; 2].map(|_| self.rng.usize(..self.frames.len()));
        mutate(&mut self.rng, &self.frames[frame], &self.frames[other])
    }
}

/// Runs `count` frames through a program.
fn compare(
    source: &mut Source,
    count: usize,
    program: &str,
    link: Link,
    mut run: impl FnMut(&[u8]) -> Result<Option<Outcomes>>,
) -> Result<Tally> {
    let mut tally = Tally::new();
    for _ in 0..count {
        let frame = source.next();
        let packet = fed(link, &frame);
        let outcomes = run(packet).with_context(|| format!("{program} on {}", hex(packet)))?;
        ensure!(
            outcomes.is_some() || may_be_refused(program, packet),
            "the kernel does not take {}",
            hex(packet)
        );
        let verdict = outcomes.map_or(REFUSED, |outcomes| {
            outcomes.verdict().map_or(PASS, Counter::name)
        });
        *tally.entry(verdict).or_default() += 1;
    }
    println!("{program}: {tally:?}");
    Ok(tally)
}

#[test]
fn every_receiver_agrees_on_packets_made_wrong() -> Result<()> {
    let mut source = Source::new(Direction::Received)?;
    let mut rig = Rig::new(CONFIG)?;
    for receiver in &RECEIVERS {
        let run = |packet: &[u8]| rig.receive(receiver, packet);
        let tally = compare(&mut source, RECEIVED, receiver.name, receiver.link, run)?;
        for counter in COMMON {
            let count = tally.get(counter.name()).copied().unwrap_or(0);
            let name = counter.name();
            ensure!(count >= RECEIVED / 2_000, "only {count} packets are {name}");
        }
    }
    rig.assert_no_other_slot_was_touched()
}

#[test]
fn every_stamp_agrees_on_packets_made_wrong() -> Result<()> {
    let mut source = Source::new(Direction::Sent)?;
    let mut rig = Rig::new(CONFIG)?;
    for (name, link) in STAMPS {
        let run = |packet: &[u8]| rig.stamp((name, link), packet);
        compare(&mut source, SENT, name, link, run)?;
    }
    rig.assert_no_other_slot_was_touched()
}
