//! The simulated internet: answers each probe at once, in the probe's own frame, as
//! [`probe_common::lab`] says.

mod transport;
mod v4;
mod v6;

use aya_ebpf::{bindings::xdp_action, programs::XdpContext};
use probe_common::{
    lab::{Answer, Count, Reply, Traffic},
    wire::eth,
};

use crate::{frame::Frame, maps};

/// Octets of the least frame that is looked at: an IPv4 header and eight more.
const LEAST: usize = eth::LENGTH + 28;
/// Where a frame without tags says what it holds.
const ETHERTYPE: usize = 12;
/// What forged replies have changed in a word of the nonce.
const FORGERY: u16 = 0xa5a5;

/// What becomes of a frame.
enum Fate {
    /// It goes on to the host's stack.
    Passes,
    /// It ends here, counted as this.
    Ends(Count),
    /// It has become this reply.
    Returns(Reply),
}

impl Fate {
    /// The fate of a probe that gets no reply.
    #[inline(always)]
    fn unanswered(answer: &Answer) -> Self {
        match answer {
            Answer::SilentRouter => Self::Ends(Count::SilentRouter),
            Answer::DeadTarget => Self::Ends(Count::DeadTarget),
            Answer::Elsewhere | Answer::Reply(_) => Self::Ends(Count::Refused),
        }
    }
}

/// Answers a frame; gives the verdict of XDP.
#[inline(always)]
pub(crate) fn answer(ctx: &XdpContext) -> u32 {
    let Some(traffic) = maps::traffic() else {
        return xdp_action::XDP_ABORTED;
    };
    match fate(ctx, traffic) {
        Fate::Passes => {
            traffic.add(Count::Passed);
            xdp_action::XDP_PASS
        }
        Fate::Ends(count) => {
            traffic.add(count);
            xdp_action::XDP_DROP
        }
        Fate::Returns(reply) => send(&reply, traffic),
    }
}

#[inline(always)]
fn fate(ctx: &XdpContext, traffic: &mut Traffic) -> Fate {
    let Some(frame) = Frame::<LEAST>::of(ctx) else {
        return Fate::Passes;
    };
    match frame.word(ETHERTYPE) {
        Some(eth::IPV4) => v4::answer(ctx, frame, traffic),
        Some(eth::IPV6) => v6::answer(ctx, traffic),
        _ => Fate::Passes,
    }
}

#[inline(always)]
fn send(reply: &Reply, traffic: &mut Traffic) -> u32 {
    traffic.add(Count::of(reply.kind));
    if reply.forged {
        traffic.add(Count::Forged);
    }
    if reply.doubled {
        traffic.add(Count::Doubled);
        return maps::send_twice();
    }
    xdp_action::XDP_TX
}
