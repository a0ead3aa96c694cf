//! Loading the embedded object and reaching its maps.

use std::os::fd::AsFd as _;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, ArrayOfMaps, Map, MapData, PerCpuArray, RingBuf},
};
use probe_common::{
    abi::{self, ABI_VERSION, Config, Control, Counters, names},
    identity::NonceKey,
};

use super::attach::Links;
use crate::{
    error::{Error, Result},
    io::{
        pod::AsPod,
        ring::RingSet,
        slots::SlotTable,
        trails::{Room, TrailTable},
    },
};

#[cfg(not(feature = "log"))]
/// The compiled programs; `cargo xtask ebpf` makes them.
pub(super) static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../object/probe.bpf.o");

/// `BPF_MAP_TYPE_RINGBUF` of `linux/bpf.h`.
const RINGBUF: u32 = 27;

/// What a run asks of the kernel side.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Constants of the run.
    pub config: Config,
    /// Secret that nonces are drawn from.
    pub key: NonceKey,
    /// Bytes of each CPU's ring: a power of two, whole pages.
    pub ring_bytes: u32,
    /// What the generator needs, if it may be used.
    pub generator: Option<GeneratorSettings>,
    /// Room for what is known of paths, in an adaptive sweep.
    pub paths: Option<Room>,
}

/// What the generator needs.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorSettings {
    /// Its constants.
    pub constants: abi::Generator,
    /// Words of its list of targets.
    pub target_words: u32,
}

/// The programs and maps of a run. Dropping it detaches everything.
#[derive(Debug)]
pub struct Kernel {
    pub(super) ebpf: Ebpf,
    pub(super) links: Links,
    settings: Settings,
    cpus: u32,
}

impl Kernel {
    /// Loads the object and creates its maps; attaches nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the kernel refuses, with what to do.
    pub fn load(settings: Settings) -> Result<Self> {
        debug_assert_eq!(settings.config.abi_version, ABI_VERSION);
        let cpus = cpus()?;
        let config = AsPod(settings.config);
        #[cfg(feature = "log")]
        let object = super::log::object()?;
        #[cfg(not(feature = "log"))]
        let object = OBJECT;
        let mut loader = EbpfLoader::new();
        let generator = settings
            .generator
            .map(|generator| AsPod(generator.constants));
        if let (Some(generator), Some(constants)) = (settings.generator, &generator) {
            let shards = settings.config.ports.slots() >> 16;
            loader
                .override_global(names::GENERATOR, constants, true)
                .map_max_entries(names::LANES, cpus)
                .map_max_entries(names::TARGETS, generator.target_words.max(1))
                .map_max_entries(names::RUNS, generator.constants.runs.max(1))
                .map_max_entries(names::NEXT, generator.constants.lanes * shards);
        }
        if let Some(room) = settings.paths {
            loader
                .map_max_entries(names::TRAILS, room.seats)
                .map_max_entries(names::STOPS, room.stop_mask + 1)
                .map_max_entries(names::HINTS, room.hint_mask + 1);
        }
        #[cfg_attr(
            not(feature = "log"),
            expect(unused_mut, reason = "logging takes a map")
        )]
        let mut ebpf = loader
            // No program relocates against kernel types: parsing the kernel's
            // BTF would only cost memory.
            .btf(None)
            .override_global(names::CONFIG, &config, true)
            .map_max_entries(names::SLOTS, settings.config.ports.slots())
            .map_max_entries(names::RINGS, cpus)
            .load(object.as_ref())
            .map_err(|error| refused("load the kernel programs", &error))?;
        #[cfg(feature = "log")]
        super::log::follow(&mut ebpf)?;
        Ok(Self {
            ebpf,
            links: Links::default(),
            settings,
            cpus,
        })
    }

    /// Maps the slots; once.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if there is no memory for them.
    pub fn slots(&self) -> Result<SlotTable> {
        // Borrowed: programs are still to be loaded that name it by its descriptor.
        let Some(Map::Array(data)) = self.ebpf.map(names::SLOTS) else {
            return Err(mismatch(names::SLOTS));
        };
        SlotTable::map(
            data.fd().as_fd(),
            self.settings.config.ports,
            self.settings.key,
            self.settings.config.timeout_ns,
        )
        .map_err(|error| refused("map the slots into memory", &error))
    }

    /// Maps what is known of paths; `None`: the sweep is not adaptive.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if there is no memory for it.
    pub fn trails(&self) -> Result<Option<TrailTable>> {
        let Some(room) = self.settings.paths else {
            return Ok(None);
        };
        let array = |name| match self.ebpf.map(name) {
            Some(Map::Array(data)) => Ok(data),
            _ => Err(mismatch(name)),
        };
        let (trails, hints) = (array(names::TRAILS)?, array(names::HINTS)?);
        TrailTable::map(trails.fd().as_fd(), hints.fd().as_fd(), room)
            .map(Some)
            .map_err(|error| refused("map the trails into memory", &error))
    }

    /// Makes a ring for each CPU; once.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if there is no memory for them.
    pub fn rings(&mut self) -> Result<RingSet> {
        let map = self
            .ebpf
            .map_mut(names::RINGS)
            .ok_or_else(|| mismatch(names::RINGS))?;
        let mut outer = ArrayOfMaps::<_, RingBuf<MapData>>::try_from(map)
            .map_err(|error| refused("open the map of rings", &error))?;
        let mut rings = Vec::new();
        for cpu in 0..outer.len() {
            let ring = create_ring(self.settings.ring_bytes)
                .and_then(|ring| outer.set(cpu, &ring, 0).map(|()| ring))
                .map_err(|error| refused("create a ring buffer", &error))?;
            let ring = ring.as_fd().try_clone_to_owned();
            rings.push(ring.map_err(|error| refused("open a ring buffer", &error))?);
        }
        RingSet::new(rings, self.settings.ring_bytes)
            .map_err(|error| refused("map a ring buffer into memory", &error))
    }

    /// CPUs, each of which has a ring, and may be a lane of the generator.
    pub(super) fn cpus(&self) -> usize {
        self.cpus as usize
    }

    /// The counters of all CPUs together.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the map cannot be read.
    pub fn counters(&self) -> Result<Counters> {
        let map = self
            .ebpf
            .map(names::COUNTERS)
            .ok_or_else(|| mismatch(names::COUNTERS))?;
        let mut sum = Counters::ZERO;
        let values = PerCpuArray::<_, AsPod<Counters>>::try_from(map)
            .and_then(|counters| counters.get(&0, 0))
            .map_err(|error| refused("read the counters", &error))?;
        for AsPod(cpu) in values.iter() {
            sum.merge(cpu);
        }
        Ok(sum)
    }

    /// Sets how many bytes wait in a ring before its reader is woken.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if the map cannot be written.
    pub fn set_wakeup_bytes(&mut self, wakeup_bytes: u64) -> Result<()> {
        let map = self
            .ebpf
            .map_mut(names::CONTROL)
            .ok_or_else(|| mismatch(names::CONTROL))?;
        Array::<_, AsPod<Control>>::try_from(map)
            .and_then(|mut control| control.set(0, AsPod(Control { wakeup_bytes }), 0))
            .map_err(|error| refused("set the wake-up rule", &error))
    }
}

fn create_ring(bytes: u32) -> std::result::Result<RingBuf<MapData>, aya::maps::MapError> {
    let definition = aya_obj::Map::new_from_params(RINGBUF, 0, 0, bytes, 0);
    RingBuf::try_from(Map::RingBuf(MapData::create(
        definition,
        "probe_ring",
        None,
    )?))
}

pub(super) fn cpus() -> Result<u32> {
    let count = aya::util::nr_cpus().map_err(|(file, error)| {
        Error::Environment(format!("cannot count the CPUs: {file}: {error}"))
    })?;
    Ok(u32::try_from(count).map_or(names::MAX_CPUS, |count| count.min(names::MAX_CPUS)))
}

/// One line: what could not be done, and why. Of a verifier's log only its verdict.
pub(super) fn refused(what: &str, error: &dyn std::error::Error) -> Error {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let line = one_line(&cause.to_string());
        if !causes.iter().any(|known| known.contains(&line)) {
            causes.push(line);
        }
        next = cause.source();
    }
    Error::Environment(format!(
        "cannot {what}: {}; run `probe doctor` for what is missing",
        causes.join(": ")
    ))
}

/// The first line of an error, less the log that it introduces, and the verdict
/// that the log ends with, in front of its statistics.
fn one_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let Some((reason, _)) = first.split_once(" Verifier output:") else {
        return first.to_owned();
    };
    let verdict = text
        .lines()
        .take_while(|line| !line.starts_with("verification time") && !line.starts_with("processed"))
        .last()
        .unwrap_or_default();
    format!("{reason} The verifier: {verdict}")
}

pub(super) fn mismatch(name: &str) -> Error {
    Error::Environment(format!(
        "the embedded object has no {name}: rebuild it with `cargo xtask ebpf`"
    ))
}
