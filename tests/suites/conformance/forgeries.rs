//! Replies by one who has not seen the probes: no more of them are believed than
//! chance allows.

use std::env;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use probe_common::{
    abi::{ABI_VERSION, Config, Counter, Counters},
    identity::Ports,
};
use probe_tests::{
    forgery::{Knowledge, Table, most_by_chance},
    kernel::{Kernel, RECEIVERS, Receiver},
};

use crate::rig::now_ns;

/// Probes in flight.
const LIVE: usize = 100_000;
/// Forgeries of each kind of forger, unless `PROBE_FORGERIES` says so.
const FORGERIES: u64 = 250_000;
/// Right answers behind all forgeries.
const RIGHT: usize = 1_000;
/// An hour: all answers are in time.
const TIMEOUT_NS: u64 = 3_600_000_000_000;

/// 131,070 slots.
const CONFIG: Config = Config {
    abi_version: ABI_VERSION,
    mark: 0,
    ports: Ports::new(40_960, 4, 1),
    timeout_ns: TIMEOUT_NS,
    flags: 0,
    stop_mask: 0,
    reserved: [0; 2],
};

/// What a verdict may be.
const BELIEVED: [Counter; 3] = [Counter::Valid, Counter::Late, Counter::Duplicate];

fn believed(counters: &Counters) -> u64 {
    BELIEVED.iter().map(|counter| counters.get(*counter)).sum()
}

/// Every candidate has one verdict.
fn assert_adds_up(counters: &Counters) -> Result<()> {
    let first = Counter::MalformedTruncated as usize;
    let last = Counter::Duplicate as usize;
    let verdicts: u64 = counters.0[first..=last].iter().sum();
    let candidates = counters.get(Counter::Candidates);
    ensure!(verdicts == candidates, "{verdicts} of {candidates}");
    Ok(())
}

fn feed(kernel: &Kernel, receiver: &Receiver, frame: &[u8]) -> Result<()> {
    let returned = kernel.feed(receiver.name, frame)?;
    ensure!(returned == receiver.pass, "a packet did not pass");
    Ok(())
}

/// Sends forgeries of one who knows so much. Gives how many were believed, and how
/// many chance would have had believed.
fn attack(kernel: &Kernel, table: &Table, knowledge: Knowledge, count: u64) -> Result<(u64, f64)> {
    let mut rng = Rng::with_seed(knowledge as u64);
    let before = believed(&kernel.counters()?);
    let mut expected = 0.0;
    for _ in 0..count {
        let forgery = table.forge(knowledge, &mut rng);
        expected += forgery.chance;
        feed(kernel, &RECEIVERS[0], &forgery.frame)?;
    }
    Ok((believed(&kernel.counters()?) - before, expected))
}

#[test]
fn of_forged_replies_no_more_are_believed_than_by_chance() -> Result<()> {
    let count = match env::var("PROBE_FORGERIES") {
        Ok(text) => text.parse().context("PROBE_FORGERIES is no number")?,
        Err(_) => FORGERIES,
    };
    let table = Table::filled(CONFIG.ports, LIVE, &mut Rng::with_seed(7));
    let mut kernel = Kernel::load(&CONFIG)?;
    for (index, record) in table.records(now_ns()?) {
        kernel.set_slot(index, record)?;
    }
    for knowledge in Knowledge::ALL {
        let (accepted, expected) = attack(&kernel, &table, knowledge, count)?;
        let most = most_by_chance(expected);
        println!(
            "{count} forgeries by one who knows {knowledge:?}: {accepted} believed, \
             {expected:.3e} expected by chance, at most {most}"
        );
        ensure!(accepted <= most, "{knowledge:?}: {accepted} believed");
        // The forgeries are no rubbish: who knows all but the nonce has his chance.
        let least = if expected > 20.0 { expected / 4.0 } else { 0.0 };
        ensure!(accepted as f64 >= least, "{knowledge:?}: {accepted}");
    }
    let counters = kernel.counters()?;
    assert_adds_up(&counters)?;
    let events = counters.get(Counter::Delivered) + counters.get(Counter::RingFull);
    ensure!(events == believed(&counters), "{events} events");
    // No forgery that was not believed has taken the place of the right answer.
    for live in table.live().iter().take(RIGHT) {
        feed(&kernel, &RECEIVERS[0], &live.answer())?;
    }
    let right = believed(&kernel.counters()?) - believed(&counters);
    ensure!(right == RIGHT as u64, "{right} right answers");
    Ok(())
}
