//! TCP segments.

use super::{Checksum, Transport, ip};

/// FIN flag.
pub const FIN: u8 = 0x01;
/// SYN flag.
pub const SYN: u8 = 0x02;
/// RST flag.
pub const RST: u8 = 0x04;
/// ACK flag.
pub const ACK: u8 = 0x10;

/// A segment without options or data; `ports` are source and destination.
pub fn segment(ports: [u16; 2], sequence: u32, acknowledgement: u32, flags: u8) -> Transport {
    let mut header: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    header.extend(sequence.to_be_bytes());
    header.extend(acknowledgement.to_be_bytes());
    header.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    Transport {
        protocol: ip::TCP,
        layers: vec![header],
        checksum: Some(Checksum {
            offset: 16,
            pseudo_header: true,
        }),
    }
}
