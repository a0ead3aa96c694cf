//! A ping: one target, again and again.

use std::time::Duration;

use probe_common::abi::{Kind, Outcome};

use super::{
    answer::{Answer, ProbeId},
    plan::PingOptions,
    session::{Missing, Poll, Session},
    stamp::Stamp,
    tally::Tally,
    time::Moment,
};

/// How long after a SYN-ACK its flow rests: our RST must have reached the target.
const AFTER_ANSWER: Duration = Duration::from_millis(10);

/// A ping under way.
#[derive(Clone, Debug)]
pub struct Ping {
    options: PingOptions,
    next_round: u32,
    next_at: Moment,
    stopped: bool,
    flows: Flows,
    tally: Tally,
    errors: u64,
}

/// How flows are chosen.
#[derive(Clone, Debug)]
enum Flows {
    /// In turn.
    InTurn(u16),
    /// The first that no probe is under way on: SYNs of one 4-tuple must not overlap.
    FirstFree(Vec<Option<Busy>>),
}

/// Why a flow is not free.
#[derive(Clone, Copy, Debug)]
enum Busy {
    /// This round is under way.
    UnderWay(u32),
    /// It rests until then.
    Until(Moment),
}

impl Ping {
    /// A ping that begins at `begin`, over `flows` in turn, or over the first
    /// that is free.
    pub fn new(options: PingOptions, begin: Moment, flows: u16, first_free: bool) -> Self {
        let flows = flows.max(1);
        Self {
            options,
            next_round: 0,
            next_at: begin,
            stopped: false,
            flows: if first_free {
                Flows::FirstFree(vec![None; usize::from(flows)])
            } else {
                Flows::InTurn(flows)
            },
            tally: Tally::default(),
            errors: 0,
        }
    }

    /// What became of the probes.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// ICMP errors among the replies.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The source of the stamps, once a reply said so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.tally.latency.stamp()
    }

    fn is_sent_out(&self) -> bool {
        self.stopped || self.options.count.is_some_and(|n| self.next_round >= n)
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
            Err(poll) => return poll,
        };
        self.next_round += 1;
        self.tally.sent += 1;
        // Rounds keep their times: a late one does not move those behind it.
        self.next_at = self.next_at + self.options.interval;
        Poll::Send(ProbeId {
            ttl: self.options.ttl,
            flow,
            round,
        })
    }

    fn handle_answer(&mut self, answer: &Answer, now: Moment) {
        self.flows.release(answer.probe, Some(now + AFTER_ANSWER));
        if is_target(answer.kind) {
            self.tally.count_answer(answer);
        } else if answer.outcome == Outcome::Valid {
            // An error is an answer, but not the target's: it counts as
            // unanswered, and apart.
            self.errors += 1;
            self.tally.count_missing(Missing::Unanswered);
        }
    }

    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, _: Moment) {
        self.flows.release(probe, None);
        self.tally.count_missing(cause);
    }

    fn handle_ambiguity(&mut self, _: Moment) {}

    fn awaits(&self, _: ProbeId) -> bool {
        true
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

fn is_target(kind: Kind) -> bool {
    kind.reaches_target()
}

impl Flows {
    fn choose(&mut self, round: u32, now: Moment) -> Result<u16, Poll> {
        let busy = match self {
            Self::InTurn(flows) => return Ok((round % u32::from(*flows)) as u16),
            Self::FirstFree(busy) => busy,
        };
        let mut wait = Poll::Idle;
        for (flow, state) in busy.iter_mut().enumerate() {
            match *state {
                Some(Busy::UnderWay(_)) => continue,
                Some(Busy::Until(moment)) if moment > now => {
                    wait = Poll::Wait(moment);
                    continue;
                }
                Some(Busy::Until(_)) | None => {}
            }
            *state = Some(Busy::UnderWay(round));
            return Ok(flow as u16);
        }
        Err(wait)
    }

    fn release(&mut self, probe: ProbeId, rest: Option<Moment>) {
        let Self::FirstFree(busy) = self else {
            return;
        };
        if let Some(state) = busy.get_mut(usize::from(probe.flow))
            && matches!(state, Some(Busy::UnderWay(round)) if *round == probe.round)
        {
            *state = rest.map(Busy::Until);
        }
    }
}
