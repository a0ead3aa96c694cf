//! From a target to what stands in front of its packets.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use rtnetlink::packet_route::route::RouteType;

use super::{
    Interface, Link, Mac, Network, Path, RouteError, RouteResult, Via,
    neighbour::{self, Patience},
    route::{Query, Route},
};

impl Network {
    /// The way to `destination`, with its next hop's MAC address. Many may run at
    /// once; targets behind one next hop share one neighbour resolution.
    pub async fn resolve(&self, destination: IpAddr, via: &Via) -> RouteResult<Path> {
        let target = destination.to_canonical();
        let (route, source) = self.route(target, via).await?;
        Ok(Path {
            ifindex: route.ifindex,
            source,
            link: self.link(target, &route).await?,
        })
    }

    /// The way to `destination` as far as it is known without its next hop being asked:
    /// nothing stands in front of packets.
    pub async fn resolve_unasked(&self, destination: IpAddr, via: &Via) -> RouteResult<Path> {
        let (route, source) = self.route(destination.to_canonical(), via).await?;
        if !route.is_local() {
            self.interface(route.ifindex).await?.check_usable()?;
        }
        Ok(Path {
            ifindex: route.ifindex,
            source,
            link: Link::Kernel,
        })
    }

    /// The way that `destination` has in common with others that the kernel's
    /// tables tell apart from it nowhere. Hosts of a link of this host have an
    /// address each: their packets are left to the kernel, which resolves it.
    pub(super) async fn resolve_shared(&self, destination: IpAddr, via: &Via) -> RouteResult<Path> {
        let target = destination.to_canonical();
        let (route, source) = self.route(target, via).await?;
        let link = if route.gateway.is_some() {
            self.link(target, &route).await?
        } else {
            if !route.is_local() {
                self.interface(route.ifindex).await?.check_usable()?;
            }
            Link::Kernel
        };
        Ok(Path {
            ifindex: route.ifindex,
            source,
            link,
        })
    }

    /// The route to `target`, and the source address on it.
    async fn route(&self, target: IpAddr, via: &Via) -> RouteResult<(Route, IpAddr)> {
        let interface = match &via.interface {
            Some(name) => Some(self.usable_interface(name).await?),
            None => None,
        };
        let query = Query {
            target,
            interface: interface.map(|i| i.index),
            source: via.source,
        };
        query.check()?;
        if let Some(source) = via.source {
            self.check_source(source).await?;
        }
        let route = query.lookup(&self.handle).await?;
        let source = via.source.or(route.source);
        Ok((route, source.ok_or(RouteError::NoSource { target })?))
    }

    async fn usable_interface(&self, name: &str) -> RouteResult<Arc<Interface>> {
        let interface = self.interface_named(name).await?;
        interface.check_usable()?;
        Ok(interface)
    }

    /// A source address is this host's if the route to it is local.
    async fn check_source(&self, source: IpAddr) -> RouteResult<()> {
        if self.sources.lock().await.contains(&source) {
            return Ok(());
        }
        let query = Query {
            target: source,
            interface: None,
            source: None,
        };
        match query.lookup(&self.handle).await {
            Ok(route) if route.kind == RouteType::Local => {
                self.sources.lock().await.insert(source);
                Ok(())
            }
            _ => Err(RouteError::NotOurs {
                source_address: source,
            }),
        }
    }

    async fn link(&self, target: IpAddr, route: &Route) -> RouteResult<Link> {
        if route.is_local() || route.encapsulated {
            return Ok(Link::Kernel);
        }
        let interface = self.interface(route.ifindex).await?;
        interface.check_usable()?;
        let Some(source) = interface.ethernet_address() else {
            return Ok(Link::Kernel);
        };
        let next_hop = route.gateway.unwrap_or(target);
        match self.neighbour(&interface, next_hop).await? {
            Some(destination) => Ok(Link::Ethernet {
                source,
                destination,
            }),
            None => Err(route.without_neighbour(target, interface.name.clone())),
        }
    }

    async fn neighbour(&self, interface: &Interface, address: IpAddr) -> RouteResult<Option<Mac>> {
        let cell = {
            let mut neighbours = self.neighbours.lock().await;
            let key = (interface.index, address);
            neighbours.entry(key).or_default().clone()
        };
        let timeout = self.neighbour_timeout;
        let patience = match self.in_passing.load(Ordering::Relaxed) {
            true => Patience::InPassing(timeout),
            false => Patience::Until(timeout),
        };
        let resolution = || neighbour::resolve(&self.handle, interface, address, patience);
        cell.get_or_try_init(resolution).await.copied()
    }
}
