//! Network devices (RTM_GETLINK).

use std::io;

use futures_util::TryStreamExt;
use rtnetlink::{
    Handle,
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, LinkXdp},
    },
};

use super::{Mac, RouteError, RouteResult, netlink::ask};

/// A network device of this namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Kind of a software device (IFLA_INFO_KIND): `veth`, `tun`, `macvlan`, ...
    pub kind: Option<String>,
    /// Whether its packets begin with an Ethernet header (the loopback's do).
    pub ethernet: bool,
    /// Whether it is the loopback device.
    pub loopback: bool,
    /// Whether it was brought up (IFF_UP).
    pub up: bool,
    /// Whether it has a carrier (IFF_LOWER_UP).
    pub carrier: bool,
    /// Largest IP packet, in octets.
    pub mtu: u32,
    /// Its MAC address, if that has six octets.
    pub address: Option<Mac>,
    /// Devices of this namespace that its packets go through: the parent of a
    /// VLAN, macvlan or ipvlan device, the members of a bond or team.
    pub lower: Vec<u32>,
    /// Its root queueing discipline (IFLA_QDISC); `noqueue`: frames go straight on to
    /// the driver.
    pub qdisc: Option<String>,
    /// XDP programs attached to it.
    pub xdp: Vec<XdpProgram>,
}

/// Packets that a device dropped: by its driver, for want of buffers, or because nobody
/// wanted them (Documentation/networking/statistics.rst).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Those that came in.
    pub received: u64,
    /// Those that were to leave, behind the qdisc.
    pub to_be_sent: u64,
}

impl Drops {
    /// Those since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            received: self.received.saturating_sub(before.received),
            to_be_sent: self.to_be_sent.saturating_sub(before.to_be_sent),
        }
    }
}

/// An attached XDP program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpProgram {
    /// Where it runs.
    pub mode: XdpMode,
    /// The kernel's number of the program.
    pub id: u32,
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// Behind the driver.
    Generic,
    /// In the device.
    Offloaded,
}

impl Interface {
    pub(super) async fn by_index(handle: &Handle, ifindex: u32) -> RouteResult<Self> {
        let mut question = LinkMessage::default();
        question.header.index = ifindex;
        match Self::get(handle, question).await {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
                Err(RouteError::InterfaceGone { ifindex })
            }
            Err(error) => Err(refusal(format!("interface {ifindex}"), error)),
            Ok(interface) => interface.with_members(handle).await,
        }
    }

    pub(super) async fn by_name(handle: &Handle, name: &str) -> RouteResult<Self> {
        let mut question = LinkMessage::default();
        let attribute = LinkAttribute::IfName(name.to_owned());
        question.attributes.push(attribute);
        match Self::get(handle, question).await {
            // EINVAL, ERANGE: longer than a name can be.
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::ENODEV | libc::EINVAL | libc::ERANGE)
                ) =>
            {
                Err(RouteError::NoSuchInterface {
                    name: name.to_owned(),
                })
            }
            Err(error) => Err(refusal(format!("interface {name}"), error)),
            Ok(interface) => interface.with_members(handle).await,
        }
    }

    pub(super) async fn all(handle: &Handle) -> RouteResult<Vec<Self>> {
        let messages = dump(handle).await?;
        let mut interfaces: Vec<Self> = messages.iter().map(Self::from).collect();
        for interface in interfaces.iter_mut().filter(|i| i.has_members()) {
            interface.lower = members(&messages, interface.index);
        }
        interfaces.sort_by_key(|interface| interface.index);
        Ok(interfaces)
    }

    /// Packets that a device has dropped since it was made.
    pub(super) async fn drops(handle: &Handle, ifindex: u32) -> RouteResult<Drops> {
        let mut question = LinkMessage::default();
        question.header.index = ifindex;
        let answer = ask(handle, RouteNetlinkMessage::GetLink(question), 0).await;
        let answer = answer.map_err(|error| refusal(format!("interface {ifindex}"), error))?;
        let Some(RouteNetlinkMessage::NewLink(message)) = answer else {
            return Err(RouteError::InterfaceGone { ifindex });
        };
        let drops = message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                LinkAttribute::Stats64(stats) => Some(Drops {
                    received: stats.rx_dropped.saturating_add(stats.rx_missed_errors),
                    to_be_sent: stats.tx_dropped,
                }),
                _ => None,
            });
        Ok(drops.unwrap_or_default())
    }

    /// Refuses a device that nothing can be sent by.
    pub(super) fn check_usable(&self) -> RouteResult<()> {
        let name = self.name.clone();
        match (self.up, self.carrier) {
            (false, _) => Err(RouteError::InterfaceDown { name }),
            (true, false) => Err(RouteError::NoCarrier { name }),
            (true, true) => Ok(()),
        }
    }

    /// Source of the Ethernet headers to be written for it; `None` where none is.
    pub(super) fn ethernet_address(&self) -> Option<Mac> {
        self.address.filter(|_| self.ethernet && !self.loopback)
    }

    fn has_members(&self) -> bool {
        matches!(self.kind.as_deref(), Some("bond" | "team"))
    }

    async fn get(handle: &Handle, question: LinkMessage) -> io::Result<Self> {
        match ask(handle, RouteNetlinkMessage::GetLink(question), 0).await? {
            Some(RouteNetlinkMessage::NewLink(message)) => Ok(Self::from(&message)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    async fn with_members(self, handle: &Handle) -> RouteResult<Self> {
        if !self.has_members() {
            return Ok(self);
        }
        let lower = members(&dump(handle).await?, self.index);
        Ok(Self { lower, ..self })
    }
}

impl From<&LinkMessage> for Interface {
    fn from(message: &LinkMessage) -> Self {
        let layer = message.header.link_layer_type;
        let flags = message.header.flags;
        let mut interface = Self {
            index: message.header.index,
            name: String::new(),
            kind: None,
            ethernet: matches!(layer, LinkLayerType::Ether | LinkLayerType::Loopback),
            loopback: layer == LinkLayerType::Loopback,
            up: flags.contains(LinkFlags::Up),
            carrier: flags.contains(LinkFlags::LowerUp),
            mtu: 0,
            address: None,
            lower: Vec::new(),
            qdisc: None,
            xdp: Vec::new(),
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => interface.name.clone_from(name),
                LinkAttribute::Qdisc(name) => interface.qdisc = Some(name.clone()),
                LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
                LinkAttribute::Address(a) => interface.address = Mac::try_from(a.as_slice()).ok(),
                LinkAttribute::LinkInfo(infos) => interface.kind = infos.iter().find_map(kind),
                LinkAttribute::Xdp(xdp) => interface.xdp = xdp.iter().filter_map(program).collect(),
                _ => {}
            }
        }
        interface.lower = parent(message, interface.kind.as_deref())
            .into_iter()
            .collect();
        interface
    }
}

async fn dump(handle: &Handle) -> RouteResult<Vec<LinkMessage>> {
    let links = handle.link().get().execute();
    let links: Result<Vec<_>, _> = links.try_collect().await;
    links.map_err(|error| refusal("all interfaces".to_owned(), io::Error::other(error)))
}

fn refusal(subject: String, error: io::Error) -> RouteError {
    RouteError::Netlink {
        subject,
        request: "a link lookup",
        error,
    }
}

/// The device under a VLAN, macvlan or ipvlan device. IFLA_LINK of other kinds is
/// something else (a veth's is its peer), and with IFLA_LINK_NETNSID it is a
/// device of another namespace.
fn parent(message: &LinkMessage, kind: Option<&str>) -> Option<u32> {
    let stacked = ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"];
    if !kind.is_some_and(|kind| stacked.contains(&kind)) {
        return None;
    }
    let elsewhere = |a: &LinkAttribute| matches!(a, LinkAttribute::LinkNetNsId(_));
    if message.attributes.iter().any(elsewhere) {
        return None;
    }
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::Link(index) => Some(*index),
            _ => None,
        })
}

fn members(messages: &[LinkMessage], controller: u32) -> Vec<u32> {
    let belongs = |message: &&LinkMessage| {
        let wanted = LinkAttribute::Controller(controller);
        message.attributes.contains(&wanted)
    };
    let members = messages.iter().filter(belongs);
    members.map(|message| message.header.index).collect()
}

fn kind(info: &LinkInfo) -> Option<String> {
    match info {
        LinkInfo::Kind(InfoKind::Other(kind)) => Some(kind.clone()),
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    }
}

fn program(attribute: &LinkXdp) -> Option<XdpProgram> {
    let (mode, id) = match attribute {
        LinkXdp::DrvProgId(id) => (XdpMode::Native, *id),
        LinkXdp::SkbProgId(id) => (XdpMode::Generic, *id),
        LinkXdp::HwProgId(id) => (XdpMode::Offloaded, *id),
        _ => return None,
    };
    Some(XdpProgram { mode, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device's message as the kernel sends it.
    fn message(index: u32, kind: InfoKind, attributes: &[LinkAttribute]) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes = attributes.to_vec();
        let kind = LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]);
        message.attributes.push(kind);
        message
    }

    #[test]
    fn only_stacked_devices_stand_on_another_and_only_on_one_of_their_namespace() {
        let lower = |kind, attributes: &[_]| Interface::from(&message(7, kind, attributes)).lower;
        let link = LinkAttribute::Link(3);
        assert_eq!(lower(InfoKind::Vlan, std::slice::from_ref(&link)), [3]);
        assert_eq!(lower(InfoKind::IpVlan, std::slice::from_ref(&link)), [3]);
        assert_eq!(lower(InfoKind::Veth, std::slice::from_ref(&link)), [0; 0]);
        assert_eq!(lower(InfoKind::Vxlan, std::slice::from_ref(&link)), [0; 0]);
        let elsewhere = [link, LinkAttribute::LinkNetNsId(0)];
        assert_eq!(lower(InfoKind::Vlan, &elsewhere), [0; 0]);
    }

    #[test]
    fn a_bond_stands_on_its_members() {
        let ports = [(2, 9), (3, 9), (4, 8)];
        let ports = ports.map(|(index, bond)| {
            message(index, InfoKind::Veth, &[LinkAttribute::Controller(bond)])
        });
        assert_eq!(members(&ports, 9), [2, 3]);
        assert!(Interface::from(&message(9, InfoKind::Bond, &[])).has_members());
        assert!(Interface::from(&message(9, InfoKind::Team, &[])).has_members());
        assert!(!Interface::from(&message(9, InfoKind::Bridge, &[])).has_members());
    }
}
