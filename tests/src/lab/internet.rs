//! The simulated internet: millions of targets behind one wire, answered by an XDP
//! program at its far end.
//!
//! What it answers to any probe, [`probe_common::lab::Internet`] says, and the same
//! code runs in the kernel: [`InternetLab::truth`].
//!
//! ```no_run
//! use probe_tests::lab::{InternetLab, truth};
//! use probe_common::lab::Internet;
//!
//! # fn main() -> anyhow::Result<()> {
//! let lab = InternetLab::build(Internet { dead: 0, ..Internet::DEFAULT })?;
//! let target = truth::targets_v4(lab.truth(), 1).next().unwrap();
//! lab.vantage().run("ping", &["-c", "1", &target.to_string()])?;
//! assert!(lab.traffic()?.adds_up());
//! # Ok(())
//! # }
//! ```

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf,
    maps::{DevMap, PerCpuArray},
    programs::Xdp,
};
use nix::net::if_::if_nametoindex;
use probe_common::{
    abi::lab::{DOUBLES, INTERNET, INTERNET_PROGRAM, PASS_ALL, TRAFFIC},
    lab::{Internet, Traffic},
};

use super::{
    address::Family,
    namespace::Namespace,
    packet_socket::{Frames, MAX_FRAME, PacketSocket},
    programs,
};

/// The counters as the map holds them.
type TrafficWords = [u64; size_of::<Traffic>() / 8];

/// Both ends let replies come from anywhere, and work at once.
const HOST: [(&str, &str); 4] = [
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
];
/// The device at the far end.
const UPLINK: &str = "uplink";
/// Frames that are sent before their answers are read: fewer than a veth's ring holds.
const WINDOW: usize = 64;
/// Answers are on their way back before the sender goes on: who waits so long in
/// vain has read all.
const SILENCE: Duration = Duration::from_millis(20);

/// A vantage point and the simulated internet; dropping it takes it down.
pub struct InternetLab {
    vantage: Namespace,
    far: Namespace,
    /// Owns the links: they go with it.
    programs: Ebpf,
    truth: Internet,
}

impl fmt::Debug for InternetLab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternetLab")
            .field("truth", &self.truth)
            .finish_non_exhaustive()
    }
}

impl InternetLab {
    /// The vantage point's device.
    pub const DEVICE: &str = "internet";
    /// Hardware address of the vantage point's device.
    pub const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
    /// Hardware address of the gateway.
    pub const GATEWAY_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

    /// Builds it. A veth hands on what its peer's program sends back only while it
    /// has an XDP program itself (GRO does not do): `probe` brings one; for what does
    /// not, see [`Self::guard`].
    ///
    /// # Errors
    ///
    /// If the parameters contradict each other, or a command fails; without root.
    pub fn build(truth: Internet) -> Result<Self> {
        if let Some(fault) = truth.fault() {
            bail!("no internet can be like that: {fault}");
        }
        let vantage = Namespace::new("vantage")?;
        let far = Namespace::new("internet")?;
        connect(&vantage, &far)?;
        let parameters = (INTERNET, bytemuck::bytes_of(&truth));
        let mut programs = programs::load_with(parameters)?;
        programs::attach_xdp(&mut programs, INTERNET_PROGRAM, &far, UPLINK)?;
        set_doubles(&mut programs, &far)?;
        Ok(Self {
            vantage,
            far,
            programs,
            truth,
        })
    }

    /// The node that probes are sent from.
    pub fn vantage(&self) -> &Namespace {
        &self.vantage
    }

    /// What the internet answers.
    pub fn truth(&self) -> &Internet {
        &self.truth
    }

    /// The vantage point's address.
    pub fn source(&self, family: Family) -> IpAddr {
        vantage_address(family)
    }

    /// The first 2^`bits` addresses of those that targets may have, as a network.
    pub fn network(&self, family: Family, bits: u8) -> String {
        let prefix = family.host_bits() - bits;
        match family {
            Family::V4 => format!("{}/{prefix}", Ipv4Addr::from(self.truth.v4_network)),
            Family::V6 => {
                let first = u128::from(self.truth.v6_network) << 64;
                format!("{}/{prefix}", Ipv6Addr::from(first))
            }
        }
    }

    /// The gateway's address.
    pub fn gateway(&self, family: Family) -> IpAddr {
        address(family, 1)
    }

    /// `02:00:00:00:00:01`
    pub fn mac_text(octets: [u8; 6]) -> String {
        octets.map(|octet| format!("{octet:02x}")).join(":")
    }

    /// What came, and what became of it.
    ///
    /// # Errors
    ///
    /// If the counters cannot be read.
    pub fn traffic(&self) -> Result<Traffic> {
        let map = self.programs.map(TRAFFIC);
        let map = map.with_context(|| format!("the lab's object has no map {TRAFFIC}"))?;
        let mut sum = Traffic::ZERO;
        for words in PerCpuArray::<_, TrafficWords>::try_from(map)?
            .get(&0, 0)?
            .iter()
        {
            sum.merge(&bytemuck::pod_read_unaligned(bytemuck::cast_slice(words)));
        }
        Ok(sum)
    }

    /// Replies, counted as sent back, that the wire lost: it holds 256 frames, and is
    /// full if the vantage point is slower than the internet, as the ring of a network
    /// card would be.
    ///
    /// # Errors
    ///
    /// Without ethtool(8).
    pub fn lost_replies(&self) -> Result<u64> {
        let sent = self.far.run("ethtool", &["-S", UPLINK])?;
        let received = self.vantage.run("ethtool", &["-S", Self::DEVICE])?;
        let names = ["_xdp_tx_errors", "_xdp_xmit_errors"];
        Ok(sum_of(&sent, &names) + sum_of(&received, &["_drops"]))
    }

    /// Puts a program at the vantage point's device: [`PASS_ALL`] for tools that have
    /// none, [`probe_common::abi::lab::DROP_ALL`]. It goes when the guard is dropped.
    ///
    /// # Errors
    ///
    /// If there is one already.
    pub fn guard(&self, program: &str) -> Result<Guard> {
        let mut programs = programs::load()?;
        programs::attach_xdp(&mut programs, program, &self.vantage, Self::DEVICE)?;
        Ok(Guard(programs))
    }

    /// Takes the program at the far end away, and with it the vantage point's way to
    /// send frames that a program redirects: nothing arrives any more.
    ///
    /// # Errors
    ///
    /// If it is away already.
    pub fn vanish(&mut self) -> Result<()> {
        let program = self.programs.program_mut(INTERNET_PROGRAM);
        let program: &mut Xdp = program
            .context("the lab's object has no internet")?
            .try_into()?;
        Ok(program.unload()?)
    }

    /// Reads along which frames reach the vantage point's stack, from now on.
    ///
    /// # Errors
    ///
    /// Without `CAP_NET_RAW`.
    pub fn capture(&self, family: Family) -> Result<Capture> {
        self.socket(family).map(Capture)
    }

    /// Puts frames on the wire; gives the frames that come back.
    ///
    /// # Errors
    ///
    /// If there is a program at the device already.
    pub fn exchange(&self, family: Family, frames: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let _guard = self.guard(PASS_ALL)?;
        let socket = self.socket(family)?;
        let mut answers = Vec::new();
        for window in frames.chunks(WINDOW) {
            for frame in window {
                socket.send(frame);
            }
            receive(&socket, &mut answers)?;
        }
        let quiet = Instant::now();
        while quiet.elapsed() < SILENCE {
            receive(&socket, &mut answers)?;
            thread::sleep(SILENCE / 10);
        }
        Ok(answers)
    }

    fn socket(&self, family: Family) -> Result<PacketSocket> {
        let which = match family {
            Family::V4 => Frames::Ipv4,
            Family::V6 => Frames::Ipv6,
        };
        self.vantage
            .enter(|| PacketSocket::open(Self::DEVICE, which))
    }
}

/// Frames on their way into the vantage point's stack.
#[derive(Debug)]
pub struct Capture(PacketSocket);

impl Capture {
    /// Those that came since the last look, from the Ethernet header on.
    ///
    /// # Errors
    ///
    /// If the socket breaks.
    pub fn frames(&self) -> Result<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        receive(&self.0, &mut frames)?;
        Ok(frames)
    }
}

/// An XDP program at the vantage point's device.
#[expect(dead_code, reason = "it owns the link")]
pub struct Guard(Ebpf);

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// The address of every vantage point of a simulated internet.
pub(crate) fn vantage_address(family: Family) -> IpAddr {
    address(family, 2)
}

/// Addresses of the wire: among the routers', where no router has one.
fn address(family: Family, host: u16) -> IpAddr {
    let [high, low] = host.to_be_bytes();
    match family {
        Family::V4 => Ipv4Addr::new(64, 0, high, low).into(),
        Family::V6 => Ipv6Addr::new(0xfd40, 0, 0, 0, 0, 0, 0, host).into(),
    }
}

fn connect(vantage: &Namespace, far: &Namespace) -> Result<()> {
    let device = InternetLab::DEVICE;
    let (mac, gateway_mac) = (
        InternetLab::mac_text(InternetLab::MAC),
        InternetLab::mac_text(InternetLab::GATEWAY_MAC),
    );
    vantage.sysctl(&HOST)?;
    far.sysctl(&HOST)?;
    // As network cards have them: with one for all, what one processor sends may wait
    // until another has answered what it sent itself.
    let processors = thread::available_parallelism()?;
    let queues = format!("numtxqueues {processors} numrxqueues {processors}");
    vantage.ip([format!(
        "link add {device} address {mac} {queues} type veth peer name {UPLINK} \
         address {gateway_mac} {queues} netns {}",
        far.path().display()
    )])?;
    for (node, device, host) in [(far, UPLINK, 1), (vantage, device, 2)] {
        node.ip([
            format!("addr add {}/30 dev {device}", address(Family::V4, host)),
            format!(
                "addr add {}/64 dev {device} nodad",
                address(Family::V6, host)
            ),
            format!("link set {device} up"),
        ])?;
    }
    vantage.ip(Family::ALL.into_iter().flat_map(|family| {
        let gateway = address(family, 1);
        [
            format!("neigh replace {gateway} lladdr {gateway_mac} dev {device} nud permanent"),
            format!(
                "route add {} via {gateway} dev {device}",
                family.everything()
            ),
        ]
    }))
}

/// The sum of the counters of all queues that end with one of these, but for
/// `xdp_drops`, which a program asked for.
fn sum_of(statistics: &str, names: &[&str]) -> u64 {
    let counters = statistics.lines().filter_map(|line| line.split_once(": "));
    let wanted = counters.filter(|(name, _)| {
        !name.ends_with("_xdp_drops") && names.iter().any(|end| name.ends_with(end))
    });
    wanted
        .filter_map(|(_, value)| value.trim().parse::<u64>().ok())
        .sum()
}

/// Lets the program send a frame back twice.
fn set_doubles(programs: &mut Ebpf, far: &Namespace) -> Result<()> {
    let map = programs.map_mut(DOUBLES);
    let map = map.with_context(|| format!("the lab's object has no map {DOUBLES}"))?;
    let mut doubles = DevMap::try_from(map)?;
    far.enter(|| {
        let device = if_nametoindex(UPLINK)?;
        (0..2).try_for_each(|place| Ok(doubles.set(place, device, None, 0)?))
    })
}

/// Reads what waits, but for what the far end's kernel says to all.
fn receive(socket: &PacketSocket, answers: &mut Vec<Vec<u8>>) -> Result<()> {
    let mut buffer = [0; MAX_FRAME];
    while let Some(length) = socket.receive(&mut buffer)? {
        let frame = &buffer[..length];
        if frame.starts_with(&InternetLab::MAC) {
            answers.push(frame.to_vec());
        }
    }
    Ok(())
}
