//! Bare stamps, attached by links: what the clock and the hooks cost by themselves.

use aya::{
    Ebpf, EbpfLoader,
    maps::Array,
    programs::{TcAttachType, XdpMode, links::FdLink},
};
use probe_common::abi::{
    floor::{FLOOR, FLOOR_MIRROR, FLOOR_RX, FLOOR_TX, Pair},
    names,
};

#[cfg(not(feature = "log"))]
use super::load::OBJECT;
use super::{
    link,
    load::{cpus, mismatch, refused},
};
use crate::{
    error::{Error, Result},
    io::pod::AsPod,
};

/// Both stamps and a far end that sends frames back. Dropping it detaches them.
#[derive(Debug)]
pub struct Floor {
    ebpf: Ebpf,
    links: Vec<FdLink>,
}

impl Floor {
    /// Stamps what leaves by the device `near`, and comes back from `far`; with room for
    /// the stamps of so many packets.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Environment`] if the kernel refuses, with what to do.
    pub fn attach(near: &str, far: &str, packets: u32) -> Result<Self> {
        #[cfg(feature = "log")]
        let object = super::log::object()?;
        #[cfg(not(feature = "log"))]
        let object = OBJECT;
        let ebpf = EbpfLoader::new()
            .btf(None)
            .map_max_entries(FLOOR, packets)
            .map_max_entries(names::RINGS, cpus()?)
            .load(object.as_ref())
            .map_err(|error| refused("load the kernel programs", &error))?;
        let links = Vec::new();
        let mut floor = Self { ebpf, links };
        floor.attach_xdp(FLOOR_MIRROR, far)?;
        floor.attach_xdp(FLOOR_RX, near)?;
        let stamp = link::tcx(&mut floor.ebpf, FLOOR_TX, near, TcAttachType::Egress)?;
        floor.links.push(stamp);
        Ok(floor)
    }

    /// The stamps of a packet.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Environment`] if the map cannot be read.
    pub fn pair(&self, place: u32) -> Result<Pair> {
        let map = self.ebpf.map(FLOOR).ok_or_else(|| mismatch(FLOOR))?;
        Array::<_, AsPod<Pair>>::try_from(map)
            .and_then(|pairs| pairs.get(&place, 0))
            .map(|AsPod(pair)| pair)
            .map_err(|error| refused("read the stamps", &error))
    }

    fn attach_xdp(&mut self, name: &str, device: &str) -> Result<()> {
        let link = link::xdp(&mut self.ebpf, name, device, XdpMode::Driver);
        let link = link.map_err(|refusal| {
            let why = refusal.reason();
            Error::Environment(format!("cannot attach {name} to {device}: {why}"))
        })?;
        self.links.push(link);
        Ok(())
    }
}
