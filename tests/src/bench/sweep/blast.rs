//! What others are measured by: prebuilt frames, put on the wire by `sendmmsg`, 64 at
//! a time, through the qdisc, by one thread that reads nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use probe_common::lab::Internet;

use crate::{
    lab::{
        Family, InternetLab,
        internet::vantage_address,
        packet_socket::{BATCH, Frames, PacketSocket},
        truth::{self, mapped},
    },
    packet::{Ip, ethernet, icmp},
};

/// Frames that are built: each to another target.
const FRAMES: u32 = 1 << 16;
/// TTL of echo requests.
const TTL: u8 = 64;

/// Sends echo requests for some time from this network namespace, which must be a
/// vantage point's; gives how many the kernel took.
///
/// # Errors
///
/// If there is no such device, or the kernel takes none.
pub fn run(time: Duration) -> Result<u64> {
    let source = mapped(vantage_address(Family::V4));
    let frames: Vec<Vec<u8>> = truth::targets_v4(&Internet::DEFAULT, FRAMES)
        .map(|target| {
            let mut ip = Ip::between(source, mapped(target.into()));
            ip.ttl = TTL;
            let frame = ethernet::frame(ip.carrying(icmp::echo(false, 8, 1, 1, b"")));
            let frame = frame.patched(0, &InternetLab::GATEWAY_MAC);
            frame.patched(6, &InternetLab::MAC).octets()
        })
        .collect();
    let socket = PacketSocket::open(InternetLab::DEVICE, Frames::Nothing)?;
    let (started, mut sent, mut refused) = (Instant::now(), 0, 0u64);
    for batch in frames.chunks(BATCH).cycle() {
        match socket.send_batch(batch) {
            Ok(count) => sent += count as u64,
            Err(_) => refused += 1,
        }
        if started.elapsed() >= time {
            break;
        }
    }
    if sent == 0 {
        bail!("the kernel took no frame, {refused} times");
    }
    Ok(sent)
}
