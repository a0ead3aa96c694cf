//! Does somebody else answer for the target?
//!
//! Who answers segments in the target's name, on the way to it, is nearer than the
//! target: his replies have a shorter way back than the target's echo reply. The first
//! segment from the target's address makes a trace send one echo request there, with the
//! last TTL, which counts at no hop. The trace waits a second for it, if it is not at
//! work that long anyway.

use std::time::Duration;

use probe_common::abi::{Kind, Outcome};

use super::{answer::Answer, report::Middlebox, return_path::back_hops, time::Moment};

/// How long the echo reply holds back the end of a trace: the target may be much farther
/// than who answers for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Witness {
    state: State,
    /// What was left of the TTL of the last segment.
    segment_ttl: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No segment has come.
    #[default]
    Idle,
    /// The echo request is to leave.
    Due,
    /// It has left, and its answer is waited for.
    UnderWay { until: Moment },
    /// What was left of the TTL of the echo reply.
    Heard(u8),
    /// There was none.
    Silent,
}

impl Witness {
    /// Notes a reply to a segment.
    pub fn note_segment(&mut self, answer: &Answer) {
        let is_segment = matches!(answer.kind, Kind::SynAck | Kind::Rst | Kind::Ack);
        let Some(reply_ttl) = answer.tells.reply_ttl else {
            return;
        };
        if !is_segment || answer.outcome != Outcome::Valid {
            return;
        }
        self.segment_ttl = reply_ttl;
        if self.state == State::Idle {
            self.state = State::Due;
        }
    }

    /// Whether the echo request is to leave now: true once.
    pub fn take(&mut self, timeout: Duration, now: Moment) -> bool {
        let due = self.state == State::Due;
        if due {
            let until = now + PATIENCE.min(timeout);
            self.state = State::UnderWay { until };
        }
        due
    }

    /// Until when the trace is to wait for the echo reply, if it is.
    pub fn awaited(&self, now: Moment) -> Option<Moment> {
        match self.state {
            State::UnderWay { until } if until > now => Some(until),
            _ => None,
        }
    }

    /// The echo request was answered: by the target, or by a router or filter that says
    /// nothing of it.
    pub fn note_echo(&mut self, answer: &Answer) {
        self.state = match (answer.kind, answer.tells.reply_ttl) {
            (Kind::EchoReply, Some(reply_ttl)) => State::Heard(reply_ttl),
            _ => State::Silent,
        };
    }

    /// The echo request was not answered, or did not leave.
    pub fn note_silence(&mut self) {
        self.state = State::Silent;
    }

    /// Sends nothing more.
    pub fn stop(&mut self) {
        if matches!(self.state, State::Idle | State::Due) {
            self.state = State::Silent;
        }
    }

    /// What the two replies tell; `None` without an echo reply.
    pub fn report(&self) -> Option<Middlebox> {
        let State::Heard(echo_reply_ttl) = self.state else {
            return None;
        };
        let (hops, echo_back_hops) = (
            back_hops(self.segment_ttl, None)?,
            back_hops(echo_reply_ttl, None)?,
        );
        Some(Middlebox {
            suspected: hops != echo_back_hops,
            reply_ttl: self.segment_ttl,
            back_hops: hops,
            echo_reply_ttl,
            echo_back_hops,
        })
    }
}

#[cfg(test)]
mod tests {
    use probe_common::abi::{Event, Protocol, TxSource};

    use super::*;
    use crate::engine::stamp::{RxHook, Stamp};

    const SOON: Duration = Duration::from_secs(3);

    fn answer(kind: Kind, reply_ttl: u8) -> Answer {
        let event = Event {
            kind: kind as u8,
            reply_ttl,
            outcome: Outcome::Valid as u8,
            protocol: Protocol::Tcp as u8,
            ..bytemuck::Zeroable::zeroed()
        };
        let stamp = Stamp {
            tx: TxSource::Tcx,
            rx: RxHook::Tcx,
        };
        Answer::read(&event, None, stamp).expect("known codes")
    }

    fn report(segment: u8, echo: u8) -> Option<Middlebox> {
        let mut witness = Witness::default();
        witness.note_segment(&answer(Kind::SynAck, segment));
        assert!(witness.take(SOON, Moment(0)));
        witness.note_echo(&answer(Kind::EchoReply, echo));
        witness.report()
    }

    #[test]
    fn the_target_is_as_far_whatever_it_answers() {
        let told = report(59, 59).expect("both answered");
        assert_eq!((told.suspected, told.back_hops), (false, 6));
        // Many begin echo replies with 255, and segments with 64.
        assert!(!report(59, 250).expect("both answered").suspected);
    }

    #[test]
    fn who_is_nearer_is_somebody_else() {
        let told = report(63, 59).expect("both answered");
        assert!(told.suspected);
        assert_eq!((told.back_hops, told.echo_back_hops), (2, 6));
        assert!(report(127, 59).expect("both answered").suspected);
    }

    #[test]
    fn one_echo_request_leaves_and_only_after_a_segment() {
        let mut witness = Witness::default();
        assert!(!witness.take(SOON, Moment(0)));
        witness.note_segment(&answer(Kind::TimeExceeded, 64));
        assert!(!witness.take(SOON, Moment(0)));
        witness.note_segment(&answer(Kind::Rst, 64));
        assert!(witness.take(SOON, Moment(5)));
        assert!(!witness.take(SOON, Moment(5)));
        assert_eq!(witness.awaited(Moment(5)), Some(Moment(5) + PATIENCE));
        assert_eq!(witness.awaited(Moment(5) + PATIENCE), None);
        witness.note_silence();
        assert_eq!((witness.awaited(Moment(6)), witness.report()), (None, None));
    }
}
