//! More than one packet for a slot, and more events than a ring holds.

use anyhow::{Context as _, Result, ensure};
use probe_common::abi::{Counter, Protocol};
use probe_tests::{
    corpus::Direction,
    kernel::{RECEIVERS, Receiver},
    scene::{CONFIG, Sent, State},
};

use crate::{
    corpus::cases,
    rig::{Rig, fed},
};

/// The answer to a probe in this state, from the corpus.
fn answer(protocol: Protocol, v6: bool, state: State) -> Result<Vec<u8>> {
    let state = format!("{state:?}").to_lowercase();
    let version = if v6 { "v6" } else { "v4" };
    let name = format!("{state}-{}-{version}-answer", protocol.name());
    let mut cases = cases(Direction::Received)?.into_iter();
    let (_, case) = cases.find(|(_, case)| case.name == name).context(name)?;
    let sample = case.samples().pop().context("no packet")?;
    Ok(sample.octets.to_vec())
}

/// Every protocol in both families.
fn every_kind() -> impl Iterator<Item = (Protocol, bool)> {
    let both = |protocol: &Protocol| [(*protocol, false), (*protocol, true)];
    Protocol::ALL.iter().flat_map(both)
}

fn verdicts(rig: &mut Rig, receiver: &Receiver, packets: &[&[u8]]) -> Result<Vec<Counter>> {
    let outcomes = packets.iter().map(|packet| {
        let outcomes = rig.receive_again(receiver, fed(receiver.link, packet))?;
        let outcomes = outcomes.context("the kernel does not take the packet")?;
        outcomes.verdict().context("it passed")
    });
    outcomes.collect()
}

#[test]
fn the_second_answer_is_a_duplicate_whatever_the_first_was() -> Result<()> {
    for receiver in &RECEIVERS {
        let mut rig = Rig::new(CONFIG)?;
        for (protocol, v6) in every_kind() {
            let first = answer(protocol, v6, State::Armed)?;
            let late = answer(protocol, v6, State::Overdue)?;
            let seen = verdicts(&mut rig, receiver, &[&first, &first, &late, &late, &first])?;
            let expected = [
                Counter::Valid,
                Counter::Duplicate,
                Counter::Late,
                Counter::Duplicate,
                Counter::Duplicate,
            ];
            ensure!(
                seen == expected,
                "{} {}: {seen:?}",
                receiver.name,
                protocol.name()
            );
        }
    }
    Ok(())
}

#[test]
fn a_probe_is_stamped_and_then_its_answer_counts() -> Result<()> {
    let mut rig = Rig::new(CONFIG)?;
    let receiver = &RECEIVERS[0];
    for (protocol, v6) in every_kind() {
        let sent = Sent::new(protocol, v6, State::Unstamped);
        let early = answer(protocol, v6, State::Unstamped)?;
        rig.restore(sent.slot())?;
        let before = verdicts(&mut rig, receiver, &[&early])?;
        ensure!(before == [Counter::Foreign], "{before:?}");
        let mut frame = vec![0; 12];
        frame.extend(if v6 { [0x86, 0xdd] } else { [0x08, 0x00] });
        frame.extend(sent.octets());
        rig.stamp(probe_tests::kernel::STAMPS[0], &frame)?;
        let after = verdicts(&mut rig, receiver, &[&early, &early])?;
        ensure!(after == [Counter::Valid, Counter::Duplicate], "{after:?}");
    }
    Ok(())
}

#[test]
fn an_event_that_finds_its_ring_full_is_counted() -> Result<()> {
    let mut rig = Rig::new(CONFIG)?;
    let packet = answer(Protocol::Icmp, false, State::Answered)?;
    let name = RECEIVERS[0].name;
    let runs = 5_000;
    for _ in 0..runs {
        rig.kernel.run(name, &packet, 0)?;
    }
    let counters = rig.kernel.counters()?;
    let [delivered, full] = [Counter::Delivered, Counter::RingFull].map(|c| counters.get(c));
    ensure!(full > 0 && delivered + full == runs, "{delivered} + {full}");
    ensure!(
        counters.get(Counter::Duplicate) == runs,
        "not every packet was judged"
    );
    let events = rig.kernel.events()?;
    ensure!(events.len() as u64 == delivered, "{} events", events.len());
    Ok(())
}
