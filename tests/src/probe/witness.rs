//! What of the packets on a device reaches the host behind it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::lab::{
    Family, Namespace,
    packet_socket::{Frames, MAX_FRAME, PacketSocket},
};

/// Someone who stands where the host's stack does: behind XDP and TCX ingress.
#[derive(Debug)]
pub struct Witness {
    socket: PacketSocket,
}

impl Witness {
    /// Stands behind a device of a node.
    ///
    /// # Errors
    ///
    /// If there is no such device.
    pub fn behind(node: &Namespace, device: &str, family: Family) -> Result<Self> {
        let frames = match family {
            Family::V4 => Frames::Ipv4,
            Family::V6 => Frames::Ipv6,
        };
        let socket = node.enter(|| PacketSocket::open(device, frames))?;
        Ok(Self { socket })
    }

    /// The frames that come in this time.
    ///
    /// # Errors
    ///
    /// If the device cannot be read.
    pub fn frames(&self, time: Duration) -> Result<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        let mut buffer = vec![0; MAX_FRAME];
        let started = Instant::now();
        while started.elapsed() < time {
            match self.socket.receive(&mut buffer)? {
                Some(length) => frames.push(buffer[..length].to_vec()),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(frames)
    }
}
