//! Right answers to slots in every state, and answers to former tenants.

use probe_common::{abi::Protocol, identity::Nonce, probe::Probe};

use super::{
    Case,
    answers::{self, answer, segment, sequence},
    errors::{time_exceeded, usual_quote},
    family,
};
use crate::{
    packet::{Packet, Quote, icmp, tcp},
    scene::{Sent, State, emit},
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Sent::all().flat_map(right_answers).collect();
    for state in [State::Reused, State::ReusedUnstamped] {
        for protocol in Protocol::ALL {
            cases.extend([false, true].map(|v6| stale(Sent::new(*protocol, v6, state))));
        }
    }
    cases.extend([false, true].map(stale_echo_reply));
    cases.extend([false, true].map(stale_syn_ack));
    cases
}

fn name(sent: Sent, what: &str) -> String {
    let state = format!("{:?}", sent.state).to_lowercase();
    format!(
        "{state}-{}-{}-{what}",
        sent.protocol.name(),
        family(sent.v6)
    )
}

/// What the slot's tenant is answered with, by the target and on the way.
fn right_answers(sent: Sent) -> [Case; 2] {
    let verdict = match sent.state {
        State::Armed | State::ZeroNarrow | State::Reused => "valid",
        State::Answered => "duplicate",
        State::Overdue => "late",
        State::Unstamped => "foreign",
        State::ReusedUnstamped => "bad_nonce",
    };
    let on_the_way = time_exceeded(sent.v6, usual_quote(sent));
    [
        Case::new(name(sent, "answer"), verdict, &answer(sent)),
        Case::new(name(sent, "time-exceeded"), verdict, &on_the_way),
    ]
}

/// The probe that had the slot before.
fn former(sent: Sent) -> Probe {
    Probe {
        nonce: Nonce(sent.previous_nonce().0),
        ..sent.probe()
    }
}

fn stale(sent: Sent) -> Case {
    let quote = Quote::of(&emit(&former(sent))).ttl(1);
    let packet: Packet = time_exceeded(sent.v6, quote.layers());
    Case::new(name(sent, "stale-time-exceeded"), "stale", &packet)
}

fn stale_echo_reply(v6: bool) -> Case {
    let sent = Sent::new(Protocol::Icmp, v6, State::Reused);
    let probe = former(sent);
    let nonce = probe.nonce.0.to_be_bytes();
    let kind = answers::echo_reply_type(v6);
    let reply = icmp::echo(v6, kind, probe.port, probe.seq16, &nonce);
    let packet = answers::from(probe.destination, reply);
    Case::new(name(sent, "stale-echo-reply"), "stale", &packet)
}

fn stale_syn_ack(v6: bool) -> Case {
    let sent = Sent::new(Protocol::Tcp, v6, State::Reused);
    let probe = former(sent);
    let packet = segment(&probe, 1, sequence(&probe) + 1, tcp::SYN | tcp::ACK);
    Case::new(name(sent, "stale-syn-ack"), "stale", &packet)
}
