//! Targets, devices and sources that there is no way for: each is told in one line.

use std::net::IpAddr;

use anyhow::Result;
use probe::io::network::{RouteError, Via};

use super::{Wire, one_line, resolve};

#[test]
fn a_neighbour_that_does_not_answer_is_named_with_its_device() -> Result<()> {
    let wire = Wire::new()?;
    for target in ["10.0.0.77", "fd00::77"] {
        let error = resolve(&wire.west, target, &Via::default())?.unwrap_err();
        assert!(matches!(error, RouteError::NoNeighbour { .. }), "{error}");
        one_line(&error, &[target, "east"]);
    }
    Ok(())
}

#[test]
fn routes_that_refuse_are_told_apart() -> Result<()> {
    let wire = Wire::new()?;
    for prefix in ["203.0.113", "2001:db8"] {
        let colon = prefix.contains(':');
        for (number, kind) in [(1, "unreachable"), (2, "prohibit"), (3, "blackhole")] {
            let target = if colon {
                format!("{prefix}::{number}")
            } else {
                format!("{prefix}.{number}")
            };
            wire.west.ip([format!("route add {kind} {target}")])?;
            let error = resolve(&wire.west, &target, &Via::default())?.unwrap_err();
            let right = match kind {
                "unreachable" => matches!(error, RouteError::Unreachable { .. }),
                "prohibit" => matches!(error, RouteError::Prohibited { .. }),
                _ => matches!(error, RouteError::Blackhole { .. }),
            };
            assert!(right, "{kind} {target}: {error:?}");
            one_line(&error, &[&target]);
        }
    }
    wire.west.ip(["route del default", "route del ::/0"])?;
    for target in ["192.0.2.1", "2001:db8:9::1"] {
        let error = resolve(&wire.west, target, &Via::default())?.unwrap_err();
        assert!(matches!(error, RouteError::NoRoute { .. }), "{error:?}");
        one_line(&error, &[target]);
    }
    Ok(())
}

#[test]
fn addresses_of_no_single_host_are_refused() -> Result<()> {
    let wire = Wire::new()?;
    let refused =
        |target: &str| resolve(&wire.west, target, &Via::default()).map(Result::unwrap_err);
    for target in ["10.0.0.255", "255.255.255.255"] {
        assert!(
            matches!(refused(target)?, RouteError::Broadcast { .. }),
            "{target}"
        );
    }
    for target in ["224.0.0.1", "ff02::1"] {
        assert!(
            matches!(refused(target)?, RouteError::Multicast { .. }),
            "{target}"
        );
    }
    for target in ["0.0.0.0", "::"] {
        assert!(
            matches!(refused(target)?, RouteError::Unspecified { .. }),
            "{target}"
        );
    }
    assert!(matches!(refused("fe80::1")?, RouteError::LinkLocal { .. }));
    Ok(())
}

#[test]
fn an_interface_and_a_source_asked_for_are_used_or_refused() -> Result<()> {
    let wire = Wire::new()?;
    wire.west.ip([
        "addr add 10.0.0.9/24 dev east",
        "link add idle type veth peer name other",
    ])?;
    let via = |interface: Option<&str>, source: Option<&str>| Via {
        interface: interface.map(str::to_owned),
        source: source.map(|source| source.parse().unwrap()),
    };
    let target = "192.0.2.1";
    let path = resolve(&wire.west, target, &via(Some("east"), Some("10.0.0.9")))??;
    assert_eq!(path.source, "10.0.0.9".parse::<IpAddr>()?);

    let refused = |via| resolve(&wire.west, target, &via).map(Result::unwrap_err);
    let error = refused(via(Some("nowhere"), None))?;
    assert!(
        matches!(error, RouteError::NoSuchInterface { .. }),
        "{error:?}"
    );
    one_line(&error, &["nowhere"]);
    let error = refused(via(Some("longer-than-a-name-can-be"), None))?;
    assert!(
        matches!(error, RouteError::NoSuchInterface { .. }),
        "{error:?}"
    );
    let error = refused(via(Some("idle"), None))?;
    assert!(
        matches!(error, RouteError::InterfaceDown { .. }),
        "{error:?}"
    );
    one_line(&error, &["idle", "ip link set idle up"]);
    wire.west.ip(["link set idle up"])?;
    let error = refused(via(Some("idle"), None))?;
    assert!(matches!(error, RouteError::NoCarrier { .. }), "{error:?}");
    let error = refused(via(None, Some("10.0.0.2")))?;
    assert!(matches!(error, RouteError::NotOurs { .. }), "{error:?}");
    one_line(&error, &["10.0.0.2"]);
    let error = refused(via(None, Some("fd00::1")))?;
    assert!(matches!(error, RouteError::OtherFamily { .. }), "{error:?}");
    Ok(())
}
