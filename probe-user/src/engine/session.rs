//! What the engine asks of a trace or a ping.

use std::time::Duration;

use probe_common::abi::Protocol;

use super::{
    answer::{Answer, ProbeId},
    cause::{LostHere, Unsent},
    time::Moment,
};

/// What a session wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Send this probe now.
    Send(ProbeId),
    /// Ask again then.
    Wait(Moment),
    /// Ask again after an answer or a missing one.
    Idle,
    /// Nothing more will be sent, nothing is waited for.
    Done,
}

/// Why a probe has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It never left this host.
    NeverSent(Unsent),
    /// The answer came, or could have, and was lost here.
    ByUs(LostHere),
    /// No answer within the timeout.
    Unanswered,
}

/// A trace or a ping of one target.
pub trait Session {
    /// What next?
    fn poll(&mut self, now: Moment) -> Poll;

    /// A reply came.
    fn handle_answer(&mut self, answer: &Answer, now: Moment);

    /// A probe's time is up.
    fn handle_missing(&mut self, probe: ProbeId, cause: Missing, now: Moment);

    /// A probe counted as missing for this cause is answered after all: the
    /// answer follows.
    fn take_back(&mut self, probe: ProbeId, cause: Missing);

    /// A reply came that could answer any of several probes, the oldest of them
    /// `age` old: a round trip took no longer.
    fn handle_ambiguity(&mut self, age: Duration, now: Moment);

    /// Whether an answer to this probe still means something.
    fn awaits(&self, probe: ProbeId) -> bool;

    /// What this probe is made of, if not of what the plan says.
    fn protocol(&self, _: ProbeId) -> Option<Protocol> {
        None
    }

    /// Send nothing more.
    fn stop(&mut self);
}
