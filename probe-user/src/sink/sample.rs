//! Reports and writers for tests.

use std::{
    io::{self, Write},
    net::IpAddr,
    sync::{Arc, Mutex},
};

use probe_common::abi::TxSource;

use super::Sink;
use crate::{
    engine::{
        report::{
            Bursts, Causes, Hop, Interval, Loss, Middlebox, MplsLabel, PingReport, Reordered,
            Reply, Responder, Rtt, Stop, Tells, TraceReport,
        },
        stamp::{RxHook, Stamp},
    },
    io::output::Output,
};

/// A writer that keeps each write apart.
#[derive(Clone, Default)]
pub(super) struct Writes(Arc<Mutex<Vec<String>>>);

impl Writes {
    /// All that `write` has a sink write, in one text.
    pub(super) fn of<S: Sink>(
        sink: impl FnOnce(Box<dyn Output>) -> S,
        write: impl FnOnce(&mut S) -> io::Result<()>,
    ) -> String {
        let writes = Self::default();
        let mut sink = sink(Box::new(writes.clone()));
        write(&mut sink).expect("written");
        sink.finish().expect("finished");
        writes.taken().concat()
    }

    pub(super) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("whole"))
    }
}

impl Write for Writes {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(octets.to_vec()).expect("UTF-8");
        self.0.lock().expect("whole").push(text);
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Writes {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader has gone.
pub(super) struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Broken {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Times around `ns`.
pub(super) fn rtt(count: u64, ns: u64) -> Rtt {
    Rtt {
        count,
        min: ns,
        mean: ns + ns / 10,
        stddev: ns / 20,
        p50: ns + ns / 20,
        p90: ns + ns / 5,
        p99: ns + ns / 4,
        p999: ns + ns / 3,
        max: ns + ns / 2,
        jitter: ns / 30,
        jitter_rfc3550: ns / 40,
    }
}

pub(super) fn responder(address: &str, name: Option<&str>, received: u64) -> Responder {
    Responder {
        address: ip(address),
        name: name.map(str::to_owned),
        received,
        kind: None,
        reason: None,
        tells: Tells::default(),
        mpls: Vec::new(),
        interface: None,
    }
}

/// A label that ends a stack.
pub(super) const LABEL: MplsLabel = MplsLabel {
    label: 299_776,
    tc: 0,
    s: true,
    ttl: 1,
};

/// A hop that answered as often as its responders did, of three probes.
pub(super) fn hop(ttl: u8, responders: Vec<Responder>) -> Hop {
    let received = responders.iter().map(|responder| responder.received).sum();
    let unanswered = 3 - received;
    Hop {
        ttl,
        sent: 3,
        received,
        late: 0,
        duplicates: 0,
        loss: Loss {
            ratio: Some(unanswered as f64 / 3.0),
            unanswered,
            ..Loss::default()
        },
        causes: causes(unanswered, received),
        rate_limit: None,
        responders,
        rtt_ns: (received > 0).then(|| rtt(received, 100_000 * u64::from(ttl))),
    }
}

pub(super) fn trace(target: &str, stop: Stop, hops: Vec<Hop>) -> TraceReport {
    TraceReport {
        target: ip(target),
        name: None,
        protocol: "icmp",
        flow: 0,
        stop,
        rounds: 1,
        stamp: "tcx/tcx".to_owned(),
        tos: 0,
        length: 40,
        middlebox: None,
        hops,
        host: None,
    }
}

/// Of `sent` probes, `received` were answered.
pub(super) fn ping(target: &str, sent: u64, received: u64) -> PingReport {
    let unanswered = sent - received;
    PingReport {
        target: ip(target),
        name: None,
        protocol: "icmp",
        flow: 0,
        stamp: "tcx/xdp-native".to_owned(),
        sent,
        received,
        late: 0,
        duplicates: 0,
        reordered: Reordered::default(),
        omitted: None,
        errors: 0,
        error_responders: Vec::new(),
        loss: Loss {
            ratio: (sent > 0).then(|| unanswered as f64 / sent as f64),
            ci95: Some([0.0, 0.75]),
            unanswered,
            ..Loss::default()
        },
        causes: causes(unanswered, received),
        rate_limit: None,
        bursts: (unanswered > 0).then_some(Bursts {
            count: 1,
            longest: unanswered,
            mean: unanswered as f64,
            p: Some(0.125),
            r: None,
        }),
        rtt_ns: (received > 0).then(|| rtt(received, 45_200)),
        interval: None,
        host: None,
    }
}

/// Segments from nearer by than the echo reply.
pub(super) const MIDDLEBOX: Middlebox = Middlebox {
    suspected: true,
    reply_ttl: 63,
    back_hops: 2,
    echo_reply_ttl: 59,
    echo_back_hops: 6,
};

/// The same of somebody who quotes the probe, which a NAT has changed.
pub(super) fn quoting(reply: Reply<'_>) -> Reply<'_> {
    Reply {
        asymmetry: Some(-1),
        quoted_ttl: Some(1),
        quoted_tos: Some(0x28),
        quoted_length: Some(40),
        nat: true,
        rewritten: Some("source+checksum"),
        ..reply
    }
}

/// Loss of the path, if anything came of it.
fn causes(unanswered: u64, received: u64) -> Causes {
    let mut causes = Causes::default();
    let silent = if received > 0 {
        Causes::PATH
    } else {
        Causes::SILENT
    };
    causes.add(silent, unanswered);
    causes
}

/// Ten seconds in which `sent` probes left and `received` were answered.
pub(super) fn interval(sent: u64, received: u64) -> Interval {
    let report = ping("10.0.0.1", sent, received);
    Interval {
        begin_ns: 5_000_000_000,
        end_ns: 15_000_000_000,
        sent,
        received,
        late: 0,
        duplicates: 0,
        loss: Loss {
            ci95: None,
            ..report.loss
        },
        rtt_ns: report.rtt_ns,
    }
}

/// An echo reply of the target to its second probe.
pub(super) fn reply(target: &str) -> Reply<'static> {
    Reply {
        target: ip(target),
        ttl: 64,
        flow: 0,
        round: 1,
        protocol: "icmp",
        kind: "echo-reply",
        reason: None,
        responder: ip(target),
        rtt_ns: Some(45_200),
        tx_ns: Some(1_000_000),
        rx_ns: 1_045_200,
        reply_ttl: 61,
        back_hops: Some(4),
        asymmetry: None,
        quoted_ttl: None,
        quoted_tos: None,
        quoted_length: None,
        icmp_type: Some(0),
        icmp_code: Some(0),
        mtu: None,
        grade: "A",
        nat: false,
        rewritten: None,
        duplicate: false,
        late: false,
        stamp: Stamp {
            tx: TxSource::Tcx,
            rx: RxHook::Tcx,
        },
        again: false,
        mpls: &[],
        interface: None,
    }
}
