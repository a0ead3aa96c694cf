//! The lab's kernel programs.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    programs::{LinkOrder, SchedClassifier, TcAttachType, Xdp, XdpMode, tc::TcAttachOptions},
};

use super::namespace::Namespace;

/// Built by `cargo xtask ebpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../object/lab.bpf.o");

/// The object in the kernel, its programs not yet; dropping it detaches them.
pub(crate) fn load() -> Result<Ebpf> {
    Ebpf::load(OBJECT).context("cannot load the lab's kernel programs")
}

/// The same, with a global variable set.
pub(crate) fn load_with((global, value): (&str, &[u8])) -> Result<Ebpf> {
    EbpfLoader::new()
        .override_global(global, value, true)
        .load(OBJECT)
        .context("cannot load the lab's kernel programs")
}

/// The same, with room for so many values in a map.
pub(crate) fn load_with_room(map: &str, entries: u32) -> Result<Ebpf> {
    EbpfLoader::new()
        .map_max_entries(map, entries)
        .load(OBJECT)
        .context("cannot load the lab's kernel programs")
}

/// Attaches a program to devices of a namespace by TCX links, which go with the
/// process.
pub(crate) fn attach(
    object: &mut Ebpf,
    name: &str,
    hook: TcAttachType,
    namespace: &Namespace,
    devices: &[&str],
) -> Result<()> {
    let program: &mut SchedClassifier = object
        .program_mut(name)
        .with_context(|| format!("the lab's object has no program {name}"))?
        .try_into()?;
    if program.fd().is_err() {
        program
            .load()
            .with_context(|| format!("the kernel refuses the program {name}"))?;
    }
    namespace.enter(|| {
        for device in devices {
            let options = TcAttachOptions::TcxOrder(LinkOrder::first());
            program
                .attach_with_options(device, hook, options)
                .with_context(|| {
                    format!("cannot attach {name} to {device}: TCX needs Linux 6.6")
                })?;
        }
        Ok(())
    })
}

/// Attaches an XDP program to a device of a namespace, in its driver, by a link,
/// which goes with the process.
pub(crate) fn attach_xdp(
    object: &mut Ebpf,
    name: &str,
    namespace: &Namespace,
    device: &str,
) -> Result<()> {
    let program: &mut Xdp = object
        .program_mut(name)
        .with_context(|| format!("the lab's object has no program {name}"))?
        .try_into()?;
    program
        .load()
        .with_context(|| format!("the kernel refuses the program {name}"))?;
    namespace.enter(|| {
        program
            .attach(device, XdpMode::Driver)
            .with_context(|| format!("cannot attach {name} to {device}"))?;
        Ok(())
    })
}
