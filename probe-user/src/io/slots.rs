//! The slot array, mapped into memory: where the sender announces a probe and
//! where the kernel stamps it and marks it answered.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use probe_common::{
    abi::TxSource,
    identity::{Nonce, NonceKey, Ports, slot_index},
    slot::{self, Fate, Lease, Record},
};

use super::mapped::Mapped;
use crate::engine::{sweep::histogram::LogLinear, time::Moment};

/// Slots tried for one probe before it must wait.
const TRIES: u16 = 64;

/// A probe's record, less what the table fills in.
#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    /// Hash of the destination.
    pub destination_hash: u32,
    /// Index of the target.
    pub target: u32,
    /// Round.
    pub round: u32,
    /// Flow.
    pub flow: u16,
    /// TTL or hop limit.
    pub ttl: u8,
    /// [`probe_common::abi::Protocol`].
    pub protocol: u8,
    /// Folded sum of the source address.
    pub source_sum: u16,
    /// Folded sum of addresses and ports.
    pub tuple_sum: u16,
    /// Where its path's trail is, in an adaptive sweep.
    pub seat: u32,
}

/// What became of all probes whose slots were given away or closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Refused after the stamp.
    pub dropped: u64,
    /// Answered within the timeout.
    pub answered: u64,
    /// Answered after the timeout only.
    pub late_only: u64,
    /// Not answered.
    pub unanswered: u64,
}

impl Tally {
    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.dropped += other.dropped;
        self.answered += other.answered;
        self.late_only += other.late_only;
        self.unanswered += other.unanswered;
    }

    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::NeverStamped => {}
            Fate::Dropped => self.dropped += 1,
            Fate::Answered => self.answered += 1,
            Fate::LateOnly => self.late_only += 1,
            Fate::Unanswered => self.unanswered += 1,
        }
    }
}

/// The slot array of a run, and an allocator of all of it or of a part.
#[derive(Debug)]
pub struct SlotTable {
    mapping: Arc<Mapped>,
    ports: Ports,
    key: NonceKey,
    drawn: u64,
    /// The part of each shard that is given out: its own sequence numbers.
    first: u16,
    last: u16,
    /// Next index to try, for each shard.
    next: Vec<u16>,
    timeout_ns: u64,
    tally: Tally,
}

impl SlotTable {
    /// Maps the array behind `map`, which must hold `ports.slots()` records.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the mapping.
    pub fn map(
        map: BorrowedFd<'_>,
        ports: Ports,
        key: NonceKey,
        timeout_ns: u64,
    ) -> io::Result<Self> {
        let mapping = Mapped::new(map, ports.slots() as usize * WORDS)?;
        Ok(Self {
            mapping: Arc::new(mapping),
            ports,
            key,
            drawn: 0,
            // 0 is not used: an IPv4 identification of 0 may be rewritten (RFC 6864).
            first: 1,
            last: u16::MAX,
            next: vec![1; ports.slots() as usize >> 16],
            timeout_ns,
            tally: Tally::default(),
        })
    }

    /// Parts it among `lanes` senders: each gives out its own sequence numbers, and
    /// none waits for another.
    pub fn part(&self, lanes: u16) -> Vec<Self> {
        let lanes = lanes.max(1);
        let share = u16::MAX / lanes;
        (0..lanes)
            .map(|lane| {
                let first = 1 + lane * share;
                Self {
                    mapping: self.mapping.clone(),
                    first,
                    last: if lane + 1 == lanes {
                        u16::MAX
                    } else {
                        first + share - 1
                    },
                    next: vec![first; self.next.len()],
                    // Nonces are drawn by number: each lane has numbers of its own.
                    drawn: u64::from(lane) << 48,
                    ports: self.ports,
                    key: self.key,
                    timeout_ns: self.timeout_ns,
                    tally: Tally::default(),
                }
            })
            .collect()
    }

    /// The ports of the run.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Gives a probe a slot. `None`: all that were tried wait for an answer.
    pub fn lease(&mut self, tenant: &Tenant, now: Moment) -> Option<Lease> {
        let shard = self.ports.shard(tenant.destination_hash);
        let (seq16, index) = self.settled(shard, now)?;
        self.drawn = self.drawn.wrapping_add(1);
        let words = self.words(index)?;
        let previous = Nonce(words[NONCE].load(Ordering::Relaxed));
        let nonce = self.key.draw(self.drawn, previous);
        let left = hand_over(words, tenant, previous, nonce, now);
        self.tally.count(Fate::of(left));
        Some(Lease {
            index,
            seq16,
            nonce,
        })
    }

    /// What became of a lease so far; `None` if the slot has a new tenant.
    pub fn fate(&self, lease: Lease) -> Option<Fate> {
        let words = self.words(lease.index)?;
        let state = words[STATE].load(Ordering::Acquire);
        (words[NONCE].load(Ordering::Relaxed) == lease.nonce.0).then(|| Fate::of(state))
    }

    /// The kernel's stamp of a lease.
    pub fn stamp(&self, lease: Lease) -> Option<Moment> {
        let words = self.words(lease.index)?;
        (self.fate(lease)? != Fate::NeverStamped)
            .then(|| Moment(words[TX_NS].load(Ordering::Relaxed)))
    }

    /// Notes that a probe was refused by the qdisc or driver behind its stamp.
    pub fn mark_dropped(&self, lease: Lease) {
        if let Some(words) = self.words(lease.index) {
            words[STATE].fetch_or(slot::DROPPED, Ordering::AcqRel);
        }
    }

    /// Notes that the reader matched a reply that names no slot. Returns whether
    /// it is the first.
    pub fn mark_answered(&self, lease: Lease, late: bool) -> bool {
        let Some(words) = self.words(lease.index) else {
            return false;
        };
        let flag = if late { slot::LATE } else { slot::ANSWERED };
        let open = slot::generation(lease.nonce) | slot::ARMED;
        words[STATE]
            .compare_exchange(open, open | flag, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Counts what is left in the slots of all parts, and what this part counted.
    /// To be called once, after the programs are detached.
    pub fn close(&mut self) -> Tally {
        let mut tally = self.tally;
        for index in 0..self.ports.slots() {
            if let Some(words) = self.words(index) {
                tally.count(Fate::of(words[STATE].load(Ordering::Acquire)));
            }
        }
        tally
    }

    /// How much later than userspace's time the kernel stamped the probes that are
    /// still in slots: what a stamp of userspace would be wrong by, nanoseconds.
    /// Longer than 4 s looks shorter by as much.
    pub fn handovers(&self) -> LogLinear {
        let mut delays = LogLinear::default();
        for index in 0..self.ports.slots() {
            let Some(words) = self.words(index) else {
                continue;
            };
            if words[STATE].load(Ordering::Acquire) & slot::ARMED == 0 {
                continue;
            }
            let [_seat, user_ns]: [u32; 2] = bytemuck::cast(words[USER_NS].load(Ordering::Relaxed));
            let tx_ns = words[TX_NS].load(Ordering::Relaxed) as u32;
            delays.record(tx_ns.wrapping_sub(user_ns).into());
        }
        delays
    }

    /// Takes over what became of probes whose slots another has given away.
    pub fn count(&mut self, tally: Tally) {
        self.tally.merge(tally);
    }

    /// First and last sequence number of each shard that this part gives out.
    pub fn sequence_numbers(&self) -> (u16, u16) {
        (self.first, self.last)
    }

    /// Nonces drawn so far: each part begins elsewhere.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// What became of the probes whose slots this part has given away again.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The next slot of a shard that nobody waits for.
    fn settled(&mut self, shard: u16, now: Moment) -> Option<(u16, u32)> {
        for _ in 0..TRIES {
            let next = self.next.get_mut(usize::from(shard))?;
            let seq16 = *next;
            *next = if seq16 == self.last {
                self.first
            } else {
                seq16 + 1
            };
            let index = slot_index(shard, seq16);
            // It is written soon, and was last touched seconds ago.
            self.mapping
                .fetch_ahead(slot_index(shard, *next) as usize * WORDS);
            let words = self.words(index)?;
            let fate = Fate::of(words[STATE].load(Ordering::Acquire));
            if fate.is_settled(words[TX_NS].load(Ordering::Relaxed), now.0, self.timeout_ns) {
                return Some((seq16, index));
            }
        }
        None
    }

    fn words(&self, index: u32) -> Option<&[AtomicU64; WORDS]> {
        self.mapping.record(index as usize)
    }
}

const WORDS: usize = size_of::<Record>() / 8;
const NONCE: usize = std::mem::offset_of!(Record, nonce) / 8;
const PREVIOUS: usize = std::mem::offset_of!(Record, previous_nonce) / 8;
const TX_NS: usize = std::mem::offset_of!(Record, tx_ns) / 8;
const STATE: usize = std::mem::offset_of!(Record, state) / 8;
/// The word whose second half it is.
const USER_NS: usize = std::mem::offset_of!(Record, user_ns) / 8;
const _: () = assert!(std::mem::offset_of!(Record, user_ns) % 8 == 4);

/// Writes a record in the order that readers rely on: the old nonce is kept, the
/// nonce is 0 while the fields change, and it comes last. Gives the state that the
/// old tenant left: after this no reply can move it on.
fn hand_over(
    words: &[AtomicU64; WORDS],
    tenant: &Tenant,
    previous: Nonce,
    nonce: Nonce,
    now: Moment,
) -> u64 {
    let record: [u64; WORDS] = bytemuck::cast(Record {
        nonce: nonce.0,
        previous_nonce: previous.0,
        tx_ns: 0,
        state: slot::generation(nonce),
        destination_hash: tenant.destination_hash,
        target: tenant.target,
        round: tenant.round,
        flow: tenant.flow,
        ttl: tenant.ttl,
        protocol: tenant.protocol,
        source_sum: tenant.source_sum,
        tuple_sum: tenant.tuple_sum,
        tx_source: TxSource::Tcx as u32,
        seat: tenant.seat,
        user_ns: now.0 as u32,
    });
    words[PREVIOUS].store(previous.0, Ordering::Release);
    words[NONCE].store(0, Ordering::Release);
    let left = words[STATE].swap(slot::generation(nonce), Ordering::AcqRel);
    // Whoever sees a field of the new tenant sees that the old nonce is gone.
    fence(Ordering::Release);
    for (place, (word, value)) in words.iter().zip(record).enumerate() {
        if place != NONCE && place != STATE {
            word.store(value, Ordering::Relaxed);
        }
    }
    words[NONCE].store(nonce.0, Ordering::Release);
    left
}

#[cfg(test)]
mod tests;
