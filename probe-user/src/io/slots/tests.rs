//! The allocator over plain memory, with the test in the kernel's place.

use std::{fs::File, os::fd::AsFd as _, sync::atomic::AtomicU32};

use super::*;

const TIMEOUT_NS: u64 = 1_000_000;

/// Memory like that of the kernel's map.
fn memory(ports: Ports) -> File {
    let file = tempfile::tempfile().expect("a file");
    let length = u64::from(ports.slots()) * size_of::<Record>() as u64;
    file.set_len(length).expect("room");
    file
}

fn table(memory: &File, ports: Ports) -> SlotTable {
    SlotTable::map(memory.as_fd(), ports, NonceKey([3, 5]), TIMEOUT_NS).expect("mapped")
}

fn tenant(destination_hash: u32) -> Tenant {
    Tenant {
        destination_hash,
        target: 1,
        round: 2,
        flow: 3,
        ttl: 4,
        protocol: 17,
        source_sum: 5,
        tuple_sum: 6,
        seat: 5,
    }
}

/// What the stamping program does.
fn stamp(table: &SlotTable, lease: Lease, at: Moment) {
    let words = table.words(lease.index).expect("a slot");
    words[TX_NS].store(at.0, Ordering::Relaxed);
    words[STATE].fetch_or(slot::ARMED, Ordering::AcqRel);
}

const ONE_SHARD: Ports = Ports::new(20_000, 1, 0);

#[test]
fn a_reader_finds_what_the_sender_announced() {
    let memory = memory(ONE_SHARD);
    let mut sender = table(&memory, ONE_SHARD);
    let reader = table(&memory, ONE_SHARD);
    let lease = sender.lease(&tenant(9), Moment(77)).expect("a slot");
    let words = reader.words(lease.index).expect("a slot");
    let words: Vec<u64> = words.iter().map(|w| w.load(Ordering::Acquire)).collect();
    let record: Record = bytemuck::pod_read_unaligned(bytemuck::cast_slice(&words));
    let expected = Record {
        nonce: lease.nonce.0,
        previous_nonce: 0,
        tx_ns: 0,
        state: slot::generation(lease.nonce),
        destination_hash: 9,
        target: 1,
        round: 2,
        flow: 3,
        ttl: 4,
        protocol: 17,
        source_sum: 5,
        tuple_sum: 6,
        tx_source: 1,
        seat: 5,
        user_ns: 77,
    };
    assert_eq!(record, expected);
}

#[test]
fn the_next_tenant_keeps_the_nonce_of_the_one_before() {
    let memory = memory(ONE_SHARD);
    let mut table = table(&memory, ONE_SHARD);
    let first = table.lease(&tenant(9), Moment(0)).expect("a slot");
    let again = std::iter::repeat_with(|| table.lease(&tenant(9), Moment(0)))
        .map(|lease| lease.expect("a slot"))
        .find(|lease| lease.index == first.index)
        .expect("the slot comes round");
    let words = table.words(again.index).expect("a slot");
    assert_eq!(words[PREVIOUS].load(Ordering::Acquire), first.nonce.0);
    assert_eq!(table.fate(first), None);
    assert_eq!(table.fate(again), Some(Fate::NeverStamped));
}

#[test]
fn every_index_of_a_shard_serves_but_zero() {
    let ports = Ports::new(20_000, 1, 2);
    let memory = memory(ports);
    let mut table = table(&memory, ports);
    for hash in 0..4 {
        let mut seen = vec![false; 1 << 16];
        for _ in 1..1 << 16 {
            let lease = table.lease(&tenant(hash), Moment(5)).expect("a slot");
            stamp(&table, lease, Moment(5));
            assert_eq!(lease.index >> 16, hash);
            assert!(!std::mem::replace(
                &mut seen[usize::from(lease.seq16)],
                true
            ));
        }
        assert!(!seen[0]);
        assert_eq!(table.lease(&tenant(hash), Moment(5)), None);
    }
}

#[test]
fn a_slot_is_kept_until_it_is_answered_or_timed_out() {
    let memory = memory(ONE_SHARD);
    let mut table = table(&memory, ONE_SHARD);
    let leases: Vec<Lease> = (1..1 << 16)
        .map(|_| {
            let lease = table.lease(&tenant(0), Moment(0)).expect("a slot");
            stamp(&table, lease, Moment(0));
            lease
        })
        .collect();
    assert_eq!(table.lease(&tenant(0), Moment(TIMEOUT_NS)), None);
    // The search goes on where the last one ended.
    let answered = leases[usize::from(TRIES)];
    assert!(table.mark_answered(answered, false));
    assert!(!table.mark_answered(answered, true), "answered twice");
    let next = table.lease(&tenant(0), Moment(TIMEOUT_NS));
    assert_eq!(next.map(|lease| lease.index), Some(answered.index));
    assert!(table.lease(&tenant(0), Moment(TIMEOUT_NS + 1)).is_some());
}

#[test]
fn every_fate_is_counted_once_at_reuse_or_at_the_end() {
    let memory = memory(ONE_SHARD);
    let mut table = table(&memory, ONE_SHARD);
    let mut now = Moment(0);
    for number in 0..200_000u64 {
        now = Moment(number * TIMEOUT_NS);
        let lease = table.lease(&tenant(0), now).expect("a slot");
        if number % 5 != 0 {
            stamp(&table, lease, now);
        }
        match number % 5 {
            1 => table.mark_dropped(lease),
            2 => assert!(table.mark_answered(lease, false)),
            3 => assert!(table.mark_answered(lease, true)),
            _ => {}
        }
    }
    assert!(now > Moment(0));
    let expected = Tally {
        dropped: 40_000,
        answered: 40_000,
        late_only: 40_000,
        unanswered: 40_000,
    };
    assert_eq!(table.close(), expected);
}

#[test]
fn no_late_reply_is_lost_between_two_tenants() {
    const PROBES: u64 = 1_000_000;
    let memory = memory(ONE_SHARD);
    let mut sender = table(&memory, ONE_SHARD);
    let kernel = table(&memory, ONE_SHARD);
    // The slot that changes hands next; 0 at the end.
    let next = AtomicU32::new(1);
    let late = std::thread::scope(|scope| {
        let next = &next;
        let receiver = scope.spawn(move || mark_late(&kernel, next));
        for number in 0..PROBES {
            let now = Moment(number * TIMEOUT_NS);
            let lease = sender.lease(&tenant(0), now).expect("a slot");
            stamp(&sender, lease, now);
            next.store(lease.index % 0xffff + 1, Ordering::Release);
        }
        next.store(0, Ordering::Release);
        receiver.join().expect("no panic")
    });
    let tally = sender.close();
    assert_eq!(tally.late_only, late);
    assert_eq!(tally.late_only + tally.unanswered, PROBES);
}

/// What the receiving program does with a late reply to the slot that is next to
/// change hands, again and again; gives how many it marked.
fn mark_late(table: &SlotTable, next: &AtomicU32) -> u64 {
    let mut marked = 0;
    loop {
        let index = next.load(Ordering::Acquire);
        if index == 0 {
            return marked;
        }
        let state = &table.words(index).expect("a slot")[STATE];
        let open = state.load(Ordering::Acquire);
        if Fate::of(open) == Fate::Unanswered {
            let late = open | slot::LATE;
            let moved = state.compare_exchange(open, late, Ordering::AcqRel, Ordering::Relaxed);
            marked += u64::from(moved.is_ok());
        }
    }
}

#[test]
fn lanes_share_no_slot_and_leave_none_out() {
    let memory = memory(ONE_SHARD);
    let mut lanes = table(&memory, ONE_SHARD).part(3);
    let mut given = std::collections::BTreeMap::new();
    for (number, lane) in lanes.iter_mut().enumerate() {
        // Never stamped: each slot is free again when its turn comes.
        for _ in 0..30_000 {
            let lease = lane.lease(&tenant(9), Moment(0)).expect("a slot");
            let owner = *given.entry(lease.seq16).or_insert(number);
            assert_eq!(owner, number, "slot {} has two lanes", lease.seq16);
        }
    }
    assert_eq!(given.len(), usize::from(u16::MAX));
}

#[test]
fn lanes_draw_different_nonces() {
    let memory = memory(ONE_SHARD);
    let mut lanes = table(&memory, ONE_SHARD).part(2);
    let mut drawn = std::collections::BTreeSet::new();
    for lane in &mut lanes {
        for _ in 0..1_000 {
            let lease = lane.lease(&tenant(9), Moment(0)).expect("a slot");
            assert!(drawn.insert(lease.nonce.0));
        }
    }
}
