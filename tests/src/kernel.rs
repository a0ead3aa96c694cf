//! The compiled programs in the kernel, run on packets of our choice
//! (`BPF_PROG_TEST_RUN`) without being attached to anything.

use anyhow::{Context as _, Result, bail, ensure};
use aya::{
    Ebpf, EbpfLoader, TestRun as _, TestRunOptions,
    maps::{Array, ArrayOfMaps, Map, MapData, PerCpuArray, RingBuf},
    programs::{Program, ProgramError, ProgramInfo, RawTracePoint, SchedClassifier, Xdp},
};
use probe_common::{
    abi::{Config, Counter, Counters, Event, Excerpt, ExtendedEvent, Generator, Hook, names},
    slot::Record,
};

use crate::reference::Link;

/// The object that `probe` embeds.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../probe-user/object/probe.bpf.o");

/// `BPF_MAP_TYPE_RINGBUF` of `linux/bpf.h`.
const RINGBUF: u32 = 27;
/// Bytes of each CPU's ring.
const RING_BYTES: u32 = 1 << 16;

/// Bytes of the two kinds of records.
const EVENT: usize = size_of::<Event>();
const EXTENDED: usize = size_of::<ExtendedEvent>();

/// A record, counters as the maps hold them.
type RecordWords = [u64; size_of::<Record>() / 8];
type CounterWords = [u64; Counter::COUNT];

/// A receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Name of the program.
    pub name: &'static str,
    /// Kind of the program.
    pub hook: Hook,
    /// Where it finds the IP header.
    pub link: Link,
    /// What it returns to let a packet pass.
    pub pass: u32,
}

/// `XDP_PASS`.
const XDP_PASS: u32 = 2;
/// `TC_ACT_UNSPEC` (-1): the next program's turn.
pub const TC_UNSPEC: u32 = u32::MAX;

/// Every receiver.
pub const RECEIVERS: [Receiver; 4] = [
    receiver(names::RX_XDP, Hook::Xdp, Link::Ethernet),
    receiver(names::RX_XDP_L3, Hook::Xdp, Link::FirstOctet),
    receiver(names::RX_TCX, Hook::Tcx, Link::Ethernet),
    receiver(names::RX_TCX_L3, Hook::Tcx, Link::SocketBuffer),
];

/// Every stamp, and where it finds the IP header.
pub const STAMPS: [(&str, Link); 2] = [
    (names::TX_TCX, Link::Ethernet),
    (names::TX_TCX_L3, Link::SocketBuffer),
];

/// Whether the kernel's test run may refuse a packet: one without a whole Ethernet
/// header, and, of socket buffers, one that ends in the IP header that its
/// ethertype promises, or before.
pub fn may_be_refused(program: &str, packet: &[u8]) -> bool {
    let header = match (program, packet.get(12..14)) {
        (names::RX_XDP | names::RX_XDP_L3, _) => return packet.len() < 14,
        (_, Some([0x08, 0x00])) => 20,
        (_, Some([0x86, 0xdd])) => 40,
        _ => 1,
    };
    packet.len() < 14 + header
}

const fn receiver(name: &'static str, hook: Hook, link: Link) -> Receiver {
    Receiver {
        name,
        hook,
        link,
        pass: match hook {
            Hook::Xdp => XDP_PASS,
            Hook::Tcx => TC_UNSPEC,
        },
    }
}

/// The programs of a run, loaded, and their maps.
pub struct Kernel {
    programs: Ebpf,
    slots: Array<MapData, RecordWords>,
    counters: PerCpuArray<MapData, CounterWords>,
    rings: Vec<RingBuf<MapData>>,
}

impl Kernel {
    /// Loads every program with these constants, and makes the rings.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn load(config: &Config) -> Result<Self> {
        let cpus = aya::util::nr_cpus().map_err(|(file, error)| {
            anyhow::Error::new(error).context(format!("cannot read {file}"))
        })?;
        let mut programs = EbpfLoader::new()
            .btf(None)
            .override_global(names::CONFIG, bytemuck::bytes_of(config), true)
            .map_max_entries(names::SLOTS, config.ports.slots())
            .map_max_entries(names::RINGS, cpus as u32)
            .load(OBJECT)
            .context("cannot load the kernel programs")?;
        load_programs(&mut programs)?;
        let rings = make_rings(&mut programs)?;
        let mut take = |name: &str| {
            let map = programs.take_map(name);
            map.with_context(|| format!("the object has no map {name}"))
        };
        Ok(Self {
            slots: take(names::SLOTS)?.try_into()?,
            counters: take(names::COUNTERS)?.try_into()?,
            rings,
            programs,
        })
    }

    /// Runs a program on a packet as if its socket had `mark` (TC only). Gives
    /// what it returns; `None` if the kernel does not take such a packet.
    ///
    /// # Errors
    ///
    /// If the program changed the packet, or if there is no such program.
    pub fn run(&self, program: &str, packet: &[u8], mark: u32) -> Result<Option<u32>> {
        let mut after = vec![0; packet.len()];
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        options.data_out = Some(&mut after);
        // `struct __sk_buff`: length, packet type, mark.
        let context: [u8; 12] = bytemuck::cast([0, 0, mark]);
        let result = match self.programs.program(program) {
            Some(Program::Xdp(xdp)) => xdp.test_run(options),
            Some(Program::SchedClassifier(classifier)) => {
                options.ctx_in = Some(&context);
                classifier.test_run(options)
            }
            _ => bail!("the object has no program {program}"),
        };
        let result = match result {
            Ok(result) => result,
            Err(ProgramError::SyscallError(error))
                if error.io_error.kind() == std::io::ErrorKind::InvalidInput =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(|| format!("cannot run {program}")),
        };
        let length = result.data_size_out as usize;
        ensure!(
            length == packet.len() && after == packet,
            "{program} changed the packet"
        );
        Ok(Some(result.return_value))
    }

    /// Runs an XDP program on a packet, without a look at what it leaves of it. Gives
    /// what it returns.
    ///
    /// # Errors
    ///
    /// If there is no such program, or the kernel does not take such a packet.
    pub fn feed(&self, program: &str, packet: &[u8]) -> Result<u32> {
        let Some(Program::Xdp(xdp)) = self.programs.program(program) else {
            bail!("the object has no XDP program {program}");
        };
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        Ok(xdp.test_run(options)?.return_value)
    }

    /// What a slot holds; `None` beyond the last.
    ///
    /// # Errors
    ///
    /// If the map cannot be read.
    pub fn slot(&self, index: u32) -> Result<Option<Record>> {
        if index >= self.slots.len() {
            return Ok(None);
        }
        Ok(Some(bytemuck::cast(self.slots.get(&index, 0)?)))
    }

    /// Overwrites a slot.
    ///
    /// # Errors
    ///
    /// If there is no such slot.
    pub fn set_slot(&mut self, index: u32, record: Record) -> Result<()> {
        let words: RecordWords = bytemuck::cast(record);
        Ok(self.slots.set(index, words, 0)?)
    }

    /// The counters of all CPUs together.
    ///
    /// # Errors
    ///
    /// If the map cannot be read.
    pub fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::ZERO;
        for words in self.counters.get(&0, 0)?.iter() {
            sum.merge(&Counters(*words));
        }
        Ok(sum)
    }

    /// Takes all events out of the rings, with what was copied from behind the quote.
    ///
    /// # Errors
    ///
    /// If a record is of another size.
    pub fn events(&mut self) -> Result<Vec<(Event, Option<Excerpt>)>> {
        let mut events = Vec::new();
        for ring in &mut self.rings {
            while let Some(item) = ring.next() {
                events.push(match item.len() {
                    EVENT => (bytemuck::pod_read_unaligned(&item), None),
                    EXTENDED => {
                        let record: ExtendedEvent = bytemuck::pod_read_unaligned(&item);
                        (record.event, Some(record.excerpt))
                    }
                    octets => bail!("a record of {octets} bytes"),
                });
            }
        }
        Ok(events)
    }
}

/// Loads an object with these constants, if it has such, and tells what the kernel
/// says of each program. (With those of the object itself, the verifier leaves out
/// all that a run without ports, or a generator without targets, never reaches.)
///
/// # Errors
///
/// If the kernel refuses a program.
pub fn verify(
    object: &[u8],
    config: &Config,
    generator: &Generator,
) -> Result<Vec<(String, ProgramInfo)>> {
    let mut programs = EbpfLoader::new()
        .btf(None)
        .override_global(names::CONFIG, bytemuck::bytes_of(config), false)
        .override_global(names::GENERATOR, bytemuck::bytes_of(generator), false)
        .load(object)?;
    load_programs(&mut programs)?;
    let infos = programs.programs().map(|(name, program)| {
        let info = match program {
            Program::Xdp(program) => program.info(),
            Program::SchedClassifier(program) => program.info(),
            Program::RawTracePoint(program) => program.info(),
            _ => Err(ProgramError::UnexpectedProgramType),
        };
        Ok((name.to_owned(), info?))
    });
    infos.collect()
}

fn load_programs(object: &mut Ebpf) -> Result<()> {
    for (name, program) in object.programs_mut() {
        let loaded = match program {
            Program::Xdp(program) => Xdp::load(program),
            Program::SchedClassifier(program) => SchedClassifier::load(program),
            Program::RawTracePoint(program) => RawTracePoint::load(program),
            _ => bail!("{name} is of a type that is not expected"),
        };
        loaded.with_context(|| format!("the kernel refuses the program {name}"))?;
    }
    Ok(())
}

fn make_rings(object: &mut Ebpf) -> Result<Vec<RingBuf<MapData>>> {
    let map = object.map_mut(names::RINGS).context("there are no rings")?;
    let mut outer = ArrayOfMaps::<_, RingBuf<MapData>>::try_from(map)?;
    let mut rings = Vec::new();
    for cpu in 0..outer.len() {
        let definition = aya_obj::Map::new_from_params(RINGBUF, 0, 0, RING_BYTES, 0);
        let ring = RingBuf::try_from(Map::RingBuf(MapData::create(definition, "ring", None)?))?;
        outer.set(cpu, &ring, 0)?;
        rings.push(ring);
    }
    Ok(rings)
}
