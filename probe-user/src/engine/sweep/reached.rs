//! At which TTL each target answered: probes with a higher one reach it as well.
//! Kept where they must not (TCP: a second SYN of one connection is read wrongly).

use std::sync::atomic::{AtomicU8, Ordering};

/// The least TTL that each target answered at; a byte for each.
#[derive(Debug)]
pub struct Reached(Vec<AtomicU8>);

impl Reached {
    /// None of `targets` has answered.
    pub fn new(targets: u32) -> Self {
        Self((0..targets).map(|_| AtomicU8::new(u8::MAX)).collect())
    }

    /// A target answered a probe with this TTL.
    pub fn note(&self, target: u32, ttl: u8) {
        if let Some(least) = self.0.get(target as usize) {
            least.fetch_min(ttl, Ordering::Relaxed);
        }
    }

    /// Whether a probe with a lower TTL than this one was answered by the target.
    pub fn is_beyond(&self, target: u32, ttl: u8) -> bool {
        let least = self.0.get(target as usize);
        least.is_some_and(|least| ttl > least.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_the_target_is_known_once_it_answered() {
        let reached = Reached::new(2);
        assert!(!reached.is_beyond(1, 30));
        reached.note(1, 12);
        reached.note(1, 15);
        assert!(reached.is_beyond(1, 13) && !reached.is_beyond(1, 12));
        assert!(!reached.is_beyond(0, 30) && !reached.is_beyond(9, 30));
    }
}
