//! Ports of the target: open ones, closed ones.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv6Addr, TcpStream, UdpSocket},
    time::Duration,
};

use anyhow::Result;
use probe_tests::lab::{Family, Lab};

/// Long enough that only an answer that never comes reaches it.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn open_and_closed_tcp_ports() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let connect = || {
            lab.vantage()
                .enter(|| Ok(TcpStream::connect_timeout(&(target, 80).into(), PATIENCE)))
        };
        assert_eq!(
            connect().unwrap().unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        let service = lab.listen_tcp(80).unwrap();
        for _ in 0..300 {
            connect().unwrap().unwrap();
        }
        drop(service);
        assert_eq!(
            connect().unwrap().unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
    }
}

#[test]
fn open_and_closed_udp_ports() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let refused = exchange(&lab, target).unwrap_err();
        let refused = refused.downcast::<std::io::Error>().unwrap();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let _service = lab.echo_udp(7).unwrap();
        assert_eq!(exchange(&lab, target).unwrap(), b"hello");
    }
}

/// Sends a datagram to port 7 and returns the answer.
pub(crate) fn exchange(lab: &Lab, target: IpAddr) -> Result<Vec<u8>> {
    lab.vantage().enter(|| {
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
        let target = match target {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((target, 7))?;
        socket.send(b"hello")?;
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer)?;
        Ok(buffer[..length].to_vec())
    })
}
