//! Ways to many targets at once are those that each alone would be told.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, stream};
use probe::{
    engine::{
        answer::{address, ip},
        sweep::targets::{RangeSetBuilder, TargetSet},
    },
    io::network::{Link, Network, RouteError, Via, WayMap},
};
use probe_tests::lab::Namespace;

use super::{Wire, within};

/// A host with two gateways: the east of a [`Wire`], and the north, at 10.1.0.2
/// and fd01::2. It sends some networks here, some there, and some nowhere.
struct Crossing {
    wire: Wire,
    _north: Namespace,
}

/// Networks with an edge between two answers, and what surrounds them.
const AROUND_EDGES: [&str; 18] = [
    "0.0.0.0/6",
    "20.0.0.0/12",
    "20.1.0.0/22",
    "20.1.2.0/29",
    "20.1.3.0/24",
    "20.1.7.0/24",
    "20.1.8.0/22",
    "30.0.0.0/23",
    "40.0.0.0/8",
    "127.0.0.0/30",
    "192.0.0.0/2",
    "2002::/15",
    "2003:8::/30",
    "2600::/26",
    "2600:1::/46",
    "2600:2:0:4::/61",
    "fd00::/12",
    "fe00::/7",
];

impl Crossing {
    fn new() -> Result<Self> {
        let wire = Wire::new()?;
        let north = Namespace::new("north")?;
        wire.west.ip([format!(
            "link add north type veth peer name west netns {}",
            north.path().display()
        )])?;
        for (host, device, number) in [(&wire.west, "north", 1), (&north, "west", 2)] {
            host.ip([
                format!("link set {device} up"),
                format!("addr add 10.1.0.{number}/24 dev {device}"),
                format!("addr add fd01::{number}/64 dev {device} nodad"),
            ])?;
        }
        wire.west.ip([
            "route add 20.1.0.0/16 via 10.1.0.2",
            "route add 20.1.2.0/24 via 10.0.0.2",
            "route add 20.1.2.4/32 via 10.1.0.2 src 10.0.0.1",
            "route add blackhole 20.1.3.0/24",
            "route add prohibit 20.1.7.128/25",
            "route add default via 10.1.0.2 table 100",
            "rule add to 30.0.0.0/24 lookup 100",
            "rule add to 40.0.0.0/9 lookup 100",
            "route add 2600::/16 via fd01::2",
            "route add 2600:1:1::/48 via fd00::2",
            "route add unreachable 2600:3::/32",
            "route add 2002::/15 via fd01::2",
            // Of several source addresses each destination has its own.
            "addr add 2600:2:0:5::1/64 dev north nodad",
            "addr add 2600:f:0:5::1/64 dev north nodad",
            "addr add 2002:1::1/64 dev north nodad",
            "addrlabel add prefix 2003:8::/32 label 2",
        ])?;
        Ok(Self {
            wire,
            _north: north,
        })
    }
}

/// Some thousand addresses of the networks above, at random.
fn sampled() -> Result<TargetSet> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut builder = RangeSetBuilder::default();
    for network in AROUND_EDGES {
        let (prefix, length) = network.split_once('/').context("a network")?;
        let (prefix, length): (IpAddr, u32) = (prefix.parse()?, length.parse()?);
        for _ in 0..700 {
            match prefix {
                IpAddr::V4(prefix) => {
                    let one = u32::from(prefix) | random.u32(..) >> length;
                    builder.add_v4(one, one);
                }
                IpAddr::V6(prefix) => {
                    // The last half says nothing of the way.
                    let one = u128::from(prefix) | random.u128(..) >> length >> 64 << 64;
                    builder.add_v6(one | 9, one | 9);
                }
            }
        }
    }
    Ok(TargetSet::new(builder.finish())?)
}

async fn map(network: &Network, targets: &TargetSet, via: &Via) -> Result<WayMap> {
    Ok(network.map_ways(targets.intervals(), via).await?)
}

/// Holds every target of the map against its own look-up. Returns how many have
/// a way.
async fn check(network: &Network, targets: &TargetSet, map: &WayMap, via: &Via) -> Result<u128> {
    let all = (0..targets.len()).filter_map(|index| targets.get(index));
    let mut lookups = stream::iter(all)
        .map(async |target| (target, network.resolve(ip(target), via).await))
        .buffered(64);
    let mut found = 0;
    while let Some((target, alone)) = lookups.next().await {
        let mapped = map.path(target);
        let target = ip(target);
        match (alone, mapped) {
            (Ok(alone), Some(mapped)) => {
                ensure!(alone == *mapped, "{target}: {alone:?}, not {mapped:?}");
                found += 1;
            }
            (Err(RouteError::NoNeighbour { .. }), Some(mapped)) => {
                ensure!(mapped.link == Link::Kernel, "{target}: {mapped:?}");
                found += 1;
            }
            (Err(_), None) => {}
            (alone, mapped) => anyhow::bail!("{target}: {alone:?}, not {mapped:?}"),
        }
    }
    Ok(found)
}

#[test]
fn ten_thousand_targets_have_the_ways_that_each_would_be_told_alone() -> Result<()> {
    let crossing = Crossing::new()?;
    let targets = sampled()?;
    ensure!(targets.len() > 6_000, "{} targets", targets.len());
    let interface = Via {
        interface: Some("north".to_owned()),
        source: None,
    };
    let source = Via {
        interface: None,
        source: Some("10.0.0.1".parse()?),
    };
    let patience = Duration::from_secs(1);
    for (via, patience) in [
        (Via::default(), patience),
        // By one interface alone many lie on the link, and none of those answers.
        (interface, patience / 5),
        (source, patience),
    ] {
        within(&crossing.wire.west, async |network| {
            let network = network.with_neighbour_timeout(patience);
            let map = map(&network, &targets, &via).await?;
            let found = check(&network, &targets, &map, &via).await?;
            let lost = u128::from(targets.len()) - found;
            ensure!(found > 1_000, "{found} targets of {via:?}");
            assert_eq!(map.unroutable(), lost);
            assert_eq!(map.first_error().is_some(), lost > 0);
            // Far fewer than targets.
            ensure!(map.lookups() < 300, "{} look-ups", map.lookups());
            Ok(())
        })?;
    }
    within(&crossing.wire.west, async |network| {
        let map = map(&network, &targets, &Via::default()).await?;
        let mut ways = map.paths().collect::<Vec<_>>();
        ways.dedup();
        ensure!(ways.len() >= 6, "{ways:?}");
        Ok(())
    })
}

#[test]
fn hosts_of_an_own_link_are_left_to_the_kernel_and_cost_one_question() -> Result<()> {
    let crossing = Crossing::new()?;
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(0x0a00_0000, 0x0a00_00ff);
    builder.add_v6(0xfd00 << 112, (0xfd00 << 112) + 0xff_ffff);
    let targets = TargetSet::new(builder.finish())?;
    within(&crossing.wire.west, async |network| {
        let map = map(&network, &targets, &Via::default()).await?;
        let east = network.interface_named("east").await?.index;
        for (text, ifindex) in [
            ("10.0.0.2", Some(east)),
            ("10.0.0.77", Some(east)),
            ("10.0.0.1", Some(1)),
            ("10.0.0.255", None),
            ("fd00::2", Some(east)),
            ("fd00::77", Some(east)),
            ("fd00::1", Some(1)),
        ] {
            let path = map.path(address(text.parse()?));
            assert_eq!(path.map(|path| path.ifindex), ifindex, "{text}");
            assert!(path.is_none_or(|path| path.link == Link::Kernel), "{text}");
        }
        let error = map.first_error().context("a broadcast address")?;
        assert!(matches!(error, RouteError::Broadcast { .. }), "{error}");
        ensure!(map.lookups() < 16, "{} look-ups", map.lookups());
        Ok(())
    })
}

#[test]
fn without_any_way_the_first_error_is_kept_and_what_is_asked_for_must_exist() -> Result<()> {
    let crossing = Crossing::new()?;
    let mut builder = RangeSetBuilder::default();
    builder.add_v4(0x1401_0300, 0x1401_03ff);
    let targets = TargetSet::new(builder.finish())?;
    within(&crossing.wire.west, async |network| {
        let map = map(&network, &targets, &Via::default()).await?;
        assert_eq!((map.paths().count(), map.unroutable()), (0, 256));
        let error = map.into_first_error().context("a blackhole")?;
        assert!(matches!(error, RouteError::Blackhole { .. }), "{error}");
        let nowhere = Via {
            interface: Some("nowhere".to_owned()),
            source: None,
        };
        let error = network.map_ways(targets.intervals(), &nowhere).await;
        assert!(matches!(error, Err(RouteError::NoSuchInterface { .. })));
        Ok(())
    })
}
