//! What leaves with the run's mark.

use probe_common::{Address, abi::Protocol, identity::Nonce, probe::Probe};

use super::{Case, family};
use crate::{
    packet::{
        Packet,
        ethernet::{self, SERVICE_VLAN, VLAN},
    },
    scene::{PORTS, Sent, State, emit},
};

/// A probe whose second stamp is not counted moves no counter.
const STAMPED_BEFORE: &str = super::PASS;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Sent::all().map(of_state).collect();
    for v6 in [false, true] {
        for protocol in Protocol::ALL {
            cases.extend(strange(Sent::new(*protocol, v6, State::Unstamped)));
        }
        cases.push(acknowledgement(v6));
    }
    let arp = ethernet::of_type(&[], 0x0806, Packet(vec![vec![0; 28]]));
    cases.push(Case::new("arp", "stamp_mismatch", &arp));
    cases
}

fn frame(octets: Vec<u8>) -> Packet {
    ethernet::frame(Packet(vec![octets]))
}

fn of_state(sent: Sent) -> Case {
    let verdict = match sent.state {
        State::Unstamped | State::ReusedUnstamped => "stamped",
        _ => STAMPED_BEFORE,
    };
    let state = format!("{:?}", sent.state).to_lowercase();
    let name = format!("{}-{}-{state}", sent.protocol.name(), family(sent.v6));
    Case::new(name, verdict, &frame(outgoing(&sent.probe())))
}

/// A test run of a program without link header tells the family from the source
/// address: probes leave from the responders' network here.
fn outgoing(probe: &Probe) -> Vec<u8> {
    let source = match probe.source.v4() {
        Some(_) => Address::from_v4([8, 0, 200, 1]),
        None => {
            let [_, _, _, _, _, _, rest @ ..] = probe.source.octets();
            let mut octets = [0; 16];
            octets[..6].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0x86, 0xdd]);
            octets[6..].copy_from_slice(&rest);
            Address::from_v6(octets)
        }
    };
    emit(&Probe { source, ..*probe })
}

/// Probes in tagged frames, cut, and such that are not what their slot says.
fn strange(sent: Sent) -> Vec<Case> {
    let probe = sent.probe();
    let name = |what: &str| format!("{}-{}-{what}", sent.protocol.name(), family(sent.v6));
    let tagged = |tags| ethernet::tagged(tags, Packet(vec![outgoing(&probe)]));
    let mut cases = vec![
        Case::new(name("tagged"), "stamped", &tagged(&[VLAN])),
        Case::new(
            name("double-tagged"),
            "stamped",
            &tagged(&[SERVICE_VLAN, VLAN]),
        ),
        Case::cut(
            name("cut"),
            &[(15, "stamp_mismatch"), (enough(sent), "stamped")],
            &frame(outgoing(&probe)),
        ),
    ];
    cases
        .extend(mistaken(probe).map(|(what, probe)| {
            Case::new(name(what), "stamp_mismatch", &frame(outgoing(&probe)))
        }));
    cases
}

/// The probe with one thing that its slot does not have.
fn mistaken(probe: Probe) -> [(&'static str, Probe); 4] {
    let [mut nonce, mut slot, mut flow, mut port] = [probe; 4];
    nonce.nonce = Nonce(0x1234_5678_9abc_def1);
    slot.seq16 = 0xfffe;
    flow.port = PORTS.port(2, PORTS.shard(probe.destination.hash()));
    port.port = 50_000;
    [
        ("other-nonce", nonce),
        ("other-slot", slot),
        ("other-flow", flow),
        ("other-port", port),
    ]
}

/// Octets of a frame that identify a probe.
fn enough(sent: Sent) -> usize {
    14 + match (sent.v6, sent.protocol) {
        (false, _) => 20 + 8,
        (true, Protocol::Icmp) => 40 + 16,
        (true, Protocol::Udp) => 40 + 18,
        (true, Protocol::Tcp) => 40 + 8,
    }
}

fn acknowledgement(v6: bool) -> Case {
    let sent = Sent::new(Protocol::Tcp, v6, State::Unstamped);
    let probe = Probe {
        ack: true,
        ..sent.probe()
    };
    Case::new(
        format!("ack-{}", family(v6)),
        "stamped",
        &frame(outgoing(&probe)),
    )
}
