//! Each kind of reply cut at every octet. The thresholds are counted by hand from
//! the begin of the frame: 14 octets Ethernet, 20 or 40 IP, then the transport.

use probe_common::abi::Protocol;

use super::{Case, answers, errors::time_exceeded, family};
use crate::{
    packet::{Quote, icmp, udp},
    scene::{Sent, State},
};

/// Fewer octets than the kernel's test run takes are not a case.
const LEAST: usize = ETHERNET + 1;
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for v6 in [false, true] {
        let ip = ETHERNET + if v6 { 40 } else { 20 };
        cases.push(echo_reply(v6, ip));
        cases.push(syn_ack(v6, ip));
        cases.push(datagram(v6, ip));
        cases.extend(
            Protocol::ALL
                .iter()
                .map(|protocol| quote(*protocol, v6, ip)),
        );
        cases.push(extended(v6, ip));
    }
    cases
}

/// Type and code decide that it is a candidate; eight octets of header; then the
/// nonce.
fn echo_reply(v6: bool, ip: usize) -> Case {
    let sent = Sent::new(Protocol::Icmp, v6, State::Armed);
    let verdicts = [
        (LEAST, "pass"),
        (ip + 2, "malformed_truncated"),
        (ip + 8, "bad_nonce"),
        (ip + 16, "valid"),
    ];
    let name = format!("echo-reply-{}", family(v6));
    Case::cut(name, &verdicts, &answers::echo_reply(sent))
}

/// The ports decide that it is a candidate; all is read up to the flags.
fn syn_ack(v6: bool, ip: usize) -> Case {
    let sent = Sent::new(Protocol::Tcp, v6, State::Armed);
    let verdicts = [
        (LEAST, "pass"),
        (ip + 4, "malformed_truncated"),
        (ip + 14, "valid"),
    ];
    Case::cut(
        format!("syn-ack-{}", family(v6)),
        &verdicts,
        &answers::answer(sent),
    )
}

fn datagram(v6: bool, ip: usize) -> Case {
    let probe = Sent::new(Protocol::Udp, v6, State::Armed).probe();
    let datagram = udp::datagram([probe.destination_port, probe.port], b"data");
    let verdicts = [
        (LEAST, "pass"),
        (ip + 4, "malformed_truncated"),
        (ip + 8, "unindexed"),
    ];
    let packet = answers::from(probe.destination, datagram);
    Case::cut(format!("udp-{}", family(v6)), &verdicts, &packet)
}

/// The quote must go as far as the index and a form of the nonce: eight octets of
/// transport; in IPv6, for ICMP and UDP, as far as the payload has them.
fn quote(protocol: Protocol, v6: bool, ip: usize) -> Case {
    let sent = Sent::new(protocol, v6, State::Armed);
    let quoted = ip + 8 + if v6 { 40 } else { 20 };
    let enough = match (v6, protocol) {
        (true, Protocol::Icmp) => 16,
        (true, Protocol::Udp) => 18,
        _ => 8,
    };
    let verdicts = [
        (LEAST, "pass"),
        (ip + 2, "malformed_truncated"),
        (ip + 8, "malformed_quote_truncated"),
        (quoted + enough, "valid"),
    ];
    let packet = time_exceeded(v6, Quote::of(&sent.octets()).ttl(1).layers());
    let name = format!("time-exceeded-{}-{}", protocol.name(), family(v6));
    Case::cut(name, &verdicts, &packet)
}

/// With a stated quote and extensions behind it.
fn extended(v6: bool, ip: usize) -> Case {
    let sent = Sent::new(Protocol::Icmp, v6, State::Armed);
    let mut layers = Quote::of(&sent.octets()).ttl(1).resized(128).layers();
    layers.push(icmp::mpls_extension(16, 1));
    let rest = if v6 { [16, 0, 0, 0] } else { [0, 32, 0, 0] };
    let kind = super::errors::time_exceeded_type(v6);
    let message = icmp::error(v6, kind, 0, rest, layers);
    let enough = ip + 8 + if v6 { 40 + 16 } else { 20 + 8 };
    let verdicts = [
        (LEAST, "pass"),
        (ip + 2, "malformed_truncated"),
        (ip + 8, "malformed_quote_truncated"),
        (enough, "valid"),
    ];
    let packet = answers::from(crate::scene::addresses(v6).router, message);
    Case::cut(format!("extended-{}", family(v6)), &verdicts, &packet)
}
