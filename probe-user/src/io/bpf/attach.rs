//! Attaching: by links, so that everything vanishes with the process.

use std::collections::BTreeMap;

use aya::programs::{TcAttachType, XdpMode, links::FdLink};
use probe_common::abi::names;

use super::{
    link::{self, Refusal},
    load::Kernel,
};
use crate::{
    engine::{plan::RxMode, stamp::RxHook},
    error::{Error, Result},
    io::network::Interface,
};

/// Drivers on which switching native XDP on disturbs nothing.
const HARMLESS_DRIVERS: [&str; 2] = ["veth", "tun"];

/// What was attached to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Index of the interface.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// The queueing discipline that probes pass behind their stamp.
    pub qdisc: Option<String>,
    /// Whether what it sends may wait in a device below or in a queue of its own (a bridge,
    /// a tunnel), whatever its queueing discipline.
    pub stacked: bool,
    /// Receive hook.
    pub rx: RxHook,
    /// Whether probes leave by it; else replies may come in by it.
    pub sends: bool,
    /// Why it is not the one asked for.
    pub notice: Option<String>,
}

/// Links: whoever drops them detaches.
#[derive(Debug, Default)]
pub(super) struct Links {
    kept: Vec<FdLink>,
    /// Receivers of devices that probes do not leave by, by index.
    listening: BTreeMap<u32, FdLink>,
}

impl Links {
    pub(super) fn add(&mut self, link: FdLink) {
        self.kept.push(link);
    }
}

impl Kernel {
    /// Attaches the stamp and a receiver to an interface, in place of one that only listened.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the kernel refuses; a busy XDP hook falls to TCX.
    pub fn attach(&mut self, interface: &Interface, mode: RxMode) -> Result<Attachment> {
        let stamp = if interface.ethernet {
            names::TX_TCX
        } else {
            names::TX_TCX_L3
        };
        let stamp = link::tcx(&mut self.ebpf, stamp, &interface.name, TcAttachType::Egress)?;
        self.links.add(stamp);
        self.links.listening.remove(&interface.index);
        let (rx, notice) = self.attach_receiver(interface, mode)?;
        Ok(Attachment {
            ifindex: interface.index,
            name: interface.name.clone(),
            qdisc: interface.qdisc.clone(),
            stacked: is_stacked(interface),
            rx,
            sends: true,
            notice,
        })
    }

    /// Attaches only a receiver, at TCX ingress.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the kernel refuses.
    pub fn listen(&mut self, interface: &Interface) -> Result<Attachment> {
        let link = self.tcx_receiver(interface)?;
        self.links.listening.insert(interface.index, link);
        Ok(Attachment {
            ifindex: interface.index,
            name: interface.name.clone(),
            qdisc: interface.qdisc.clone(),
            stacked: is_stacked(interface),
            rx: RxHook::Tcx,
            sends: false,
            notice: None,
        })
    }

    /// Detaches everything; counters stay readable.
    pub fn detach(&mut self) {
        self.links = Links::default();
    }

    fn attach_receiver(
        &mut self,
        interface: &Interface,
        mode: RxMode,
    ) -> Result<(RxHook, Option<String>)> {
        let wanted = match mode {
            RxMode::Tcx => RxHook::Tcx,
            RxMode::XdpNative => RxHook::XdpNative,
            RxMode::XdpGeneric => RxHook::XdpGeneric,
            RxMode::Auto if is_harmless(interface) => RxHook::XdpNative,
            RxMode::Auto => RxHook::Tcx,
        };
        let xdp_mode = match wanted {
            RxHook::XdpNative => XdpMode::Driver,
            RxHook::XdpGeneric => XdpMode::Skb,
            RxHook::Tcx => {
                let link = self.tcx_receiver(interface)?;
                self.links.add(link);
                return Ok((wanted, None));
            }
        };
        match self.xdp_receiver(interface, xdp_mode) {
            Ok(link) => {
                self.links.add(link);
                Ok((wanted, None))
            }
            Err(refusal) if mode == RxMode::Auto || refusal.is_busy() => {
                let link = self.tcx_receiver(interface)?;
                self.links.add(link);
                let notice = format!(
                    "{}: {} on {}, so replies are stamped at TCX ingress",
                    wanted.name(),
                    refusal.reason(),
                    interface.name
                );
                Ok((RxHook::Tcx, Some(notice)))
            }
            Err(refusal) => Err(Error::Environment(format!(
                "cannot attach {} to {}: {}; try --rx tcx",
                wanted.name(),
                interface.name,
                refusal.reason()
            ))),
        }
    }

    fn xdp_receiver(
        &mut self,
        interface: &Interface,
        mode: XdpMode,
    ) -> std::result::Result<FdLink, Refusal> {
        let name = if interface.ethernet {
            names::RX_XDP
        } else {
            names::RX_XDP_L3
        };
        link::xdp(&mut self.ebpf, name, &interface.name, mode)
    }

    fn tcx_receiver(&mut self, interface: &Interface) -> Result<FdLink> {
        let name = if interface.ethernet {
            names::RX_TCX
        } else {
            names::RX_TCX_L3
        };
        link::tcx(&mut self.ebpf, name, &interface.name, TcAttachType::Ingress)
    }
}

/// All software devices but pairs, whose driver hands frames over at once.
fn is_stacked(interface: &Interface) -> bool {
    interface.kind.as_deref().is_some_and(|kind| kind != "veth")
}

fn is_harmless(interface: &Interface) -> bool {
    interface
        .kind
        .as_deref()
        .is_some_and(|kind| HARMLESS_DRIVERS.contains(&kind))
}
