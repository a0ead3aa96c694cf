//! What no router would forward gets no answer, and is counted.

use anyhow::{Context as _, Result};
use probe_common::lab::{Count, Internet, Traffic};
use probe_tests::{
    lab::{
        Family, InternetLab,
        truth::{self, mapped},
    },
    packet::{Ip, Packet, ethernet, icmp, ip, tcp, udp},
};

fn lab() -> Result<InternetLab> {
    InternetLab::build(Internet {
        dead: 0,
        silent: 0,
        ..Internet::DEFAULT
    })
}

/// An IP header to a live target.
fn header(lab: &InternetLab) -> Result<Ip> {
    let target = truth::targets_v4(lab.truth(), 1).next();
    let target = target.context("no target")?;
    let source = mapped(lab.source(Family::V4));
    Ok(Ip::between(source, mapped(target.into())))
}

/// Sends frames that carry these packets; what was counted, and how many answers came.
fn exchange(
    lab: &InternetLab,
    packets: impl IntoIterator<Item = Packet>,
) -> Result<(Traffic, usize)> {
    let before = lab.traffic()?;
    let frames = packets.into_iter().map(|packet| {
        let frame = ethernet::of_type(&[], ethernet::IPV4, packet);
        let frame = frame
            .patched(0, &InternetLab::GATEWAY_MAC)
            .patched(6, &InternetLab::MAC);
        frame.octets()
    });
    let frames: Vec<_> = frames.collect();
    let answers = lab.exchange(Family::V4, &frames)?;
    Ok((lab.traffic()?.since(&before), answers.len()))
}

#[test]
fn what_no_router_would_forward_is_refused() {
    let lab = lab().unwrap();
    let good = header(&lab).unwrap();
    let echo = || icmp::echo(false, 8, 1, 1, b"nonce and more");
    let with = |change: fn(&mut Ip)| {
        let mut header = good.clone();
        change(&mut header);
        header.carrying(echo())
    };
    let whole = good.carrying(echo());
    let packets = [
        with(|ip| ip.ttl = 0),
        with(|ip| ip.fragment = 0x2000),
        with(|ip| ip.fragment = 100),
        with(|ip| ip.options = vec![1, 1, 1, 0]),
        whole.clone().patched(10, &[0xba, 0xad]),
        // More is stated than is there, less than a transport.
        whole.clone().patched(2, &[0x05, 0xdc]),
        whole.clone().patched(2, &[0, 24]),
        good.carrying(icmp::echo(false, 0, 1, 1, b"a reply")),
        good.carrying(tcp::segment([1, 2], 3, 4, tcp::SYN | tcp::ACK)),
        good.carrying(tcp::segment([1, 2], 3, 4, 0)),
        good.carrying(probe_tests::packet::Transport {
            protocol: 47,
            layers: vec![vec![0; 16]],
            checksum: None,
        }),
    ];
    let count = packets.len() as u64;
    let (traffic, answers) = exchange(&lab, packets).unwrap();
    assert_eq!(traffic.get(Count::Refused), count, "{traffic:?}");
    assert_eq!(traffic.get(Count::Probes), count);
    assert!(traffic.adds_up());
    assert_eq!(answers, 0);
    // The same without the fault is answered.
    assert_eq!(exchange(&lab, [whole]).unwrap().1, 1);
}

#[test]
fn resets_and_packets_to_elsewhere_are_no_probes() {
    let lab = lab().unwrap();
    let good = header(&lab).unwrap();
    let reset = good.carrying(tcp::segment([1, 2], 3, 0, tcp::RST));
    let (traffic, answers) = exchange(&lab, [reset]).unwrap();
    assert_eq!((traffic.get(Count::Resets), answers), (1, 0));
    assert_eq!(traffic.get(Count::Probes), 0);

    // The gateway is a Linux host.
    let gateway = mapped(lab.gateway(Family::V4));
    let to_gateway = Ip::between(good.source, gateway).carrying(icmp::echo(false, 8, 1, 1, b""));
    let (traffic, answers) = exchange(&lab, [to_gateway]).unwrap();
    // (The kernels of both ends also speak of themselves.)
    assert!(traffic.get(Count::Passed) >= 1);
    assert_eq!(answers, 1);
    assert_eq!(traffic.get(Count::Probes), 0);
}

#[test]
fn trailing_octets_are_no_part_of_an_answer() {
    let lab = lab().unwrap();
    let mut header = header(&lab).unwrap();
    header.ttl = 1;
    let datagram = header.carrying(udp::datagram([1, 2], b"nonce and more"));
    let frame = ethernet::frame(datagram)
        .patched(0, &InternetLab::GATEWAY_MAC)
        .patched(6, &InternetLab::MAC)
        .followed_by(&[0xee; 20])
        .octets();
    let answers = lab.exchange(Family::V4, &[frame]).unwrap();
    let [answer] = answers.as_slice() else {
        panic!("{} answers", answers.len());
    };
    assert!(!answer.contains(&0xee), "{answer:02x?}");
    assert_eq!(answer[23], ip::ICMP);
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    let error = InternetLab::build(Internet {
        min_distance: 2,
        ..Internet::DEFAULT
    });
    assert!(error.unwrap_err().to_string().contains("nearest target"));
}
