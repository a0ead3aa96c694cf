//! Many hand-made probes, and what comes back.

use std::{collections::HashMap, net::IpAddr};

use anyhow::{Context as _, Result, ensure};
use probe_common::lab::{Answer, Count, Internet, Reply, Request, Traffic};
use probe_tests::{
    lab::{
        Family, InternetLab,
        truth::{self, Flow, mapped},
    },
    packet::{Ip, Packet, Transport, ethernet, icmp, tcp, udp},
};

use crate::reading::{Key, Reading};

/// TTLs that are probed: beyond the furthest target.
const TTLS: std::ops::RangeInclusive<u8> = 1..=20;
/// First source port; with the TTL added, each probe of a target has its own.
const FIRST_PORT: u16 = 40_000;
/// A payload as `probe` sends it: a nonce and more.
const PAYLOAD: [u8; 12] = *b"\x11\x22\x33\x44\x55\x66\x77\x88head";

/// A probe of every TTL to each of a number of targets.
pub(crate) struct Campaign {
    pub(crate) lab: InternetLab,
    family: Family,
    request: Request,
    targets: Vec<IpAddr>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// By probe: the truth, the probe's packet and all that came back.
    pub(crate) probes: Vec<(Answer, Vec<u8>, Vec<Reading>)>,
    pub(crate) traffic: Traffic,
}

impl Campaign {
    pub(crate) fn new(
        internet: Internet,
        family: Family,
        request: Request,
        count: u32,
    ) -> Result<Self> {
        let targets = match family {
            Family::V4 => truth::targets_v4(&internet, count)
                .map(IpAddr::from)
                .collect(),
            Family::V6 => truth::targets_v6(&internet, count)
                .map(IpAddr::from)
                .collect(),
        };
        Ok(Self {
            lab: InternetLab::build(internet)?,
            family,
            request,
            targets,
        })
    }

    /// Sends all and reads what comes back.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let keys: Vec<Key> = self
            .targets
            .iter()
            .flat_map(|target| {
                TTLS.map(|ttl| Key {
                    target: *target,
                    ttl,
                })
            })
            .collect();
        let frames: Vec<Vec<u8>> = keys.iter().map(|key| self.frame(*key)).collect();
        let mut readings: HashMap<Key, Vec<Reading>> = HashMap::new();
        let answers = self.lab.exchange(self.family, &frames)?;
        let count = answers.len();
        for answer in answers {
            let reading = Reading::of(&answer)
                .with_context(|| format!("cannot read {}", Packet(vec![answer])))?;
            readings.entry(reading.key).or_default().push(reading);
        }
        let probes: Vec<_> = keys
            .iter()
            .zip(frames)
            .map(|(key, frame)| {
                let found = readings.remove(key).unwrap_or_default();
                (self.truth(*key), frame[14..].to_vec(), found)
            })
            .collect();
        ensure!(readings.is_empty(), "nobody asked for {readings:?}");
        let traffic = self.lab.traffic()?;
        ensure!(traffic.adds_up(), "{traffic:?}");
        assert_eq!(traffic.get(Count::Probes), keys.len() as u64);
        assert_eq!(traffic.sent_back(), count as u64);
        for ttl in TTLS {
            assert_eq!(traffic.at_ttl(ttl), self.targets.len() as u64, "TTL {ttl}");
        }
        Ok(Outcome { probes, traffic })
    }

    fn flow(&self, key: Key) -> Flow {
        Flow {
            source: self.lab.source(self.family),
            target: key.target,
            request: self.request,
            ports: ports(self.request, key),
        }
    }

    fn truth(&self, key: Key) -> Answer {
        self.flow(key).answer(self.lab.truth(), key.ttl)
    }

    fn frame(&self, key: Key) -> Vec<u8> {
        let source = mapped(self.lab.source(self.family));
        let mut ip = Ip::between(source, mapped(key.target));
        ip.ttl = key.ttl;
        let transport = transport(self.family, self.request, key);
        let frame = ethernet::frame(ip.carrying(transport));
        let frame = frame
            .patched(0, &InternetLab::GATEWAY_MAC)
            .patched(6, &InternetLab::MAC);
        frame.octets()
    }
}

impl Outcome {
    /// The probes that get a reply.
    pub(crate) fn replies(&self) -> impl Iterator<Item = (Reply, &[u8], &[Reading])> {
        self.probes
            .iter()
            .filter_map(|(answer, probe, readings)| match answer {
                Answer::Reply(reply) => Some((*reply, &probe[..], &readings[..])),
                _ => None,
            })
    }
}

fn ports(request: Request, key: Key) -> [u16; 2] {
    let source = FIRST_PORT + u16::from(key.ttl);
    match request {
        Request::Echo => [0, 0],
        Request::Udp => [source, 33_434],
        Request::Syn(port) => [source, port],
        Request::Ack => [source, 80],
    }
}

/// The TTL stands where the answer shows it: in the sequence number, or the ports.
fn transport(family: Family, request: Request, key: Key) -> Transport {
    let v6 = family == Family::V6;
    let kind = if v6 { 128 } else { 8 };
    let ports = ports(request, key);
    match request {
        Request::Echo => icmp::echo(v6, kind, 7, u16::from(key.ttl), &PAYLOAD),
        Request::Udp => udp::datagram(ports, &PAYLOAD),
        Request::Syn(_) => tcp::segment(ports, 0x1234_5678, 0, tcp::SYN),
        Request::Ack => tcp::segment(ports, 0x1234_5678, 0x1234_5679, tcp::ACK),
    }
}
