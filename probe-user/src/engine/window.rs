//! The hops of a trace that are open: as many as the gap limit beyond the last
//! that answered, so no probe goes further than the gap limit could have asked for.

use super::{answer::ProbeId, hop::Hop, plan::TraceOptions, report::Stop, time::Moment};

/// Hops beyond the last answer that are open at once where there is no gap limit.
const WITHOUT_LIMIT: usize = 8;

/// The open hops, from the first TTL on.
#[derive(Clone, Debug)]
pub struct Window {
    hops: Vec<Hop>,
    first_ttl: u8,
    max_ttl: u8,
    gap_limit: usize,
    /// Probes that each hop gets.
    rounds: u32,
    /// Probes after which a hop without an answer is taken for silent.
    enough: u64,
}

impl Window {
    /// Nothing open. Each hop is to get `rounds` probes.
    pub fn new(options: &TraceOptions, rounds: u32) -> Self {
        Self {
            hops: Vec::new(),
            first_ttl: options.first_ttl,
            max_ttl: options.max_ttl,
            gap_limit: usize::from(options.gap_limit),
            rounds,
            enough: u64::from(options.queries.min(rounds)),
        }
    }

    /// The hops up to a TTL.
    pub fn up_to(&self, last_ttl: u8) -> &[Hop] {
        let end = self.hops.partition_point(|hop| hop.ttl <= last_ttl);
        self.hops.get(..end).unwrap_or_default()
    }

    /// The hop of a probe, if the probe counts.
    pub fn hop_of(&mut self, probe: ProbeId) -> Option<&mut Hop> {
        self.hop_mut(probe.ttl)
            .filter(|hop| hop.counts(probe.round))
    }

    /// Whether a probe counts.
    pub fn counts(&self, probe: ProbeId) -> bool {
        let place = probe.ttl.checked_sub(self.first_ttl);
        let hop = place.and_then(|place| self.hops.get(usize::from(place)));
        hop.is_some_and(|hop| hop.counts(probe.round))
    }

    /// The hop of a TTL.
    pub fn hop_mut(&mut self, ttl: u8) -> Option<&mut Hop> {
        let place = ttl.checked_sub(self.first_ttl)?;
        self.hops.get_mut(usize::from(place))
    }

    /// The hops beyond a TTL begin anew.
    pub fn restart_beyond(&mut self, ttl: u8) {
        for hop in self.hops.iter_mut().filter(|hop| hop.ttl > ttl) {
            hop.restart();
        }
    }

    /// Nothing more is sent to any hop.
    pub fn stop(&mut self) {
        self.hops.iter_mut().for_each(Hop::stop);
    }

    /// The last TTL opened, or the first that there could be.
    pub fn last_ttl(&self) -> u8 {
        self.hops.last().map_or(self.first_ttl, |hop| hop.ttl)
    }

    /// The TTL that may be opened next, if the gap limit leaves room.
    pub fn next_ttl(&self) -> Option<u8> {
        let ttl = match self.hops.last() {
            Some(hop) => hop.ttl.checked_add(1)?,
            None => self.first_ttl,
        };
        (ttl <= self.max_ttl && self.has_room()).then_some(ttl)
    }

    /// Opens a TTL, which [`Self::next_ttl`] gave.
    pub fn open(&mut self, ttl: u8, now: Moment) {
        self.hops.push(Hop::new(ttl, self.rounds, now));
    }

    /// Where and why silence ends the trace, if it does.
    pub fn silence(&self) -> Option<(u8, Stop)> {
        let last = self.hops.last()?.ttl;
        let silent = self.hops.iter().rev();
        let silent = silent.take_while(|hop| hop.is_silent(self.enough)).count();
        if self.gap_limit > 0 && silent >= self.gap_limit {
            return Some((last, Stop::GapLimit));
        }
        let all_over = self.hops.iter().all(|hop| hop.tally.pending() == 0);
        (last == self.max_ttl && all_over).then_some((last, Stop::MaxTtl))
    }

    fn has_room(&self) -> bool {
        let beyond = self.hops.iter().rev();
        let beyond = beyond.take_while(|hop| hop.tally.received == 0);
        if self.gap_limit > 0 {
            return beyond.count() < self.gap_limit;
        }
        let waiting = beyond.filter(|hop| !hop.is_silent(self.enough));
        waiting.count() < WITHOUT_LIMIT
    }
}
