//! The generator's programs and arrays.

use std::os::fd::AsFd as _;

use aya::{
    maps::{Map, MapData, PerCpuArray},
    programs::{RawTracePoint, Xdp, links::FdLink},
};
use probe_common::abi::{
    generator::{Lane, MOST_STRETCHES, MOST_WAYS, Refusals, Run, Stretch, Way},
    names,
};

use super::load::{Kernel, mismatch, refused};
use crate::{
    error::Result,
    io::{
        generator::{Arrays, Generator, Layout},
        mapped::Mapped,
        pod::AsPod,
    },
};

/// Words of a value.
const fn words<T>() -> usize {
    size_of::<T>() / 8
}

impl Kernel {
    /// Loads the generator, and the programs that count what drivers refuse; once, and
    /// only if its constants were given at the load.
    ///
    /// # Errors
    ///
    /// `Error::Environment` if the kernel refuses.
    pub fn generator(&mut self, layout: &Layout) -> Result<Generator> {
        let program: &mut Xdp = self
            .ebpf
            .program_mut(names::GENERATE)
            .ok_or_else(|| mismatch(names::GENERATE))?
            .try_into()
            .map_err(|error| refused("use the embedded object", &error))?;
        let program = program
            .load()
            .and_then(|()| Ok(program.fd()?.as_fd().try_clone_to_owned()?))
            .map_err(|error| refused("load the generator", &error))?;
        self.watch(names::TX_BULK, names::TX_BULK_POINT)?;
        self.watch(names::TX_ERROR, names::TX_ERROR_POINT)?;
        let cpus = self.cpus();
        let arrays = Arrays {
            lanes: self.mapped(names::LANES, cpus * words::<Lane>())?,
            targets: self.mapped(names::TARGETS, (layout.words() as usize).max(1))?,
            runs: self.mapped(
                names::RUNS,
                (layout.runs() as usize).max(1) * words::<Run>(),
            )?,
            ways: self.mapped(names::WAYS, 2 * MOST_WAYS as usize * words::<Way>())?,
            stretches: self.mapped(
                names::STRETCHES,
                2 * MOST_STRETCHES as usize * words::<Stretch>(),
            )?,
        };
        Ok(Generator::new(program, arrays, layout))
    }

    /// Probes that the generator has stamped, by TTL.
    ///
    /// # Errors
    ///
    /// `Error::Environment` if the map cannot be read.
    pub fn stamped_by_ttl(&self) -> Result<Vec<u64>> {
        let mut sums = vec![0; 256];
        for AsPod(of_cpu) in self.per_cpu::<[u64; 256]>(names::STAMPED_BY_TTL)? {
            for (sum, count) in sums.iter_mut().zip(of_cpu) {
                *sum += count;
            }
        }
        Ok(sums)
    }

    /// Frames of the generator that the driver refused behind their stamp.
    ///
    /// # Errors
    ///
    /// `Error::Environment` if the map cannot be read.
    pub fn refused_frames(&self) -> Result<u64> {
        let of_cpus = self.per_cpu::<Refusals>(names::REFUSALS)?;
        Ok(of_cpus.iter().map(|AsPod(of_cpu)| of_cpu.refused).sum())
    }

    fn per_cpu<T: bytemuck::Pod>(&self, name: &str) -> Result<Vec<AsPod<T>>> {
        let map = self.ebpf.map(name).ok_or_else(|| mismatch(name))?;
        let values = PerCpuArray::<_, AsPod<T>>::try_from(map).and_then(|map| map.get(&0, 0));
        let values = values.map_err(|error| refused(&format!("read {name}"), &error))?;
        Ok(values.iter().copied().collect())
    }

    /// Attaches a program to a tracepoint.
    fn watch(&mut self, name: &str, point: &str) -> Result<()> {
        let program: &mut RawTracePoint = self
            .ebpf
            .program_mut(name)
            .ok_or_else(|| mismatch(name))?
            .try_into()
            .map_err(|error| refused("use the embedded object", &error))?;
        let link = program
            .load()
            .and_then(|()| program.attach(point))
            .and_then(|id| program.take_link(id))
            .map_err(|error| refused(&format!("attach to the tracepoint {point}"), &error))?;
        self.links.add(FdLink::from(link));
        Ok(())
    }

    fn mapped(&self, name: &str, words: usize) -> Result<Mapped> {
        let Some(Map::Array(data)) = self.ebpf.map(name) else {
            return Err(mismatch(name));
        };
        let data: &MapData = data;
        Mapped::new(data.fd().as_fd(), words)
            .map_err(|error| refused(&format!("map {name} into memory"), &error))
    }
}
