//! The transmitter in the kernel: what it sends is what sockets would send, faster.

mod cores;
mod fallbacks;
mod pace;
mod resume;
mod scope;
mod trouble;
mod truth;

use std::net::IpAddr;

use probe_common::lab::Internet;
use probe_tests::{
    lab::{Family, InternetLab, truth as of_lab},
    probe::{Reply, Run, SweepSection},
};

/// Everything answers.
pub(crate) const ALL_ALIVE: Internet = Internet {
    dead: 0,
    silent: 0,
    ..Internet::DEFAULT
};

/// Makes `probe` send by the generator, whatever the rate.
const BY_GENERATOR: [&str; 2] = ["--tx", "xdp"];

pub(crate) fn targets(lab: &InternetLab, family: Family, count: u32) -> Vec<IpAddr> {
    match family {
        Family::V4 => of_lab::targets_v4(lab.truth(), count)
            .map(IpAddr::from)
            .collect(),
        Family::V6 => of_lab::targets_v6(lab.truth(), count)
            .map(IpAddr::from)
            .collect(),
    }
}

fn section(run: &Run) -> &SweepSection {
    run.metadata().unwrap().sweep.as_ref().unwrap()
}

/// What a reply says but for its times: target, TTL, flow, round, kind, responder.
type Said = (IpAddr, u8, u16, u32, String, IpAddr);

/// What all replies say, in order.
fn said(replies: &[Reply]) -> Vec<Said> {
    let said = replies.iter().map(|reply| {
        let Reply {
            target,
            ttl,
            flow,
            round,
            kind,
            responder,
            ..
        } = reply;
        (*target, *ttl, *flow, *round, kind.clone(), *responder)
    });
    let mut said: Vec<_> = said.collect();
    said.sort();
    said
}

/// It was the generator that sent, and it stamped.
fn assert_generated(run: &Run) {
    assert_eq!(section(run).tx, "generator", "{}", run.stderr);
    let stamps = &run.metadata().unwrap().stamps;
    assert!(
        stamps.iter().all(|stamp| stamp.tx == "generator"),
        "{stamps:?}"
    );
}
