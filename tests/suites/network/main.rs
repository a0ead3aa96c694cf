//! What the library says of routes, neighbours, devices and ports, against the
//! kernel's own in namespaces made for each test.

mod device;
mod path;
mod refusal;
mod reservation;
mod ways;

use anyhow::{Context as _, Result};
use probe::io::network::{Network, Path, RouteError, Via};
use probe_tests::lab::Namespace;

/// Two hosts on one wire: `east` and `west` are the devices' names.
struct Wire {
    west: Namespace,
    east: Namespace,
}

impl Wire {
    /// 10.0.0.1 and fd00::1 in the west, .2 and ::2 in the east; the east is the
    /// west's default gateway.
    fn new() -> Result<Self> {
        let west = Namespace::new("west")?;
        let east = Namespace::new("east")?;
        let peer = east.path();
        west.ip([format!(
            "link add east type veth peer name west netns {}",
            peer.display()
        )])?;
        for (host, device, number) in [(&west, "east", 1), (&east, "west", 2)] {
            // Without duplicate address detection IPv6 works at once.
            host.sysctl(&[
                ("ipv6/conf/all/accept_dad", "0"),
                ("ipv6/conf/default/accept_dad", "0"),
            ])?;
            host.ip([
                format!("link set {device} up"),
                format!("addr add 10.0.0.{number}/24 dev {device}"),
                format!("addr add fd00::{number}/64 dev {device} nodad"),
            ])?;
        }
        west.ip([
            "route add default via 10.0.0.2",
            "route add default via fd00::2",
        ])?;
        Ok(Self { west, east })
    }

    /// The MAC addresses of the west and of the east.
    fn addresses(&self) -> Result<([u8; 6], [u8; 6])> {
        let address = |host: &Namespace, name: &'static str| {
            let interface = within(host, async |network| {
                Ok(network.interface_named(name).await?)
            })?;
            interface.address.context("no MAC address")
        };
        Ok((address(&self.west, "east")?, address(&self.east, "west")?))
    }
}

/// Runs a future in a namespace, with a conversation about it.
fn within<T: Send>(
    namespace: &Namespace,
    body: impl AsyncFnOnce(Network) -> Result<T> + Send,
) -> Result<T> {
    namespace.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async { body(Network::open()?).await })
    })
}

fn resolve(namespace: &Namespace, target: &str, via: &Via) -> Result<Result<Path, RouteError>> {
    let target = target.parse()?;
    within(namespace, async |network| {
        Ok(network.resolve(target, via).await)
    })
}

fn one_line(error: &impl ToString, words: &[&str]) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}
