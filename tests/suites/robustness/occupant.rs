//! Another owner's XDP program on a device.

use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    programs::{Xdp, XdpMode},
};
use nix::net::if_::if_nametoindex;
use probe_tests::lab::Namespace;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage, LinkXdp};

/// It passes everything: its constants give it no ports.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../probe-user/object/probe.bpf.o");
const PROGRAM: &str = "rx_xdp";

/// `XDP_FLAGS_DRV_MODE` of `linux/if_link.h`.
const DRIVER_MODE: u32 = 1 << 2;

/// How the program is attached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// By a link, in the driver.
    Link,
    /// By a link, behind the driver.
    GenericLink,
    /// By netlink, as ip(8) does.
    Netlink,
}

/// The program; it goes with this value, or with its device.
pub(crate) struct Occupant {
    _object: Ebpf,
    /// Its number.
    pub(crate) id: u32,
}

impl Occupant {
    pub(crate) fn attach(host: &Namespace, device: &str, by: By) -> Result<Self> {
        let mut object = EbpfLoader::new().map_max_entries("RINGS", 1).load(OBJECT)?;
        let program = object.program_mut(PROGRAM).context("no such program")?;
        let program: &mut Xdp = program.try_into()?;
        program.load()?;
        host.enter(|| {
            let index = if_nametoindex(device)?;
            let mode = match by {
                By::Link => XdpMode::Driver,
                By::GenericLink => XdpMode::Skb,
                By::Netlink => return set_by_netlink(index, program.fd()?.as_fd().as_raw_fd()),
            };
            program.attach_to_if_index(index, mode)?;
            Ok(())
        })?;
        let id = program.info()?.id();
        Ok(Self {
            _object: object,
            id,
        })
    }
}

fn set_by_netlink(index: u32, program: i32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        let mut message = LinkMessage::default();
        message.header.index = index;
        let xdp = vec![LinkXdp::Fd(program), LinkXdp::Flags(DRIVER_MODE)];
        message.attributes.push(LinkAttribute::Xdp(xdp));
        Ok(handle.link().set(message).execute().await?)
    })
}
