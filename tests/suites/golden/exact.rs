//! The emitter's exact octets. `PROBE_BLESS=1` rewrites the files.

use std::{fs, path::PathBuf};

use probe_common::{
    Address,
    abi::Protocol,
    identity::Nonce,
    probe::{Probe, Tail},
};
use probe_tests::{corpus::parse_hex, packet::Quote, scene};

use crate::probes;

/// Goes into the payload of ICMP and UDP probes.
const CONTACT: &[u8] = b"https://example.org/probe ";

fn probe(protocol: Protocol, v6: bool) -> Probe {
    let scene::Addresses { us, .. } = scene::addresses(v6);
    Probe {
        protocol,
        source: us,
        destination: if v6 {
            Address::from_v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 2, 7])
        } else {
            Address::from_v4([192, 0, 2, 7])
        },
        ttl: 9,
        tos: 0x10,
        flow_label: 0x1_2345,
        port: 0xa123,
        destination_port: if protocol == Protocol::Icmp {
            0
        } else {
            33_434
        },
        seq16: 0x4567,
        nonce: Nonce(0x0123_4567_89ab_cdef),
        ack: false,
    }
}

/// Each protocol and family, bare and with contact text; an ACK probe.
fn variants() -> Vec<(String, Probe, &'static [u8])> {
    let mut variants = Vec::new();
    for protocol in Protocol::ALL {
        for v6 in [false, true] {
            let name = format!("{}-v{}", protocol.name(), if v6 { 6 } else { 4 });
            let probe = probe(*protocol, v6);
            variants.push((name.clone(), probe, &b""[..]));
            if *protocol == Protocol::Tcp {
                variants.push((format!("{name}-ack"), Probe { ack: true, ..probe }, b""));
            } else {
                variants.push((format!("{name}-contact"), probe, CONTACT));
            }
        }
    }
    variants
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(format!("{name}.hex"))
}

/// The file of a probe: what it is, then the IP header and the rest on a line each.
fn text(name: &str, probe: &Probe, octets: &[u8]) -> String {
    let Probe {
        port,
        seq16,
        nonce,
        flow_label,
        ..
    } = probe;
    let mut text = format!(
        "# {name}: port {port:#x}, seq16 {seq16:#x}, nonce {:#x}, flow label {flow_label:#x}\n",
        nonce.0
    );
    for layer in Quote::of(octets).layers() {
        let hex: Vec<String> = layer.chunks(4).map(word).collect();
        text += &(hex.join(" ") + "\n");
    }
    text
}

fn word(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn probes_are_emitted_octet_by_octet_as_they_always_were() {
    for (name, probe, contact) in variants() {
        let octets = probes::emit(&probe, contact);
        if std::env::var_os("PROBE_BLESS").is_some() {
            fs::write(path(&name), text(&name, &probe, &octets)).unwrap();
        }
        let golden = fs::read_to_string(path(&name)).unwrap();
        let golden: String = golden
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(octets, parse_hex(&golden).unwrap(), "{name}");
    }
}

#[test]
fn a_length_does_not_lie() {
    for (name, probe, contact) in variants() {
        let tail = Tail {
            length: contact.len() as u16,
            ..Tail::NONE
        };
        let octets = probes::emit(&probe, contact);
        assert_eq!(usize::from(probe.length(tail)), octets.len(), "{name}");
        assert!(octets.len() <= probe_common::probe::MAX_LENGTH, "{name}");
    }
}

#[test]
fn addresses_of_two_families_are_refused() {
    let mixed = Probe {
        source: scene::V6.us,
        ..probe(Protocol::Udp, false)
    };
    let mut octets = [0; 128];
    let place = mixed.emit(
        Tail::NONE,
        &mut probe_common::wire::SlicePut(&mut octets),
        0,
    );
    assert_eq!(place, None);
}

#[test]
fn a_buffer_that_is_too_short_is_refused() {
    for (name, probe, _) in variants() {
        let needed = usize::from(probe.length(Tail::NONE));
        for length in 0..needed {
            let mut octets = vec![0; length];
            let place = probe.emit(
                Tail::NONE,
                &mut probe_common::wire::SlicePut(&mut octets),
                0,
            );
            assert_eq!(place, None, "{name} in {length} of {needed} octets");
        }
    }
}
