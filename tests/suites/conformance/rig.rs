//! A packet through a compiled program, compared with what it must do.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use nix::time::{ClockId, clock_gettime};
use probe_common::{
    abi::{Config, Counter, Counters, Event, Excerpt, Kind},
    slot::Record,
};
use probe_tests::{
    kernel::{Kernel, Receiver, TC_UNSPEC},
    reference::{self, Arrival, Link, Outcomes},
    scene::{MARK, Sent},
};

/// `XDP_DROP`.
const XDP_DROP: u32 = 1;
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

/// The programs in the kernel, the slots of the scene, and what was counted.
pub(crate) struct Rig {
    pub(crate) kernel: Kernel,
    config: Config,
    scene: HashMap<u32, Sent>,
    counted: Counters,
    ifindex: u32,
}

impl Rig {
    /// Loads the programs and fills the slots of the scene.
    pub(crate) fn new(config: Config) -> Result<Self> {
        let mut rig = Self {
            kernel: Kernel::load(&config)?,
            config,
            scene: Sent::all().map(|sent| (sent.slot(), sent)).collect(),
            counted: Counters::ZERO,
            // A test run's packets come in on the namespace's loopback device.
            ifindex: nix::net::if_::if_nametoindex("lo")?,
        };
        ensure!(
            rig.scene.len() == Sent::all().count(),
            "two probes share a slot"
        );
        let slots: Vec<u32> = rig.scene.keys().copied().collect();
        for index in slots {
            rig.restore(index)?;
        }
        Ok(rig)
    }

    /// Runs a receiver on a packet, the slot that it names being as the scene has
    /// it. Gives what was seen; fails if that is not what must be. `None`: the
    /// kernel does not take such a packet.
    pub(crate) fn receive(
        &mut self,
        receiver: &Receiver,
        packet: &[u8],
    ) -> Result<Option<Outcomes>> {
        let index = reference::named_slot(packet, receiver.link, &self.config);
        self.restore_named(index)?;
        self.receive_again(receiver, packet)
    }

    /// As [`Self::receive`], the slot being as it was left.
    pub(crate) fn receive_again(
        &mut self,
        receiver: &Receiver,
        packet: &[u8],
    ) -> Result<Option<Outcomes>> {
        let index = reference::named_slot(packet, receiver.link, &self.config);
        let slot = self.read(index)?;
        let start_ns = now_ns()?;
        let Some(returned) = self.kernel.run(receiver.name, packet, 0)? else {
            return Ok(None);
        };
        let end_ns = now_ns()?;
        let event = self.event()?;
        let (event, excerpt) = event.unzip();
        let excerpt = excerpt.flatten();
        let rx_ns = event.map_or(start_ns, |event: Event| event.rx_ns);
        assert_between(start_ns, rx_ns, end_ns)?;
        let seen = Outcomes {
            counters: self.moved()?,
            event,
            excerpt,
            slot: self.after(index, slot, |before, after| Record {
                state: after.state,
                ..before
            })?,
        };
        let arrival = Arrival {
            link: receiver.link,
            hook: receiver.hook,
            ifindex: self.ifindex,
            rx_ns,
        };
        let expected = reference::receive(packet, arrival, &self.config, slot);
        assert_equal(&seen, &expected)?;
        let expected = self.returns(receiver, event);
        ensure!(
            returned == expected,
            "it returned {returned}, not {expected}"
        );
        Ok(Some(seen))
    }

    /// Runs a stamp on a packet of others, then on the same with the run's mark, the
    /// slot that it names being as the scene has it. As [`Self::receive`] otherwise.
    pub(crate) fn stamp(
        &mut self,
        (name, link): (&str, Link),
        packet: &[u8],
    ) -> Result<Option<Outcomes>> {
        let index = reference::stamped_slot(packet, link, &self.config);
        self.restore_named(index)?;
        let slot = self.read(index)?;
        let Some(unmarked) = self.kernel.run(name, packet, MARK ^ 1)? else {
            return Ok(None);
        };
        let untouched = self.moved()?.is_empty() && self.read(index)? == slot;
        ensure!(untouched, "a packet of others was counted or stamped");
        let start_ns = now_ns()?;
        let marked = self.kernel.run(name, packet, MARK)?;
        let end_ns = now_ns()?;
        ensure!(
            (unmarked, marked) == (TC_UNSPEC, Some(TC_UNSPEC)),
            "it returned {unmarked}, {marked:?}"
        );
        ensure!(self.event()?.is_none(), "an event");
        let counters = self.moved()?;
        let refused = counters.contains(&Counter::StampMismatch);
        let seen = Outcomes {
            counters,
            event: None,
            excerpt: None,
            slot: self.after(index, slot, |before, after| Record {
                state: after.state,
                tx_ns: if refused { before.tx_ns } else { after.tx_ns },
                ..before
            })?,
        };
        let expected = reference::stamp(packet, link, &self.config, slot);
        assert_equal(&seen, &expected)?;
        if !refused {
            let tx_ns = self.read(index)?.map_or(0, |record| record.tx_ns);
            assert_between(start_ns, tx_ns, end_ns)?;
        }
        Ok(Some(seen))
    }

    /// Fails unless every slot but those of the scene is empty.
    pub(crate) fn assert_no_other_slot_was_touched(&self) -> Result<()> {
        for index in 0..self.config.ports.slots() {
            if self.scene.contains_key(&index) {
                continue;
            }
            let record = self.kernel.slot(index)?.context("there is no such slot")?;
            ensure!(
                record == bytemuck::Zeroable::zeroed(),
                "slot {index}: {record:?}"
            );
        }
        Ok(())
    }

    /// Counters that moved since the last call, by one each.
    pub(crate) fn moved(&mut self) -> Result<Vec<Counter>> {
        let now = self.kernel.counters()?;
        let mut moved = Vec::new();
        for counter in Counter::ALL {
            let by = now.get(*counter) - self.counted.get(*counter);
            ensure!(by <= 1, "{} moved by {by}", counter.name());
            if by == 1 {
                moved.push(*counter);
            }
        }
        self.counted = now;
        Ok(moved)
    }

    /// Puts the slot back as the scene has it.
    pub(crate) fn restore(&mut self, index: u32) -> Result<()> {
        match self.scene.get(&index) {
            Some(sent) => self.kernel.set_slot(index, sent.record(now_ns()?)),
            None => Ok(()),
        }
    }

    fn restore_named(&mut self, index: Option<u32>) -> Result<()> {
        index.map_or(Ok(()), |index| self.restore(index))
    }

    fn read(&self, index: Option<u32>) -> Result<Option<Record>> {
        index.map_or(Ok(None), |index| self.kernel.slot(index))
    }

    fn event(&mut self) -> Result<Option<(Event, Option<Excerpt>)>> {
        let events = self.kernel.events()?;
        ensure!(events.len() <= 1, "{} events", events.len());
        Ok(events.first().copied())
    }

    /// The state of a slot, of which `allowed` says what may have changed.
    fn after(
        &self,
        index: Option<u32>,
        before: Option<Record>,
        allowed: impl Fn(Record, Record) -> Record,
    ) -> Result<Option<(u32, u64)>> {
        let Some(((index, before), after)) = index.zip(before).zip(self.read(index)?) else {
            return Ok(None);
        };
        let expected = allowed(before, after);
        ensure!(
            after == expected,
            "slot {index}: {after:?}, not {expected:?}"
        );
        Ok(Some((index, after.state)))
    }

    /// Packets pass; with [`Config::CONSUME`], at XDP, answers by ICMP end here,
    /// but those that tell the host a path's MTU.
    fn returns(&self, receiver: &Receiver, event: Option<Event>) -> u32 {
        let consuming = self.config.flags & Config::CONSUME != 0 && receiver.pass != TC_UNSPEC;
        let kind = event.and_then(|event| Kind::from_code(event.kind));
        let answer = matches!(
            kind,
            Some(Kind::EchoReply | Kind::TimeExceeded | Kind::PortUnreachable | Kind::Unreachable)
        );
        if consuming && answer && event.is_some_and(|event| event.mtu == 0) {
            XDP_DROP
        } else {
            receiver.pass
        }
    }
}

/// What a program is fed of a frame: without link header, what is behind it.
pub(crate) fn fed(link: Link, frame: &[u8]) -> &[u8] {
    if link == Link::Ethernet {
        return frame;
    }
    let tags = frame.get(12..).unwrap_or_default().chunks(4);
    let tags = tags.take_while(|tag| matches!(tag, [0x81, 0x00, ..] | [0x88, 0xa8, ..]));
    frame.get(ETHERNET + 4 * tags.count()..).unwrap_or_default()
}

/// Octets in hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn assert_equal(seen: &Outcomes, expected: &Outcomes) -> Result<()> {
    ensure!(
        seen == expected,
        "seen:     {seen:?}\nexpected: {expected:?}"
    );
    Ok(())
}

fn assert_between(start_ns: u64, stamp_ns: u64, end_ns: u64) -> Result<()> {
    ensure!(
        (start_ns..=end_ns).contains(&stamp_ns),
        "stamped at {stamp_ns}, run from {start_ns} to {end_ns}"
    );
    Ok(())
}

/// CLOCK_MONOTONIC, nanoseconds.
pub(crate) fn now_ns() -> Result<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}
