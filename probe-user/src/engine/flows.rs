//! Which flow the next probe of a ping takes.

use std::time::Duration;

use probe_common::abi::Kind;

use super::{
    answer::ProbeId,
    gate::{AFTER_AMBIGUITY, AFTER_ANSWER},
    time::Moment,
};

/// How flows are chosen.
#[derive(Clone, Debug)]
pub enum Flows {
    /// In turn.
    InTurn {
        /// How many take part.
        asked: u16,
        /// How many there are: the others serve once answers cannot be told apart.
        reserved: u16,
    },
    /// The first that is free: on each, one probe at a time.
    FirstFree(Vec<Use>),
}

/// The use of a flow.
#[derive(Clone, Copy, Debug)]
pub enum Use {
    /// Free from then on.
    FreeAt(Moment),
    /// This round is under way.
    UnderWay(u32),
}

impl Flows {
    /// The first `asked` of `reserved` flows in turn, as long as every answer names
    /// its probe.
    pub fn in_turn(asked: u16, reserved: u16) -> Self {
        let asked = asked.max(1);
        Self::InTurn {
            asked,
            reserved: reserved.max(asked),
        }
    }

    /// One probe at a time on each of `flows`: SYNs of one 4-tuple must not overlap.
    pub fn first_free(flows: u16) -> Self {
        Self::FirstFree(vec![Use::FreeAt(Moment(0)); usize::from(flows.max(1))])
    }

    /// Gives a round its flow; else when one may be free, if that is known.
    pub(super) fn choose(&mut self, round: u32, now: Moment) -> Result<u16, Option<Moment>> {
        let flows = match self {
            Self::InTurn { asked, .. } => return Ok((round % u32::from(*asked)) as u16),
            Self::FirstFree(flows) => flows,
        };
        let mut free_at: Option<Moment> = None;
        for (flow, state) in (0u16..).zip(flows) {
            match *state {
                Use::FreeAt(moment) if moment <= now => {
                    *state = Use::UnderWay(round);
                    return Ok(flow);
                }
                Use::FreeAt(moment) => {
                    free_at = Some(free_at.map_or(moment, |at| at.min(moment)));
                }
                Use::UnderWay(_) => {}
            }
        }
        Err(free_at)
    }

    /// A probe was answered, or is not waited for any more (`kind` is `None`).
    pub(super) fn release(&mut self, probe: ProbeId, kind: Option<Kind>, now: Moment) {
        let Self::FirstFree(flows) = self else {
            return;
        };
        // A connection is half-open until our RST has reached the target.
        let rest = match kind {
            Some(Kind::SynAck | Kind::Ack) => AFTER_ANSWER,
            _ => Duration::ZERO,
        };
        if let Some(state) = flows.get_mut(usize::from(probe.flow))
            && matches!(state, Use::UnderWay(round) if *round == probe.round)
        {
            *state = Use::FreeAt(now + rest);
        }
    }

    /// An answer could not be told to a probe: from now on, one at a time on each
    /// flow, once what is under way is over. A round trip takes at most `rtt`.
    /// Returns whether they went in turn before.
    pub(super) fn part(&mut self, rtt: Duration, now: Moment) -> bool {
        let Self::InTurn { asked, reserved } = *self else {
            return false;
        };
        let quiet = now + rtt + AFTER_AMBIGUITY;
        let flows = (0..reserved).map(|flow| {
            let used = flow < asked;
            Use::FreeAt(if used { quiet } else { now })
        });
        *self = Self::FirstFree(flows.collect());
        true
    }
}
