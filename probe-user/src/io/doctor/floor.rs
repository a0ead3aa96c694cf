//! The floor under every round-trip time: what two bare stamps make of a wire that
//! answers at once. The wire is a veth in a network namespace of its own, which is gone
//! when the thread that made it ends.

use std::{thread, time::Duration};

use probe_common::{
    Address,
    abi::{Protocol, floor::word},
    identity::Nonce,
    probe::Probe,
};
use rtnetlink::{LinkUnspec, LinkVeth};

use super::{Check, private};
use crate::{
    engine::sweep::histogram::LogLinear,
    error::{Error, Result},
    io::{
        bpf::Floor,
        clock,
        network::Link,
        transmit::{Contact, Frame, Transmitter},
    },
};

/// Both ends of the wire, and their hardware addresses.
const ENDS: [(&str, [u8; 6]); 2] = [("near", [2, 0, 0, 0, 0, 1]), ("far", [2, 0, 0, 0, 0, 2])];
/// Index of the near end, in a namespace that has no other devices but a loopback.
const IFINDEX: u32 = 10;
/// Packets at rest and in a row.
const AT_REST: u32 = 1_000;
const IN_A_ROW: u32 = 20_000;
/// Between two packets at rest.
const PAUSE: Duration = Duration::from_millis(1);
/// Answers come in microseconds.
const PATIENCE: Duration = Duration::from_millis(20);
/// Readings of the clock that are timed together.
const READINGS: u32 = 50_000;
const LOOKS: u32 = 20;

/// Reads the clock and measures the floor.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![reading()];
    let measured = thread::Builder::new().name("floor".into()).spawn(measure);
    let measured = measured.map(thread::JoinHandle::join);
    checks.extend(match measured {
        Ok(Ok(Ok(found))) => found,
        Ok(Ok(Err(error))) => vec![Check::error("stamp floor", &error)],
        Ok(Err(_)) => vec![Check::error("stamp floor", &"its thread died")],
        Err(error) => vec![Check::error("stamp floor", &error)],
    });
    checks
}

/// What it costs userspace to read the clock of the stamps: the least of several
/// looks, for other work gets in between.
fn reading() -> Check {
    let look = |_| {
        let begin = clock::now();
        for _ in 1..READINGS {
            std::hint::black_box(clock::now());
        }
        clock::now().since(begin).as_nanos() / u128::from(READINGS)
    };
    let cost = (0..LOOKS).map(look).min().unwrap_or_default();
    Check::ok("clock reading", format!("{cost} ns"))
}

fn measure() -> Result<Vec<Check>> {
    private::enter_network().map_err(|error| {
        Error::Environment(format!(
            "cannot make a network namespace: {error}; it needs CAP_SYS_ADMIN (run with sudo)"
        ))
    })?;
    connect().map_err(|error| Error::Environment(format!("cannot make a veth: {error}")))?;
    let [(near, _), (far, _)] = ENDS;
    let floor = Floor::attach(near, far, AT_REST + IN_A_ROW)?;
    let mut transmitter = Transmitter::open(0)?;
    clock::precise_sleep();
    for place in 0..AT_REST {
        send(&mut transmitter, place);
        thread::sleep(PAUSE);
    }
    for place in AT_REST..AT_REST + IN_A_ROW {
        send(&mut transmitter, place);
    }
    thread::sleep(PATIENCE);
    Ok(vec![
        tell("stamp floor, 1,000/s", &floor, 0..AT_REST)?,
        tell("stamp floor, in a row", &floor, AT_REST..AT_REST + IN_A_ROW)?,
    ])
}

/// Makes the wire.
fn connect() -> std::result::Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        let [(near, near_mac), (far, far_mac)] = ENDS;
        let veth = LinkVeth::new(near, far).index(IFINDEX).build();
        handle
            .link()
            .add(veth)
            .execute()
            .await
            .map_err(|e| e.to_string())?;
        for (name, mac) in [(near, near_mac), (far, far_mac)] {
            let up = LinkUnspec::new_with_name(name)
                .address(mac.to_vec())
                .up()
                .build();
            handle
                .link()
                .set(up)
                .execute()
                .await
                .map_err(|e| e.to_string())?;
        }
        Ok(())
    })
}

/// Sends the packet of a place: a probe whose nonce is the word that names it. One
/// that the kernel refuses does not come back.
fn send(transmitter: &mut Transmitter, place: u32) {
    let [(_, source), (_, destination)] = ENDS;
    let probe = Probe {
        protocol: Protocol::Icmp,
        source: Address::from_v4([192, 0, 2, 1]),
        destination: Address::from_v4([192, 0, 2, 2]),
        ttl: 1,
        tos: 0,
        flow_label: 0,
        port: 1,
        destination_port: 0,
        seq16: 1,
        nonce: Nonce(u64::from_be_bytes(word(place).to_ne_bytes())),
        ack: false,
    };
    let link = Link::Ethernet {
        source,
        destination,
    };
    let frame = Frame::build(&probe, &Contact::new(""), IFINDEX, &link);
    transmitter.send(frame.as_slice(), |_, _| true);
}

/// What the packets of these places took.
fn tell(name: &str, floor: &Floor, places: std::ops::Range<u32>) -> Result<Check> {
    let sent = places.len();
    let mut rtts = LogLinear::default();
    for place in places {
        if let Some(rtt_ns) = floor.pair(place)?.rtt_ns() {
            rtts.record(rtt_ns);
        }
    }
    let at = |share| rtts.quantile(share).unwrap_or(0) as f64 / 1e3;
    if rtts.total() == 0 {
        return Ok(Check::error(
            name,
            &format!("of {sent} packets none came back"),
        ));
    }
    Ok(Check::ok(
        name,
        format!(
            "p50 {:.2} µs, p99 {:.2} µs, p99.9 {:.2} µs ({} of {sent} packets)",
            at(0.5),
            at(0.99),
            at(0.999),
            rtts.total()
        ),
    ))
}
