//! What listens at the target, or on the way to it.

use std::{
    io::ErrorKind,
    net::{Ipv6Addr, TcpListener, UdpSocket},
};

use anyhow::{Context as _, Result};

use super::{Lab, worker::Worker};

/// A listener; dropping it closes the port.
#[derive(Debug)]
pub struct Service {
    _worker: Worker<()>,
}

impl Lab {
    /// Opens a TCP port of the target, in both families: connections are accepted
    /// and closed.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    pub fn listen_tcp(&self, port: u16) -> Result<Service> {
        self.listen_tcp_at(self.target().name(), port)
    }

    /// The same of a port of any node.
    ///
    /// # Errors
    ///
    /// If there is no such node, or the port is taken.
    pub fn listen_tcp_at(&self, node: &str, port: u16) -> Result<Service> {
        let listener = self.node(node)?.enter(|| {
            TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
                .with_context(|| format!("cannot open TCP port {port} of {node}"))
        })?;
        listener.set_nonblocking(true)?;
        let worker = Worker::spawn("lab-tcp", move |stop| {
            while !stop.wait(&[&listener], None)? {
                // The connection may be gone again: no reason to stop.
                let _ = listener.accept();
            }
            Ok(())
        })?;
        Ok(Service { _worker: worker })
    }

    /// Opens a UDP port of the target, in both families, that sends back what it
    /// gets.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    pub fn echo_udp(&self, port: u16) -> Result<Service> {
        let socket = self.target().enter(|| {
            UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port))
                .with_context(|| format!("cannot open UDP port {port} of the target"))
        })?;
        socket.set_nonblocking(true)?;
        let worker = Worker::spawn("lab-udp", move |stop| {
            let mut buffer = vec![0; usize::from(u16::MAX)];
            while !stop.wait(&[&socket], None)? {
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => drop(socket.send_to(&buffer[..length], from)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error).context("cannot read a UDP socket"),
                }
            }
            Ok(())
        })?;
        Ok(Service { _worker: worker })
    }
}
