//! Forged echo replies: made from the probe's own requests, then changed.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use probe_common::wire::{checksum::Sum, eth, icmp, ipv4, ipv6};

use super::caught::Caught;
use crate::lab::{
    Namespace, echo,
    packet_socket::{Frames, MAX_FRAME, PacketSocket, VNET_HEADER},
};

/// A request that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, of one among very many.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// Offsets in an ICMP message.
const CHECKSUM: usize = 2;
const IDENTIFIER: usize = 4;
const SEQUENCE: usize = 6;
const NONCE: usize = icmp::LENGTH;

/// Someone on the wire who reads the requests that reach a node.
#[derive(Debug)]
pub struct Forger {
    socket: PacketSocket,
}

/// An Ethernet frame with an echo request, or with what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    frame: Vec<u8>,
    /// Where the ICMP message begins.
    message: usize,
}

impl Forger {
    /// Stands at a device of a node.
    ///
    /// # Errors
    ///
    /// If there is no such device.
    pub fn at(node: &Namespace, device: &str) -> Result<Self> {
        let socket = node.enter(|| PacketSocket::open(device, Frames::All))?;
        Ok(Self { socket })
    }

    /// The same, and the node itself answers no echo request any more.
    ///
    /// # Errors
    ///
    /// If there is no such device.
    pub fn instead_of(node: &Namespace, device: &str) -> Result<Self> {
        node.sysctl(&[
            ("ipv4/icmp_echo_ignore_all", "1"),
            ("ipv6/icmp/echo_ignore_all", "1"),
        ])?;
        Self::at(node, device)
    }

    /// The same, and nobody at the node hears of probes of any protocol.
    ///
    /// # Errors
    ///
    /// If there is no such device, or `nft` refuses.
    pub fn deafening(node: &Namespace, device: &str) -> Result<Self> {
        let forger = Self::instead_of(node, device)?;
        let chain = "add chain inet deaf input { type filter hook input priority 0; }";
        let rule = "add rule inet deaf input meta l4proto { tcp, udp } drop";
        node.run("nft", &[&format!("add table inet deaf; {chain}; {rule}")])?;
        Ok(forger)
    }

    /// The next echo request that arrives.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub fn next_request(&self) -> Result<Echo> {
        self.next(PATIENCE, Echo::request)?
            .context("no echo request came")
    }

    /// The next echo request of those wanted that arrives; the others are passed over.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub fn next_request_that(&self, wanted: impl Fn(&Echo) -> bool) -> Result<Echo> {
        self.next(LONG_PATIENCE, |frame| Echo::request(frame).filter(&wanted))?
            .context("no such echo request came")
    }

    /// The next probe of any protocol that arrives; `None`: none came in this time.
    ///
    /// # Errors
    ///
    /// If the device cannot be read.
    pub fn next_probe(&self, patience: Duration) -> Result<Option<Caught>> {
        self.next(patience, Caught::read)
    }

    fn next<T>(&self, patience: Duration, read: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>> {
        let started = Instant::now();
        let mut buffer = vec![0; MAX_FRAME];
        loop {
            match self.socket.receive(&mut buffer)? {
                Some(length) => {
                    if let Some(found) = read(&buffer[VNET_HEADER..length]) {
                        return Ok(Some(found));
                    }
                }
                None if started.elapsed() > patience => return Ok(None),
                None => thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// Puts a reply on the wire.
    pub fn send(&self, echo: &Echo) {
        self.send_frame(&echo.frame);
    }

    /// Puts any frame on the wire.
    pub fn send_frame(&self, octets: &[u8]) {
        // Nothing is left to be done by the kernel: all zeros.
        let mut frame = vec![0; VNET_HEADER];
        frame.extend_from_slice(octets);
        self.socket.send(&frame);
    }
}

impl Echo {
    fn request(frame: &[u8]) -> Option<Self> {
        let is_v4 = frame.get(eth::LENGTH)? >> 4 == 4;
        let header = if is_v4 { ipv4::LENGTH } else { ipv6::LENGTH };
        let echo = Self {
            frame: frame.to_vec(),
            message: eth::LENGTH + header,
        };
        let is_request = echo::reply_to(&mut frame.to_vec()).is_some();
        is_request.then_some(echo)
    }

    /// The right reply to this request.
    ///
    /// # Errors
    ///
    /// If it is no request.
    pub fn reply(&self) -> Result<Self> {
        let mut reply = self.clone();
        echo::reply_to(&mut reply.frame).context("not an echo request")?;
        Ok(reply)
    }

    /// The sequence number.
    pub fn sequence(&self) -> u16 {
        self.word(SEQUENCE)
    }

    /// The identifier.
    pub fn identifier(&self) -> u16 {
        self.word(IDENTIFIER)
    }

    /// The same with another identifier; the checksum stays right.
    #[must_use]
    pub fn with_identifier(self, identifier: u16) -> Self {
        self.with_word(IDENTIFIER, identifier)
    }

    /// The same with another sequence number; the checksum stays right.
    #[must_use]
    pub fn with_sequence(self, sequence: u16) -> Self {
        self.with_word(SEQUENCE, sequence)
    }

    /// The same, cut off behind the ICMP header.
    #[must_use]
    pub fn without_payload(mut self) -> Self {
        self.frame.truncate(self.message + icmp::LENGTH);
        self
    }

    /// The same with another nonce; the checksum stays right.
    #[must_use]
    pub fn with_wrong_nonce(self) -> Self {
        let first = self.word(NONCE);
        self.with_word(NONCE, !first)
    }

    fn word(&self, offset: usize) -> u16 {
        let place = self.message + offset;
        match self.frame.get(place..place + 2) {
            Some([high, low]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }

    /// Sets a word and the checksum over it (RFC 1624, equation 3).
    fn with_word(mut self, offset: usize, value: u16) -> Self {
        let sum = Sum::ZERO
            .add(!self.word(CHECKSUM))
            .add(!self.word(offset))
            .add(value);
        for (offset, word) in [(offset, value), (CHECKSUM, sum.checksum())] {
            let place = self.message + offset;
            if let Some(octets) = self.frame.get_mut(place..place + 2) {
                octets.copy_from_slice(&word.to_be_bytes());
            }
        }
        self
    }
}
