//! What is known of paths, in memory that the kernel's programs share: receivers note
//! what replies tell, senders what they have probed.

use std::{io, os::fd::BorrowedFd, sync::atomic::Ordering};

use probe_common::{
    Address,
    adaptive::{
        State, Trail,
        hint::{self, Prefix},
        trail,
    },
};

use super::mapped::Mapped;

const WORDS: usize = size_of::<Trail>() / 8;

/// The place of a word in a trail.
macro_rules! word {
    ($field:ident) => {
        std::mem::offset_of!(Trail, $field) / 8
    };
}

/// How much room there is for what is known of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Trails: paths that are probed at a time.
    pub seats: u32,
    /// Words of the stop set, less one.
    pub stop_mask: u32,
    /// Words of the hints, less one.
    pub hint_mask: u32,
}

/// The trails of a run, and the hints where to begin new ones.
#[derive(Debug)]
pub struct TrailTable {
    trails: Mapped,
    hints: Mapped,
    room: Room,
}

impl TrailTable {
    /// Maps the arrays behind `trails` and `hints`, as large as `room` says.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the mapping.
    pub fn map(trails: BorrowedFd<'_>, hints: BorrowedFd<'_>, room: Room) -> io::Result<Self> {
        Ok(Self {
            trails: Mapped::new(trails, room.seats as usize * WORDS)?,
            hints: Mapped::new(hints, room.hint_mask as usize + 1)?,
            room,
        })
    }

    /// How many trails there are.
    pub fn seats(&self) -> u32 {
        self.room.seats
    }

    /// Target and flow of the path in a seat; `None`: it is free.
    pub fn path(&self, seat: u32) -> Option<(u32, u16)> {
        let owner = self.get(seat, word!(owner));
        (owner != 0).then_some(((owner >> 32) as u32, (owner >> 16) as u16))
    }

    /// What is known of the path in a seat.
    pub fn state(&self, seat: u32) -> State {
        Trail::state(
            self.get(seat, word!(probed)),
            self.get(seat, word!(heard)),
            self.get(seat, word!(reached)),
            self.get(seat, word!(estimate)),
        )
    }

    /// The step of the schedule that the path in a seat came from.
    pub fn cursor(&self, seat: u32) -> u64 {
        self.get(seat, word!(cursor))
    }

    /// Gives a seat to a path that begins, in the order that receivers rely on:
    /// nobody's while it changes.
    pub fn begin(&self, seat: u32, (target, flow): (u32, u16), cursor: u64, beginning: u64) {
        self.release(seat);
        self.set(seat, word!(probed), beginning);
        self.set(seat, word!(heard), 0);
        self.set(seat, word!(reached), 0);
        self.set(seat, word!(estimate), 0);
        self.set(seat, word!(cursor), cursor);
        self.set(seat, word!(owner), trail::owner(target, flow));
    }

    /// Notes that a probe with this TTL was sent.
    pub fn probed(&self, seat: u32, ttl: u8) {
        let probed = self.get(seat, word!(probed)) | u64::from(trail::bit(ttl));
        self.set(seat, word!(probed), probed);
    }

    /// Frees a seat.
    pub fn release(&self, seat: u32) {
        self.set(seat, word!(owner), 0);
    }

    /// Where a target of the same prefix was found; 0: nobody knows.
    pub fn hint(&self, address: Address, prefix: Prefix) -> u8 {
        let name = hint::name(address, prefix);
        let word = self.hint_word(name);
        hint::distance(word.map_or(0, |word| word.load(Ordering::Relaxed)), name)
    }

    /// Notes where a target was found.
    pub fn found(&self, address: Address, distance: u8) {
        for prefix in [Prefix::Network, Prefix::Region] {
            let name = hint::name(address, prefix);
            if let Some(word) = self.hint_word(name) {
                word.store(hint::word(name, distance), Ordering::Relaxed);
            }
        }
    }

    /// The lowest step that a path in any seat came from, or `next`, if that is lower:
    /// the next step of the lanes, asked for before.
    pub fn low_water(&self, next: u64) -> u64 {
        (0..self.room.seats)
            .filter(|seat| self.path(*seat).is_some())
            .map(|seat| self.cursor(seat))
            .fold(next, u64::min)
    }

    fn hint_word(&self, name: u64) -> Option<&std::sync::atomic::AtomicU64> {
        let place = hint::place(name, self.room.hint_mask);
        self.hints.record::<1>(place as usize).map(|[word]| word)
    }

    fn get(&self, seat: u32, place: usize) -> u64 {
        let words = self.trails.record::<WORDS>(seat as usize);
        let word = words.and_then(|words| words.get(place));
        word.map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn set(&self, seat: u32, place: usize, value: u64) {
        let words = self.trails.record::<WORDS>(seat as usize);
        if let Some(word) = words.and_then(|words| words.get(place)) {
            word.store(value, Ordering::Release);
        }
    }
}
