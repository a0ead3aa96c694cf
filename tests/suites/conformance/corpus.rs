//! The committed corpus, through every program.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use probe_common::abi::{Config, Counter};
use probe_tests::{
    corpus::{Case, Direction, PASS, Sample, THEMES},
    kernel::{RECEIVERS, STAMPS, may_be_refused},
    reference::{Link, Outcomes},
    scene::CONFIG,
};

use crate::rig::{Rig, fed, hex};

/// Packets of a direction, with the name of their theme.
pub(crate) fn cases(direction: Direction) -> Result<Vec<(&'static str, Case)>> {
    let mut cases = Vec::new();
    for theme in THEMES.iter().filter(|theme| theme.direction == direction) {
        cases.extend(theme.read()?.into_iter().map(|case| (theme.name, case)));
    }
    Ok(cases)
}

/// What the kernel's test run does not take.
pub(crate) const REFUSED: &str = "not taken by the kernel";

/// Runs all packets of a direction through a program.
fn compare(
    program: &str,
    link: Link,
    direction: Direction,
    mut run: impl FnMut(&[u8]) -> Result<Option<Outcomes>>,
) -> Result<()> {
    let mut tally = BTreeMap::new();
    for (theme, case) in cases(direction)? {
        for sample in case.samples() {
            let packet = fed(link, sample.octets);
            let verdict = judge(link, &sample, &mut run, packet).with_context(|| {
                let Sample { name, .. } = sample;
                format!("{program} on {theme}/{name}: {}", hex(packet))
            })?;
            ensure!(
                verdict.is_some() || may_be_refused(program, packet),
                "the kernel does not take {}",
                hex(packet)
            );
            *tally.entry(verdict.unwrap_or(REFUSED)).or_insert(0) += 1;
        }
    }
    println!("{program}: {tally:?}");
    Ok(())
}

fn judge(
    link: Link,
    sample: &Sample<'_>,
    run: &mut impl FnMut(&[u8]) -> Result<Option<Outcomes>>,
    packet: &[u8],
) -> Result<Option<&'static str>> {
    let Some(outcomes) = run(packet)? else {
        return Ok(None);
    };
    let verdict = outcomes.verdict().map_or(PASS, Counter::name);
    // Without link header the program also sees what an unknown ethertype or a
    // third tag hides.
    ensure!(
        link != Link::Ethernet || verdict == sample.verdict,
        "{verdict}, not {}",
        sample.verdict
    );
    Ok(Some(verdict))
}

#[test]
fn every_receiver_agrees_on_every_packet() -> Result<()> {
    let mut rig = Rig::new(CONFIG)?;
    for receiver in &RECEIVERS {
        let run = |packet: &[u8]| rig.receive(receiver, packet);
        compare(receiver.name, receiver.link, Direction::Received, run)?;
    }
    rig.assert_no_other_slot_was_touched()
}

#[test]
fn answers_end_at_xdp_if_told_to_and_only_those() -> Result<()> {
    let mut rig = Rig::new(Config {
        flags: Config::CONSUME,
        ..CONFIG
    })?;
    for receiver in &RECEIVERS {
        let run = |packet: &[u8]| rig.receive(receiver, packet);
        compare(receiver.name, receiver.link, Direction::Received, run)?;
    }
    Ok(())
}

#[test]
fn every_stamp_agrees_on_every_probe() -> Result<()> {
    let mut rig = Rig::new(CONFIG)?;
    for (name, link) in STAMPS {
        let run = |packet: &[u8]| rig.stamp((name, link), packet);
        compare(name, link, Direction::Sent, run)?;
    }
    rig.assert_no_other_slot_was_touched()
}
