//! A program at a hook, held by a link: it is gone with the link, also after SIGKILL.

use std::result;

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType, Xdp, XdpMode, links::FdLink,
        tc::TcAttachOptions,
    },
};

use super::load::{mismatch, refused};
use crate::error::Result;

/// Attaches a program to an interface at TCX, before all others.
///
/// # Errors
///
/// [`crate::error::Error::Environment`] if the kernel refuses.
pub(super) fn tcx(
    ebpf: &mut Ebpf,
    name: &str,
    interface: &str,
    hook: TcAttachType,
) -> Result<FdLink> {
    let program: &mut SchedClassifier = ebpf
        .program_mut(name)
        .ok_or_else(|| mismatch(name))?
        .try_into()
        .map_err(|error| refused("use the embedded object", &error))?;
    let what = format!("attach {name} to {interface}");
    let link = loaded(program.load())
        .and_then(|()| {
            let first = TcAttachOptions::TcxOrder(LinkOrder::first());
            program.attach_with_options(interface, hook, first)
        })
        .and_then(|id| program.take_link(id))
        .map_err(|error| refused(&what, &error))?;
    FdLink::try_from(link).map_err(|error| refused(&what, &error))
}

/// Attaches a program to an interface at XDP.
///
/// # Errors
///
/// Why it cannot be.
pub(super) fn xdp(
    ebpf: &mut Ebpf,
    name: &str,
    interface: &str,
    mode: XdpMode,
) -> result::Result<FdLink, Refusal> {
    let program: &mut Xdp = ebpf.program_mut(name).ok_or(Refusal::Missing)?.try_into()?;
    loaded(program.load())?;
    let id = program.attach(interface, mode)?;
    // aya attaches over netlink where the kernel has no XDP links; that would
    // survive a SIGKILL, so it is undone (by dropping it) and refused.
    FdLink::try_from(program.take_link(id)?).map_err(|_| Refusal::NoLink)
}

/// A program is loaded once and attached to every interface.
fn loaded(result: result::Result<(), ProgramError>) -> result::Result<(), ProgramError> {
    match result {
        Err(ProgramError::AlreadyLoaded) => Ok(()),
        other => other,
    }
}

/// Why XDP could not be attached.
#[derive(Debug)]
pub(super) enum Refusal {
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

    /// Whether another's program is there.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.errno(), Some(libc::EBUSY | libc::EEXIST))
    }

    /// In words.
    pub(super) fn reason(&self) -> String {
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
