//! Headers that lie: lengths, versions, hostile extension headers, outside and
//! in the quote.

use probe_common::abi::Protocol;

use super::{
    Case,
    answers::{answer, from},
    errors::{time_exceeded, time_exceeded_type},
    family,
};
use crate::{
    packet::{Extension, Ip, Layers, Packet, Quote, ethernet, icmp},
    scene::{Sent, State, addresses},
};

/// Where the IP header begins in a frame.
const IP: usize = 14;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in Protocol::ALL {
        cases.extend(outer_v4(Sent::new(*protocol, false, State::Armed)));
        cases.extend(outer_v6(Sent::new(*protocol, true, State::Armed)));
        cases.extend(hostile(Sent::new(*protocol, true, State::Armed)));
        cases.extend(quoted_v4(Sent::new(*protocol, false, State::Armed)));
        cases.extend(quoted_v6(Sent::new(*protocol, true, State::Armed)));
    }
    for v6 in [false, true] {
        cases.extend(stated_quotes(v6));
        cases.extend(foreign_quotes(v6));
    }
    cases
}

fn name(sent: Sent, what: &str) -> String {
    format!("{}-{}-{what}", sent.protocol.name(), family(sent.v6))
}

/// An outer header that cannot be read does not say what follows: it passes.
fn outer_v4(sent: Sent) -> Vec<Case> {
    let case = |what, verdict, offset, octets: &[u8]| {
        Case::new(
            name(sent, what),
            verdict,
            &answer(sent).patched(IP + offset, octets),
        )
    };
    let truncated = if sent.protocol == Protocol::Udp {
        "malformed_quote_truncated"
    } else {
        "malformed_truncated"
    };
    let short = if sent.protocol == Protocol::Udp {
        30
    } else {
        26
    };
    vec![
        case("ihl-0", "pass", 0, &[0x40]),
        case("ihl-4", "pass", 0, &[0x44]),
        case("ihl-15-beyond-the-end", "pass", 0, &[0x4f, 0, 0, 40]),
        case("version-6", "pass", 0, &[0x65]),
        case("version-0", "pass", 0, &[0x05]),
        case("length-0", "pass", 2, &[0, 0]),
        case("length-19", "pass", 2, &[0, 19]),
        case("length-20", "pass", 2, &[0, 20]),
        case("length-ends-in-transport", truncated, 2, &[0, short]),
        case("length-beyond-the-end", "valid", 2, &[0xff, 0xff]),
        case("other-protocol", "pass", 9, &[132]),
    ]
}

fn outer_v6(sent: Sent) -> Vec<Case> {
    let case = |what, verdict, offset, octets: &[u8]| {
        Case::new(
            name(sent, what),
            verdict,
            &answer(sent).patched(IP + offset, octets),
        )
    };
    let truncated = if sent.protocol == Protocol::Udp {
        "malformed_quote_truncated"
    } else {
        "malformed_truncated"
    };
    let short = if sent.protocol == Protocol::Udp {
        12
    } else {
        6
    };
    vec![
        case("version-4", "pass", 0, &[0x40]),
        case("length-0", "pass", 4, &[0, 0]),
        case("length-ends-in-transport", truncated, 4, &[0, short]),
        case("length-beyond-the-end", "valid", 4, &[0xff, 0xff]),
        case("other-protocol", "pass", 6, &[132]),
        case("no-next-header", "pass", 6, &[59]),
    ]
}

/// Extension headers that claim more than there is.
fn hostile(sent: Sent) -> [Case; 4] {
    let claims = [
        ("hostile-hop-by-hop", 0, 255),
        ("hostile-routing", 43, 255),
        ("hostile-authentication", 51, 255),
        ("hostile-destination", 60, 40),
    ];
    claims.map(|(what, number, claimed)| {
        let mut packet = answer(sent);
        let extension = Extension::hostile(number, claimed);
        let next = std::mem::replace(&mut packet.0[1][6], number);
        let octets = [&[next], &extension.octets[..]].concat();
        packet.0.insert(2, octets);
        Case::new(name(sent, what), "pass", &packet)
    })
}

/// The outer header is sound: a broken quote is counted.
fn quoted_v4(sent: Sent) -> Vec<Case> {
    let case = |what: &str, verdict, offset, octets: &[u8]| {
        let packet = time_exceeded(false, patched(quote(sent), offset, octets));
        Case::new(name(sent, &format!("quoted-{what}")), verdict, &packet)
    };
    vec![
        case("ihl-0", "malformed_quote_header", 0, &[0x40]),
        case("ihl-4", "malformed_quote_header", 0, &[0x44]),
        case("ihl-15", "malformed_quote_header", 0, &[0x4f]),
        case("version-6", "malformed_quote_header", 0, &[0x65]),
        case("length-0", "malformed_quote_header", 2, &[0, 0]),
        case("length-20", "malformed_quote_truncated", 2, &[0, 20]),
        case("length-27", "malformed_quote_truncated", 2, &[0, 27]),
        case("later-fragment", "foreign", 6, &[0x20, 0x01]),
        case("other-protocol", "foreign", 9, &[132]),
    ]
}

fn quoted_v6(sent: Sent) -> Vec<Case> {
    let patched = |offset, octets: &[u8]| patched(quote(sent), offset, octets);
    let behind = |extensions: &[Extension]| quote_behind(sent, extensions);
    let hop = Extension::hop_by_hop;
    let options = Extension::destination;
    let hostile = |number| behind(&[Extension::hostile(number, 255)]);
    let five = [&[hop(0)][..], &vec![options(0); 4]].concat();
    let (header, truncated) = ("malformed_quote_header", "malformed_quote_truncated");
    let quotes = [
        ("version-4", header, patched(0, &[0x45])),
        ("length-0", truncated, patched(4, &[0, 0])),
        ("length-7", truncated, patched(4, &[0, 7])),
        ("other-protocol", "foreign", patched(6, &[59])),
        ("hop-by-hop", "valid", behind(&[hop(0)])),
        (
            "four-extensions",
            "valid",
            behind(&[hop(0), options(1), options(0), options(0)]),
        ),
        ("five-extensions", "malformed_extensions", behind(&five)),
        (
            "later-fragment",
            "foreign",
            behind(&[Extension::fragment(8, false)]),
        ),
        ("hostile-extension", truncated, hostile(60)),
        ("hostile-authentication", truncated, hostile(51)),
    ];
    let cases = quotes.map(|(what, verdict, quote)| {
        let packet = time_exceeded(true, quote);
        Case::new(name(sent, &format!("quoted-{what}")), verdict, &packet)
    });
    cases.to_vec()
}

fn quote(sent: Sent) -> Layers {
    Quote::of(&sent.octets()).ttl(1).layers()
}

/// The quote with extension headers between its header and its transport.
fn quote_behind(sent: Sent, extensions: &[Extension]) -> Layers {
    let mut layers = quote(sent);
    let last = layers[0][6];
    let mut numbers = extensions.iter().map(|e| e.number).chain([last]);
    layers[0][6] = numbers.next().unwrap_or(last);
    let chain = extensions.iter().zip(numbers);
    let chain = chain.map(|(extension, next)| [&[next], &extension.octets[..]].concat());
    layers.splice(1..1, chain.collect::<Layers>());
    let payload: usize = layers.iter().skip(1).map(Vec::len).sum();
    layers[0][4..6].copy_from_slice(&(payload as u16).to_be_bytes());
    layers
}

/// Stated lengths of quotes (RFC 4884) that are not.
fn stated_quotes(v6: bool) -> Vec<Case> {
    let sent = Sent::new(Protocol::Icmp, v6, State::Armed);
    let case = |what: &str, verdict, stated: u8, octets: usize| {
        let rest = if v6 {
            [stated, 0, 0, 0]
        } else {
            [0, stated, 0, 0]
        };
        let quote = Quote::of(&sent.octets()).ttl(1).resized(octets).layers();
        let message = icmp::error(v6, time_exceeded_type(v6), 0, rest, quote);
        let packet = from(addresses(v6).router, message);
        Case::new(name(sent, what), verdict, &packet)
    };
    vec![
        // Less than 128 octets cannot be stated: it is something else's field.
        case("stated-too-little", "valid", 1, 160),
        case("stated-more-than-there-is", "valid", 255, 128),
        case("stated-all", "valid", if v6 { 16 } else { 32 }, 128),
    ]
}

/// Quotes of the other family, and of nothing.
fn foreign_quotes(v6: bool) -> Vec<Case> {
    let sent = Sent::new(Protocol::Udp, !v6, State::Armed);
    let other: Packet = time_exceeded(v6, Quote::of(&sent.octets()).layers());
    let random = time_exceeded(v6, vec![vec![0xa5; 64]]);
    let arp = ethernet::of_type(&[], 0x0806, Packet(vec![vec![0; 28]]));
    let no_payload = ethernet::frame(
        Ip::between(addresses(v6).router, addresses(v6).us).carrying(crate::packet::Transport {
            protocol: if v6 { 58 } else { 1 },
            layers: Vec::new(),
            checksum: None,
        }),
    );
    let case =
        |what: &str, verdict, packet| Case::new(format!("{}-{what}", family(v6)), verdict, &packet);
    vec![
        case("quotes-the-other-family", "malformed_quote_header", other),
        case("quotes-noise", "malformed_quote_header", random),
        case("icmp-without-octets", "pass", no_payload),
        case("arp", "pass", arp),
    ]
}

fn patched(layers: Layers, offset: usize, octets: &[u8]) -> Layers {
    Packet(layers).patched(offset, octets).0
}
