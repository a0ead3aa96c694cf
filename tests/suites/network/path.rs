//! Which way targets lie, and what stands in front of their packets.

use std::{net::IpAddr, time::Duration};

use anyhow::Result;
use futures_util::{StreamExt as _, stream};
use probe::io::network::{Change, Link, Path, RouteError, Via};

use super::{Wire, resolve, within};

#[test]
fn a_target_on_the_link_and_one_behind_the_gateway_are_reached_by_resolved_addresses() -> Result<()>
{
    let wire = Wire::new()?;
    let (source, destination) = wire.addresses()?;
    let link = Link::Ethernet {
        source,
        destination,
    };
    within(&wire.west, async |network| {
        let ifindex = network.interface_named("east").await?.index;
        for (target, from) in [
            ("10.0.0.2", "10.0.0.1"),
            ("192.0.2.1", "10.0.0.1"),
            ("fd00::2", "fd00::1"),
            ("2001:db8::1", "fd00::1"),
            ("::ffff:192.0.2.1", "10.0.0.1"),
        ] {
            let path = network.resolve(target.parse()?, &Via::default()).await?;
            let source = from.parse()?;
            let expected = Path {
                ifindex,
                source,
                link,
            };
            assert_eq!(path, expected, "{target}");
        }
        Ok(())
    })
}

#[test]
fn an_ipv4_route_through_an_ipv6_gateway_is_followed() -> Result<()> {
    let wire = Wire::new()?;
    wire.west
        .ip(["route add 198.51.100.0/24 via inet6 fd00::2"])?;
    let (_, east) = wire.addresses()?;
    let path = resolve(&wire.west, "198.51.100.7", &Via::default())??;
    assert!(matches!(path.link, Link::Ethernet { destination, .. } if destination == east));
    Ok(())
}

#[test]
fn an_ipv6_neighbour_is_resolved_on_a_device_without_link_local_address() -> Result<()> {
    let wire = Wire::new()?;
    wire.west.ip([
        "link set east addrgenmode none",
        "addr flush dev east scope link",
    ])?;
    let (_, east) = wire.addresses()?;
    let path = resolve(&wire.west, "fd00::2", &Via::default())??;
    assert!(matches!(path.link, Link::Ethernet { destination, .. } if destination == east));
    Ok(())
}

#[test]
fn many_targets_behind_one_gateway_cost_one_neighbour_resolution() -> Result<()> {
    let wire = Wire::new()?;
    within(&wire.west, async |network| {
        let network = network.with_neighbour_timeout(Duration::from_secs(1));
        let via = Via::default();
        network.resolve("192.0.2.1".parse()?, &via).await?;
        // From here on the gateway answers nobody, and the kernel has forgotten it.
        wire.east.ip(["link set west arp off"])?;
        wire.west.ip(["neigh flush dev east"])?;
        let targets = (0..5_000u32).map(|i| IpAddr::from((0x0b00_0000 + i).to_be_bytes()));
        let paths = stream::iter(targets).map(|target| network.resolve(target, &via));
        let failed = paths
            .buffer_unordered(64)
            .filter(|p| std::future::ready(p.is_err()));
        assert_eq!(failed.count().await, 0);

        let change = Change::Neighbour {
            ifindex: network.interface_named("east").await?.index,
            address: "10.0.0.2".parse()?,
            mac: None,
        };
        assert!(network.refresh(&change).await);
        let error = network
            .resolve("192.0.2.1".parse()?, &via)
            .await
            .unwrap_err();
        assert!(matches!(error, RouteError::NoGateway { .. }), "{error}");
        Ok(())
    })
}

#[test]
fn addresses_of_this_host_and_devices_without_ethernet_are_left_to_the_kernel() -> Result<()> {
    let wire = Wire::new()?;
    wire.west.ip([
        "link add l3 type vxlan external gpe dstport 4790",
        "link set l3 up",
        "route add 203.0.113.0/24 dev l3",
        "route add 2001:db8:1::/64 dev l3",
    ])?;
    within(&wire.west, async |network| {
        for (target, device) in [
            ("127.0.0.1", "lo"),
            ("127.1.2.3", "lo"),
            ("::1", "lo"),
            ("10.0.0.1", "lo"),
            ("fd00::1", "lo"),
            ("203.0.113.9", "l3"),
            ("2001:db8:1::9", "l3"),
        ] {
            let path = network.resolve(target.parse()?, &Via::default()).await?;
            assert_eq!(path.link, Link::Kernel, "{target}");
            assert_eq!(
                network.interface(path.ifindex).await?.name,
                device,
                "{target}"
            );
        }
        assert!(!network.interface_named("l3").await?.ethernet);
        let loopback = network.interface_named("lo").await?;
        assert!(loopback.ethernet && loopback.loopback);
        Ok(())
    })
}
