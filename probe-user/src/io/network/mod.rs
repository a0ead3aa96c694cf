//! The network's state, over rtnetlink: which way a target lies, whose MAC
//! address the first hop has, and what the devices on the way are.
//!
//! A [`Network`] answers for the network namespace that it was opened in. Routes
//! are looked up anew each time; devices, neighbours and source addresses are
//! remembered until [`Network::refresh`] is told that they changed.

mod addressed;
mod boundaries;
pub(in crate::io) mod driver;
mod error;
mod fresh;
mod generic_netlink;
mod interface;
mod neighbour;
mod netlink;
mod resolve;
mod route;
mod tables;
mod watch;
mod way_map;

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rtnetlink::Handle;
use tokio::sync::{Mutex, OnceCell};

pub use self::{
    error::{NO_ANSWER, RouteError, RouteResult},
    interface::{Drops, Interface, XdpMode, XdpProgram},
    watch::{Change, Changes},
    way_map::WayMap,
};
use crate::error::{Error, Result};

/// An Ethernet address.
pub type Mac = [u8; 6];

/// How long a next hop may take to answer ARP or neighbour discovery: long enough
/// for the kernel to ask a second time, after a second.
const NEIGHBOUR_TIMEOUT: Duration = Duration::from_millis(1_500);

/// What the user asked of the way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// Name of the device to leave by.
    pub interface: Option<String>,
    /// Source address; one of this host's.
    pub source: Option<IpAddr>,
}

/// How packets to a target leave this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// The device they leave by.
    pub ifindex: u32,
    /// Their source address.
    pub source: IpAddr,
    /// What stands in front of the IP header.
    pub link: Link,
}

/// What stands in front of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// An Ethernet header: to be sent by a packet socket.
    Ethernet {
        /// Address of the device.
        source: Mac,
        /// Address of the next hop.
        destination: Mac,
    },
    /// To be sent by a raw IP socket: a device without Ethernet header, a route
    /// that encapsulates, or an address of this host.
    Kernel,
}

/// A neighbour's address once known; `None` once it is known not to answer.
type Neighbour = Arc<OnceCell<Option<Mac>>>;

/// Neighbours that were asked for, by device and address.
type Neighbours = Arc<Mutex<HashMap<(u32, IpAddr), Neighbour>>>;

/// A conversation with the kernel about one network namespace.
#[derive(Debug)]
pub struct Network {
    handle: Handle,
    neighbour_timeout: Duration,
    /// Look-ups do not wait for neighbours.
    in_passing: AtomicBool,
    interfaces: Mutex<HashMap<u32, Arc<Interface>>>,
    neighbours: Neighbours,
    sources: Mutex<HashSet<IpAddr>>,
}

impl Network {
    /// Opens a netlink socket in the thread's network namespace and serves it on
    /// the current tokio runtime, which must have I/O and time enabled.
    pub fn open() -> Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(|error| {
            Error::Environment(format!(
                "cannot open a netlink socket: {error}; a sandbox may forbid AF_NETLINK"
            ))
        })?;
        tokio::spawn(connection);
        Ok(Self {
            handle,
            neighbour_timeout: NEIGHBOUR_TIMEOUT,
            in_passing: AtomicBool::new(false),
            interfaces: Mutex::default(),
            neighbours: Neighbours::default(),
            sources: Mutex::default(),
        })
    }

    /// Waits for next hops as long as this instead of one and a half seconds.
    pub fn with_neighbour_timeout(self, neighbour_timeout: Duration) -> Self {
        Self {
            neighbour_timeout,
            ..self
        }
    }

    /// From now on look-ups wait for nobody: a next hop that the kernel does not know is
    /// asked for, and taken as silent. When it answers, [`Changes`] say so.
    pub fn wait_no_more(&self) {
        self.in_passing.store(true, Ordering::Relaxed);
    }

    /// The device with this index, as it was when it was first asked for.
    pub async fn interface(&self, ifindex: u32) -> RouteResult<Arc<Interface>> {
        if let Some(interface) = self.interfaces.lock().await.get(&ifindex) {
            return Ok(interface.clone());
        }
        let found = Interface::by_index(&self.handle, ifindex).await?;
        Ok(self.remember(found).await)
    }

    /// The device with this name, as it was when it was first asked for.
    pub async fn interface_named(&self, name: &str) -> RouteResult<Arc<Interface>> {
        let known = |i: &&Arc<Interface>| i.name == name;
        if let Some(interface) = self.interfaces.lock().await.values().find(known) {
            return Ok(interface.clone());
        }
        let found = Interface::by_name(&self.handle, name).await?;
        Ok(self.remember(found).await)
    }

    /// All devices of the namespace, by index, as they are now.
    pub async fn interfaces(&self) -> RouteResult<Vec<Interface>> {
        Interface::all(&self.handle).await
    }

    /// The devices that packets to an address of this host may come in by, as they are
    /// now, by index; without the loopback.
    pub async fn addressed_interfaces(&self) -> RouteResult<Vec<Interface>> {
        addressed::find(&self.handle).await
    }

    /// Packets that a device has dropped since it was made.
    pub async fn drops(&self, ifindex: u32) -> RouteResult<Drops> {
        Interface::drops(&self.handle, ifindex).await
    }

    /// The lowest devices of the stack under `ifindex` in this namespace: where a
    /// program sees each packet exactly once. VLAN, macvlan and ipvlan devices
    /// stand on their parent, bonds and teams on their members; all other devices
    /// are their own lowest.
    pub async fn attach_points(&self, ifindex: u32) -> RouteResult<Vec<Arc<Interface>>> {
        let mut pending = vec![ifindex];
        let mut seen = HashSet::new();
        let mut lowest = Vec::new();
        while let Some(index) = pending.pop() {
            if !seen.insert(index) {
                continue;
            }
            let interface = self.interface(index).await?;
            if interface.lower.is_empty() {
                lowest.push(interface);
            } else {
                pending.extend(&interface.lower);
            }
        }
        lowest.sort_by_key(|interface| interface.index);
        Ok(lowest)
    }

    /// What changes from now on in the namespace. Bursts are usual: look at all
    /// that has come before resolving anew.
    pub fn watch(&self) -> Result<Changes> {
        watch::watch()
    }

    /// Forgets what `change` may have made wrong. Returns whether paths resolved
    /// before may be wrong too and should be resolved again.
    pub async fn refresh(&self, change: &Change) -> bool {
        match *change {
            Change::LinkDown { ifindex } | Change::LinkGone { ifindex } => {
                self.interfaces.lock().await.remove(&ifindex);
                self.neighbours
                    .lock()
                    .await
                    .retain(|key, _| key.0 != ifindex);
                true
            }
            Change::Neighbour {
                ifindex,
                address,
                mac,
            } => self.forget_neighbour((ifindex, address), mac).await,
            Change::RoutesChanged => {
                self.interfaces.lock().await.clear();
                self.sources.lock().await.clear();
                true
            }
        }
    }

    async fn forget_neighbour(&self, key: (u32, IpAddr), mac: Option<Mac>) -> bool {
        let mut neighbours = self.neighbours.lock().await;
        let Some(&known) = neighbours.get(&key).and_then(|cell| cell.get()) else {
            return false;
        };
        if known == mac {
            return false;
        }
        neighbours.remove(&key);
        true
    }

    async fn remember(&self, interface: Interface) -> Arc<Interface> {
        let interface = Arc::new(interface);
        let mut interfaces = self.interfaces.lock().await;
        interfaces.insert(interface.index, interface.clone());
        interface
    }
}
