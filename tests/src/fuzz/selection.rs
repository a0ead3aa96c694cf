//! Expressions of `--select`.

use std::net::{IpAddr, Ipv4Addr};

use probe::{
    engine::{
        report::Reply,
        stamp::{RxHook, Stamp},
    },
    sink::select::Selection,
};
use probe_common::abi::{Kind, TxSource};

/// Reads an expression, and asks it about a reply of each kind and outcome.
pub fn selection(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(selection) = text.parse::<Selection>() else {
        return;
    };
    let outcomes = [(false, false), (true, false), (false, true)];
    let taken = Kind::ALL.iter().flat_map(|kind| {
        let replies = outcomes.map(|(late, duplicate)| reply(kind.name(), late, duplicate));
        replies.map(|reply| selection.takes(&reply))
    });
    let taken = taken.filter(|taken| *taken).count();
    assert!(taken > 0, "a selection of nothing is refused");
    let spaced = text.replace(',', " , ");
    assert_eq!(spaced.parse(), Ok(selection), "spaces mean nothing");
}

fn reply(kind: &'static str, late: bool, duplicate: bool) -> Reply<'static> {
    Reply {
        target: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ttl: 1,
        flow: 0,
        round: 0,
        protocol: "icmp",
        kind,
        reason: None,
        responder: IpAddr::V4(Ipv4Addr::LOCALHOST),
        rtt_ns: None,
        tx_ns: None,
        rx_ns: 0,
        reply_ttl: 64,
        back_hops: None,
        asymmetry: None,
        quoted_ttl: None,
        quoted_tos: None,
        quoted_length: None,
        icmp_type: None,
        icmp_code: None,
        mtu: None,
        grade: "A",
        nat: false,
        rewritten: None,
        duplicate,
        late,
        stamp: Stamp {
            tx: TxSource::Tcx,
            rx: RxHook::Tcx,
        },
        again: false,
        mpls: &[],
        interface: None,
    }
}

/// Each word, alone and left out, and lists of words.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let outcomes = ["valid", "late", "duplicate"];
    let words = Kind::ALL.iter().map(|kind| kind.name()).chain(outcomes);
    let mut seeds: Vec<Vec<u8>> = words
        .flat_map(|word| [word.to_owned(), format!("!{word}"), format!("{word},late")])
        .map(String::into_bytes)
        .collect();
    for text in ["", ",", "!", "! late , !rst ", "rst,!rst", "rst,,ack"] {
        seeds.push(text.as_bytes().to_vec());
    }
    seeds
}
