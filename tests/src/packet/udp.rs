//! UDP datagrams.

use super::{Checksum, Transport, ip};

/// A datagram; `ports` are source and destination.
pub fn datagram(ports: [u16; 2], data: &[u8]) -> Transport {
    let mut header: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    header.extend((data.len() as u16 + 8).to_be_bytes());
    header.extend([0, 0]);
    Transport {
        protocol: ip::UDP,
        layers: vec![header, data.to_vec()],
        checksum: Some(Checksum {
            offset: 6,
            pseudo_header: true,
        }),
    }
}
