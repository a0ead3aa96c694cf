//! Devices, and what changes.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use futures_util::StreamExt as _;
use probe::io::{
    doctor,
    network::{Change, Changes, Interface, Link, RouteError, Via},
};
use probe_tests::lab::Namespace;

use super::{Wire, within};

#[test]
fn programs_go_to_the_parent_of_a_macvlan_and_never_to_a_veths_peer() -> Result<()> {
    let west = Namespace::new("west")?;
    let elsewhere = Namespace::new("elsewhere")?;
    west.ip([
        // Both ends here, so that the peer could be mistaken for a parent.
        "link add trunk type veth peer name peer",
        "link add upper link trunk type macvlan mode bridge",
        "link add moved link trunk type macvlan mode bridge",
    ])?;
    west.ip([format!(
        "link set moved netns {}",
        elsewhere.path().display()
    )])?;
    let lowest = |namespace: &Namespace, name: &'static str| {
        within(namespace, async |network| {
            let index = network.interface_named(name).await?.index;
            let points = network.attach_points(index).await?;
            Ok(points
                .into_iter()
                .map(|point| point.name.clone())
                .collect::<Vec<_>>())
        })
    };
    assert_eq!(lowest(&west, "upper")?, ["trunk"]);
    assert_eq!(lowest(&west, "trunk")?, ["trunk"]);
    assert_eq!(lowest(&west, "peer")?, ["peer"]);
    assert_eq!(lowest(&elsewhere, "moved")?, ["moved"]);

    let trunk: Arc<Interface> = within(&west, async |n| Ok(n.interface_named("trunk").await?))?;
    assert_eq!(trunk.kind.as_deref(), Some("veth"));
    Ok(())
}

#[test]
fn changes_of_links_neighbours_and_routes_are_seen_and_make_paths_resolve_anew() -> Result<()> {
    let wire = Wire::new()?;
    let target = "192.0.2.1".parse()?;
    within(&wire.west, async |network| {
        let via = Via::default();
        let before = network.resolve(target, &via).await?;
        let ifindex = before.ifindex;
        let mut changes = network.watch()?;

        let new = [2, 0, 0, 0, 0, 9];
        wire.east.ip(["link set west address 02:00:00:00:00:09"])?;
        wire.west
            .ip(["neigh replace 10.0.0.2 lladdr 02:00:00:00:00:09 dev east nud permanent"])?;
        let neighbour = Change::Neighbour {
            ifindex,
            address: "10.0.0.2".parse()?,
            mac: Some(new),
        };
        wait_for(&mut changes, neighbour).await?;
        assert!(network.refresh(&neighbour).await);
        let after = network.resolve(target, &via).await?;
        assert!(matches!(after.link, Link::Ethernet { destination, .. } if destination == new));
        assert!(!network.refresh(&neighbour).await, "nothing new");

        wire.west.ip(["route replace blackhole 192.0.2.0/24"])?;
        wait_for(&mut changes, Change::RoutesChanged).await?;
        assert!(network.refresh(&Change::RoutesChanged).await);
        let error = network.resolve(target, &via).await.unwrap_err();
        assert!(matches!(error, RouteError::Blackhole { .. }), "{error:?}");

        wire.west
            .ip(["route del blackhole 192.0.2.0/24", "link set east down"])?;
        let down = Change::LinkDown { ifindex };
        wait_for(&mut changes, down).await?;
        assert!(network.refresh(&down).await);
        assert!(network.resolve(target, &via).await.is_err());

        wire.west.ip(["link del east"])?;
        wait_for(&mut changes, Change::LinkGone { ifindex }).await?;
        network.refresh(&Change::LinkGone { ifindex }).await;
        let error = network.interface(ifindex).await.unwrap_err();
        assert!(
            matches!(error, RouteError::InterfaceGone { .. }),
            "{error:?}"
        );
        Ok(())
    })
}

#[test]
fn the_doctor_names_an_interface_that_is_down_or_missing() -> Result<()> {
    let host = Namespace::new("host")?;
    host.ip(["link add idle type veth peer name other"])?;
    let verdict = |name: &'static str| {
        let checks = within(&host, async |_| Ok(doctor::examine(Some(name)).await))?;
        assert!(doctor::any_failure(&checks));
        anyhow::Ok(doctor::render(&checks))
    };
    assert!(verdict("idle")?.contains("-> ip link set idle up"));
    assert!(verdict("nowhere")?.contains("no interface nowhere"));
    Ok(())
}

async fn wait_for(changes: &mut Changes, wanted: Change) -> Result<()> {
    let seen = async {
        while let Some(change) = changes.next().await {
            if change == wanted {
                return true;
            }
        }
        false
    };
    let seen = tokio::time::timeout(Duration::from_secs(10), seen).await;
    ensure!(seen == Ok(true), "{wanted:?} was not seen");
    Ok(())
}
