//! What is quoted of a probe, and what happened to it on the way.

use probe_common::{Address, abi::Protocol};

use super::{
    Case,
    errors::{time_exceeded, time_exceeded_type},
    family,
};
use crate::{
    packet::{Ip, Quote, icmp},
    scene::{Addresses, Sent, State, addresses},
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for v6 in [false, true] {
        for protocol in Protocol::ALL {
            let sent = Sent::new(*protocol, v6, State::Armed);
            cases.extend(lengths(sent));
            cases.extend(changes(sent));
            cases.extend(translations(sent));
            cases.extend(others_probes(sent));
        }
    }
    cases.extend(zero_narrow());
    cases
}

fn quote(sent: Sent) -> Quote {
    Quote::of(&sent.octets()).ttl(1)
}

fn case(sent: Sent, name: &str, verdict: &str, quote: &Quote) -> Case {
    let name = format!("{}-{}-{name}", sent.protocol.name(), family(sent.v6));
    Case::new(name, verdict, &time_exceeded(sent.v6, quote.layers()))
}

/// IPv6 probes of ICMP and UDP show who they are in the payload only.
fn needs_payload(sent: Sent) -> bool {
    sent.v6 && sent.protocol != Protocol::Tcp
}

fn lengths(sent: Sent) -> Vec<Case> {
    let short = if needs_payload(sent) {
        "malformed_quote_truncated"
    } else {
        "valid"
    };
    let least = if sent.v6 { 48 } else { 28 };
    let mut cases = vec![
        case(sent, "whole", "valid", &quote(sent)),
        case(sent, "eight", short, &quote(sent).keep(8)),
        case(sent, "padded-to-128", "valid", &quote(sent).resized(128)),
        case(sent, "padded-to-1232", "valid", &quote(sent).resized(1_232)),
        case(sent, "transport-of-128", "valid", &transport_of(sent, 128)),
        case(
            sent,
            "transport-of-1280",
            "valid",
            &transport_of(sent, 1_280),
        ),
        case(
            sent,
            "seven",
            "malformed_quote_truncated",
            &quote(sent).keep(7),
        ),
        case(
            sent,
            "nothing",
            "malformed_quote_truncated",
            &quote(sent).keep(0),
        ),
    ];
    // A router that padded a quote of eight octets for RFC 4884.
    let padded = quote(sent).keep(8).resized(128);
    cases.push(case(sent, "eight-padded", short, &padded));
    // One of sixteen: the nonce is whole, and the index that UDP has behind it is not there.
    let padded = quote(sent).keep(16).resized(128);
    let without_index = match sent.protocol {
        Protocol::Udp => short,
        _ => "valid",
    };
    cases.push(case(sent, "sixteen-padded", without_index, &padded));
    let labels = icmp::mpls_extension(299_776, 1);
    let interface = icmp::interface_extension(7, [192, 0, 2, 1], "xe-0/0", 1_500);
    let mut both = [&labels[..], &interface[4..]].concat();
    icmp::sum_extension(&mut both);
    let mut broken = labels.clone();
    broken[9] ^= 1;
    cases.push(extended(sent, least, "extended-not-stated", 0, &labels));
    cases.push(extended(sent, 128, "extended", 128, &labels));
    cases.push(extended(sent, 128, "extended-older", 0, &labels));
    cases.push(extended(sent, 128, "extended-interface", 128, &interface));
    cases.push(extended(sent, 160, "extended-both", 160, &both));
    cases.push(extended(sent, 128, "extended-broken", 128, &broken));
    cases.push(extended(sent, 128, "extended-long", 128, &[0x20; 300]));
    cases
}

/// The quote with so many octets behind the IP header.
fn transport_of(sent: Sent, octets: usize) -> Quote {
    quote(sent).resized(octets + if sent.v6 { 40 } else { 20 })
}

/// A structure behind the quote, which is stated to be `stated` octets.
fn extended(sent: Sent, octets: usize, name: &str, stated: u8, structure: &[u8]) -> Case {
    let mut layers = quote(sent)
        .resized(octets.max(sent.octets().len()))
        .layers();
    layers.push(structure.to_vec());
    let rest = match (sent.v6, stated) {
        (true, stated) => [stated / 8, 0, 0, 0],
        (false, stated) => [0, stated / 4, 0, 0],
    };
    let message = icmp::error(sent.v6, time_exceeded_type(sent.v6), 0, rest, layers);
    let name = format!("{}-{}-{name}", sent.protocol.name(), family(sent.v6));
    let router = addresses(sent.v6).router;
    Case::new(name, "valid", &super::answers::from(router, message))
}

/// Fields that routers change, and that say nothing of who the probe was.
fn changes(sent: Sent) -> Vec<Case> {
    let mut cases = vec![
        case(sent, "other-sum", "valid", &other_sum(sent)),
        case(sent, "ttl-0", "valid", &quote(sent).ttl(0)),
        case(sent, "ttl-250", "valid", &quote(sent).ttl(250)),
        case(sent, "tos", "valid", &quote(sent).tos(0xb8)),
        case(
            sent,
            "long-length",
            "valid",
            &quote(sent).stated_length(1_400),
        ),
    ];
    if !sent.v6 {
        let zero_length = if sent.v6 {
            "malformed_quote_truncated"
        } else {
            "malformed_quote_header"
        };
        cases.push(case(
            sent,
            "no-length",
            zero_length,
            &quote(sent).stated_length(0),
        ));
        // In short quotes the identification holds the index of UDP and the nonce
        // of ICMP; TCP does not look at it.
        let short = match sent.protocol {
            Protocol::Icmp => "bad_nonce",
            Protocol::Udp => "foreign",
            Protocol::Tcp => "valid",
        };
        let other = quote(sent).id(0xeeee);
        cases.push(case(sent, "other-id", "valid", &other));
        let no_index = other.clone().keep(17);
        let index_cut = if sent.protocol == Protocol::Udp {
            "foreign"
        } else {
            "valid"
        };
        cases.push(case(sent, "other-id-seventeen", index_cut, &no_index));
        let broken = quote(sent).header_sum(0xdead);
        cases.push(case(sent, "other-header-sum", "valid", &broken));
        cases.push(case(
            sent,
            "other-header-sum-eight",
            "valid",
            &broken.keep(8),
        ));
        // Only of UDP do the first eight octets have it, as the short nonce.
        let short_sum = if sent.protocol == Protocol::Udp {
            "bad_nonce"
        } else {
            "valid"
        };
        let summed = other_sum(sent).keep(8);
        cases.push(case(sent, "other-sum-eight", short_sum, &summed));
        cases.push(case(sent, "other-id-eight", short, &other.keep(8)));
        let options = quote(sent).options(&[7, 7, 4, 8, 0, 0, 2, 0]);
        cases.push(case(sent, "options", "valid", &options));
    }
    cases
}

/// The quote with another transport checksum.
fn other_sum(sent: Sent) -> Quote {
    let place = match sent.protocol {
        Protocol::Icmp => 2,
        Protocol::Udp => 6,
        Protocol::Tcp => 16,
    };
    quote(sent).patched(place, &[0xbe, 0xef])
}

/// What clouds and NATs rewrite. Only the source may differ; with eight octets
/// the destination is all that guards a short nonce.
fn translations(sent: Sent) -> Vec<Case> {
    let Addresses { us, stranger, .. } = addresses(sent.v6);
    let inside = private(sent.v6);
    let port = sent.probe().port;
    let own = |name: &str, verdict, quote| case(sent, name, verdict, &quote);
    let moved = quote(sent).destination(stranger);
    let wide = sent.protocol != Protocol::Tcp;
    let elsewhere = if wide { "valid" } else { "bad_destination" };
    let mut cases = vec![
        own("source-only", "valid", quote(sent).source(inside)),
        own(
            "source-and-sum",
            "valid",
            quote(sent).translated(inside, port),
        ),
        own("other-port", "foreign", quote(sent).translated(us, 50_000)),
        own("other-destination", elsewhere, moved.clone()),
    ];
    if !sent.v6 {
        let short = quote(sent).translated(inside, port).keep(8);
        cases.push(own("source-and-sum-eight", "valid", short));
        cases.push(own(
            "source-only-eight",
            "valid",
            quote(sent).source(inside).keep(8),
        ));
        let verdict = "bad_destination";
        cases.push(own("other-destination-eight", verdict, moved.keep(8)));
    }
    if sent.protocol == Protocol::Udp && !sent.v6 {
        let forged = quote(sent).source(inside).patched(6, &[0x12, 0x34]).keep(8);
        cases.push(own("source-and-any-sum", "bad_nonce", forged));
        let no_sum = quote(sent).patched(6, &[0, 0]).keep(8);
        cases.push(own("no-sum", "bad_nonce", no_sum));
    }
    cases
}

/// Packets quoted that are none of our probes.
fn others_probes(sent: Sent) -> Vec<Case> {
    let Addresses { us, target, .. } = addresses(sent.v6);
    let mut cases = vec![case(
        sent,
        "port-outside",
        "foreign",
        &quote(sent).patched(
            if sent.protocol == Protocol::Icmp {
                4
            } else {
                0
            },
            &[0x9f, 0xff],
        ),
    )];
    if sent.protocol == Protocol::Icmp {
        let probe = sent.probe();
        let nonce = probe.nonce.0.to_be_bytes();
        let reply = icmp::echo(
            sent.v6,
            super::answers::echo_reply_type(sent.v6),
            probe.port,
            probe.seq16,
            &nonce,
        );
        let reply = Quote::of(&Ip::between(us, target).carrying(reply).octets());
        cases.push(case(sent, "quoted-reply", "foreign", &reply));
    }
    cases
}

/// A checksum of zero is sent as 0xffff (RFC 768).
fn zero_narrow() -> Vec<Case> {
    let sents = Protocol::ALL
        .iter()
        .map(|protocol| Sent::new(*protocol, false, State::ZeroNarrow));
    sents
        .flat_map(|sent| {
            let translated = quote(sent).translated(private(false), sent.probe().port);
            [
                case(sent, "zero-narrow", "valid", &quote(sent).keep(8)),
                case(sent, "zero-narrow-translated", "valid", &translated.keep(8)),
            ]
        })
        .collect()
}

fn private(v6: bool) -> Address {
    if v6 {
        Address::from_v6(std::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x77).octets())
    } else {
        Address::from_v4([10, 1, 2, 3])
    }
}
