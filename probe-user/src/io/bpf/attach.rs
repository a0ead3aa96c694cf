//! Attaching: by links, so that everything vanishes with the process.

use std::collections::BTreeMap;

use aya::programs::{
    LinkOrder, ProgramError, SchedClassifier, TcAttachType, Xdp, XdpMode, links::FdLink,
    tc::TcAttachOptions,
};
use probe_common::abi::names;

use super::load::{Kernel, mismatch, refused};
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
        self.attach_stamp(interface)?;
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
        self.attach_tcx_receiver(interface)?;
        if let Some(link) = self.links.kept.pop() {
            self.links.listening.insert(interface.index, link);
        }
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

    /// Attaches only the stamp, where a receiver is attached already.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the kernel refuses.
    pub fn attach_stamp(&mut self, interface: &Interface) -> Result<()> {
        let name = if interface.ethernet {
            names::TX_TCX
        } else {
            names::TX_TCX_L3
        };
        self.attach_tcx(name, &interface.name, TcAttachType::Egress)
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
            RxHook::Tcx => return self.attach_tcx_receiver(interface).map(|()| (wanted, None)),
        };
        match self.attach_xdp(interface, xdp_mode) {
            Ok(()) => Ok((wanted, None)),
            Err(refusal) if mode == RxMode::Auto || refusal.is_busy() => {
                self.attach_tcx_receiver(interface)?;
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

    fn attach_xdp(
        &mut self,
        interface: &Interface,
        mode: XdpMode,
    ) -> std::result::Result<(), Refusal> {
        let name = if interface.ethernet {
            names::RX_XDP
        } else {
            names::RX_XDP_L3
        };
        let program: &mut Xdp = self
            .ebpf
            .program_mut(name)
            .ok_or(Refusal::Missing)?
            .try_into()?;
        loaded(program.load())?;
        let id = program.attach_to_if_index(interface.index, mode)?;
        // aya attaches over netlink where the kernel has no XDP links; that would
        // survive a SIGKILL, so it is undone (by dropping it) and refused.
        let link = FdLink::try_from(program.take_link(id)?).map_err(|_| Refusal::NoLink)?;
        self.links.add(link);
        Ok(())
    }

    fn attach_tcx_receiver(&mut self, interface: &Interface) -> Result<()> {
        let name = if interface.ethernet {
            names::RX_TCX
        } else {
            names::RX_TCX_L3
        };
        self.attach_tcx(name, &interface.name, TcAttachType::Ingress)
    }

    fn attach_tcx(&mut self, name: &str, interface: &str, hook: TcAttachType) -> Result<()> {
        let program: &mut SchedClassifier = self
            .ebpf
            .program_mut(name)
            .ok_or_else(|| mismatch(name))?
            .try_into()
            .map_err(|error| refused("use the embedded object", &error))?;
        let link = loaded(program.load())
            .and_then(|()| {
                let first = TcAttachOptions::TcxOrder(LinkOrder::first());
                program.attach_with_options(interface, hook, first)
            })
            .and_then(|id| program.take_link(id))
            .map_err(|error| refused(&format!("attach {name} to {interface}"), &error))?;
        let link = FdLink::try_from(link)
            .map_err(|error| refused(&format!("attach {name} to {interface}"), &error))?;
        self.links.add(link);
        Ok(())
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

/// A program is loaded once and attached to every interface.
fn loaded(result: std::result::Result<(), ProgramError>) -> std::result::Result<(), ProgramError> {
    match result {
        Err(ProgramError::AlreadyLoaded) => Ok(()),
        other => other,
    }
}

/// Why XDP could not be attached.
#[derive(Debug)]
enum Refusal {
    /// The object lacks the program.
    Missing,
    /// The kernel would attach without a link.
    NoLink,
    /// What the kernel said.
    Program(ProgramError),
}

impl From<ProgramError> for Refusal {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}

impl Refusal {
    fn errno(&self) -> Option<i32> {
        match self {
            Self::Program(ProgramError::SyscallError(error)) => error.io_error.raw_os_error(),
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.errno(), Some(libc::EBUSY | libc::EEXIST))
    }

    fn reason(&self) -> String {
        match (self, self.errno()) {
            (_, Some(libc::EBUSY | libc::EEXIST)) => {
                "another owner's XDP program is attached".into()
            }
            (_, Some(libc::EOPNOTSUPP)) => "the driver has no native XDP".into(),
            (Self::Missing, _) => "the embedded object lacks the program".into(),
            (Self::NoLink, _) => "the kernel has no XDP links".into(),
            (Self::Program(error), _) => refused("attach", error).to_string(),
        }
    }
}
