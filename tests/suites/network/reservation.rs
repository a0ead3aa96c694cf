//! Ports of a run.

use std::net::UdpSocket;

use anyhow::Result;
use probe::io::ports;
use probe_tests::lab::Namespace;

use super::one_line;

#[test]
fn ports_keep_clear_of_sockets_ephemeral_ports_and_other_runs() -> Result<()> {
    let host = Namespace::new("host")?;
    let other = Namespace::new("other")?;
    // All that is left: the blocks at 65408 and 65472.
    let range = [("ipv4/ip_local_port_range", "1024 65407")];
    host.sysctl(&range)?;
    other.sysctl(&range)?;
    let reserve = |namespace: &Namespace, count| {
        namespace.enter(|| Ok(ports::reserve(count, &mut fastrand::Rng::new())?))
    };
    let listener = host.enter(|| Ok(UdpSocket::bind("0.0.0.0:65500")?))?;
    let first = reserve(&host, 64)?;
    assert_eq!(first.base, 65_408);
    assert_ne!(first.mark, 0);
    let error = reserve(&host, 64).unwrap_err();
    one_line(&error, &["64 consecutive ports", "1024-65407"]);

    let elsewhere = reserve(&other, 128)?;
    assert_eq!(elsewhere.base, 65_408, "another namespace is another world");

    drop(listener);
    let second = reserve(&host, 64)?;
    assert_eq!(second.base, 65_472);
    drop(first);
    assert_eq!(reserve(&host, 1)?.base, 65_408);

    host.sysctl(&[("ipv4/ip_local_reserved_ports", "2048-2111")])?;
    drop(second);
    let _all = reserve(&host, 128)?;
    assert_eq!(reserve(&host, 64)?.base, 2048, "set aside for use by name");
    Ok(())
}
