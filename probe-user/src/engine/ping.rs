//! A ping: one target, again and again.

use std::time::Duration;

use probe_common::abi::Outcome;

use super::{
    answer::{Answer, ProbeId},
    flows::Flows,
    pace::next_beat,
    plan::PingOptions,
    session::{Missing, Poll, Session},
    stamp::Stamp,
    tally::Tally,
    time::Moment,
};

/// A ping under way.
#[derive(Clone, Debug)]
pub struct Ping {
    options: PingOptions,
    next_round: u32,
    next_at: Moment,
    stopped: bool,
    flows: Flows,
    /// Rounds before this one do not count unless they were settled by then.
    from: u32,
    /// Rounds that do not count: their answers could not be told apart.
    void: u32,
    tally: Tally,
    /// ICMP errors: answers, but not the target's.
    errors: Tally,
}

impl Ping {
    /// A ping that begins at `begin`, over `flows`.
    pub fn new(options: PingOptions, begin: Moment, flows: Flows) -> Self {
        Self {
            options,
            next_round: 0,
            next_at: begin,
            stopped: false,
            flows,
            from: 0,
            void: 0,
            tally: Tally::default(),
            errors: Tally::default(),
        }
    }

    /// What became of the probes.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// ICMP errors among the replies.
    pub fn errors(&self) -> &Tally {
        &self.errors
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.tally.latency.stamp()
    }

    fn is_sent_out(&self) -> bool {
        let most = self.options.count.unwrap_or(u32::MAX);
        self.stopped || self.next_round >= most.saturating_add(self.void)
    }

    fn counts(&self, probe: ProbeId) -> bool {
        probe.round >= self.from
    }
}

impl Session for Ping {
    fn poll(&mut self, now: Moment) -> Poll {
        if self.is_sent_out() {
            return if self.tally.pending() == 0 {
                Poll::Done
            } else {
                Poll::Idle
            };
        }
        if self.next_at > now {
            return Poll::Wait(self.next_at);
        }
        let round = self.next_round;
        let flow = match self.flows.choose(round, now) {
            Ok(flow) => flow,
            Err(free_at) => return free_at.map_or(Poll::Idle, Poll::Wait),
        };
        self.next_round += 1;
        self.tally.sent += 1;
        self.next_at = next_beat(self.next_at, now, self.options.interval);
        Poll::Send(ProbeId {
            ttl: self.options.ttl,
            flow,
            round,
        })
    }

    fn handle_answer(&mut self, answer: &Answer, now: Moment) {
        self.flows.release(answer.probe, Some(answer.kind), now);
        if !self.counts(answer.probe) {
            return;
        }
        if answer.kind.reaches_target() {
            self.tally.count_answer(answer);
        } else if answer.outcome == Outcome::Valid {
            // An error is an answer, but not the target's: it counts as
            // unanswered, and apart.
            self.errors.count_answer(answer);
            self.tally.count_missing(Missing::Unanswered);
        }
    }

    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, now: Moment) {
        self.flows.release(probe, None, now);
        if self.counts(probe) {
            self.tally.count_missing(cause);
        }
    }

    fn take_back(&mut self, probe: ProbeId, cause: Missing) {
        if self.counts(probe) {
            self.tally.take_back(cause);
        }
    }

    /// What is under way counts no more, and others go in its place, so that it
    /// can be told apart.
    fn handle_ambiguity(&mut self, age: Duration, now: Moment) {
        if self.flows.part(age, now) {
            let pending = self.tally.pending();
            self.tally.sent -= pending;
            self.void += pending as u32;
            self.from = self.next_round;
        }
    }

    fn awaits(&self, probe: ProbeId) -> bool {
        self.counts(probe)
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}
