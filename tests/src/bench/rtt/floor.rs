//! The floor: what two bare stamping programs make of the same wire. The one stamps
//! what leaves, the other what comes back, and neither does anything else.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, TestRun as _, TestRunOptions,
    maps::{Array, MapData},
    programs::{TcAttachType, TestRunAttrs, Xdp},
};
use nix::{net::if_::if_nametoindex, sys::prctl::set_timerslack};
use probe_common::{
    abi::floor::{
        FLOOR, FLOOR_GENERATE, FLOOR_LANE, FLOOR_RX, FLOOR_TX, FRAME, Lane, MARK_AT, Pair, word,
    },
    lab::Internet,
};

use super::load::Rate;
use crate::{
    lab::{
        Family, InternetLab,
        internet::vantage_address,
        packet_socket::{Frames, PacketSocket},
        programs,
        truth::{self, mapped},
    },
    packet::{Ip, ethernet, icmp},
};

/// Most packets of a run.
const MOST: u32 = 1 << 20;
/// Answers that are late are not waited for longer.
const REST: Duration = Duration::from_millis(50);
/// Runs of the generator in one call: a fraction of a second of idle ones.
const RUNS: u32 = 1 << 21;
/// TTL of echo requests.
const TTL: u8 = 64;

type PairWords = [u64; size_of::<Pair>() / 8];
type LaneWords = [u64; size_of::<Lane>() / 8];

/// How the packets of a floor are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// By a packet socket, one at a time; TCX egress stamps them.
    Socket,
    /// By a program on live frames, one at a time, which stamps them.
    Generator,
}

/// What a floor was found to be.
pub(super) struct Floor {
    /// Round-trip times, nanoseconds.
    pub(super) rtts_ns: Vec<i64>,
    /// Packets sent.
    pub(super) sent: u32,
    /// Packets a second, as they left.
    pub(super) per_second: f64,
}

impl Floor {
    /// Measures for some time on the wire of a simulated internet.
    pub(super) fn measure(
        lab: &InternetLab,
        sender: Sender,
        rate: Rate,
        time: Duration,
    ) -> Result<Self> {
        let count = (time.as_secs_f64() * f64::from(rate.per_second())) as u32;
        let count = count.clamp(1, MOST);
        let mut programs = programs::load_with_room(FLOOR, count)?;
        let device = InternetLab::DEVICE;
        programs::attach_xdp(&mut programs, FLOOR_RX, lab.vantage(), device)?;
        match sender {
            Sender::Socket => {
                let hook = TcAttachType::Egress;
                programs::attach(&mut programs, FLOOR_TX, hook, lab.vantage(), &[device])?;
                send(lab, rate, count, time)?;
            }
            Sender::Generator => generate(&mut programs, lab, rate, count, time)?,
        }
        thread::sleep(REST);
        Self::read(&programs, count)
    }

    fn read(programs: &Ebpf, count: u32) -> Result<Self> {
        let map = programs.map(FLOOR);
        let map = map.with_context(|| format!("the lab's object has no map {FLOOR}"))?;
        let array = Array::<_, PairWords>::try_from(map)?;
        let (mut rtts_ns, mut sent) = (Vec::new(), 0);
        let (mut first, mut last) = (u64::MAX, 0);
        for index in 0..count {
            let [tx_ns, rx_ns] = array.get(&index, 0)?;
            let pair = Pair { tx_ns, rx_ns };
            if tx_ns != 0 {
                sent += 1;
                (first, last) = (first.min(tx_ns), last.max(tx_ns));
            }
            rtts_ns.extend(pair.rtt_ns().map(u64::cast_signed));
        }
        ensure!(!rtts_ns.is_empty(), "of {sent} bare packets none came back");
        Ok(Self {
            rtts_ns,
            sent,
            per_second: f64::from(sent.saturating_sub(1)) * 1e9
                / last.saturating_sub(first).max(1) as f64,
        })
    }
}

/// A frame to a target of the simulated internet, of [`FRAME`] octets.
fn frame(target: std::net::Ipv4Addr) -> Vec<u8> {
    let mut ip = Ip::between(mapped(vantage_address(Family::V4)), mapped(target.into()));
    ip.ttl = TTL;
    let body = [0; FRAME - MARK_AT];
    let frame = ethernet::frame(ip.carrying(icmp::echo(false, 8, 1, 1, &body)));
    let frame = frame.patched(0, &InternetLab::GATEWAY_MAC);
    frame.patched(6, &InternetLab::MAC).octets()
}

/// The frame of a floor; the wire needs no right checksum of ICMP.
fn any_frame(internet: &Internet) -> Result<Vec<u8>> {
    let target = truth::targets_v4(internet, 1).next();
    Ok(frame(target.context("an internet without targets")?))
}

fn send(lab: &InternetLab, rate: Rate, count: u32, time: Duration) -> Result<()> {
    let mut frame = any_frame(lab.truth())?;
    lab.vantage().enter(|| {
        let socket = PacketSocket::open(InternetLab::DEVICE, Frames::Nothing)?;
        // As exact as the sleeps of who is held against it.
        set_timerslack(1)?;
        let started = Instant::now();
        for index in 0..count {
            let due = rate.interval() * index;
            while let Some(left) = due.checked_sub(started.elapsed()) {
                thread::sleep(left);
            }
            if started.elapsed() > time {
                break;
            }
            frame[MARK_AT..MARK_AT + 8].copy_from_slice(&word(index).to_ne_bytes());
            socket.send(&frame);
        }
        Ok(())
    })
}

fn generate(
    programs: &mut Ebpf,
    lab: &InternetLab,
    rate: Rate,
    count: u32,
    time: Duration,
) -> Result<()> {
    let frame = any_frame(lab.truth())?;
    let ifindex = lab
        .vantage()
        .enter(|| Ok(if_nametoindex(InternetLab::DEVICE)?))?;
    let mut lane = Lane {
        frame: [0; FRAME / 8],
        ifindex: ifindex.into(),
        next_ns: 0,
        interval_ns: rate.interval().as_nanos() as u64,
        sent: 0,
        budget: count.into(),
    };
    bytemuck::bytes_of_mut(&mut lane.frame).copy_from_slice(&frame);
    lane_of(programs)?.set(0, bytemuck::cast::<Lane, LaneWords>(lane), 0)?;
    let program: &mut Xdp = programs
        .program_mut(FLOOR_GENERATE)
        .with_context(|| format!("the lab's object has no program {FLOOR_GENERATE}"))?
        .try_into()?;
    program.load()?;
    let started = Instant::now();
    while started.elapsed() < time {
        run_once(programs, lab, ifindex, &frame)?;
        let words = lane_of(programs)?.get(&0, 0)?;
        if bytemuck::cast::<LaneWords, Lane>(words).sent >= u64::from(count) {
            break;
        }
    }
    Ok(())
}

/// One call, of so many runs that it takes a fraction of a second.
fn run_once(programs: &Ebpf, lab: &InternetLab, ifindex: u32, frame: &[u8]) -> Result<()> {
    let program: &Xdp = programs
        .program(FLOOR_GENERATE)
        .with_context(|| format!("the lab's object has no program {FLOOR_GENERATE}"))?
        .try_into()?;
    // `struct xdp_md`: where the frame ends, and the device that it seems to come from.
    let context: [u8; 24] = bytemuck::cast([0, FRAME as u32, 0, ifindex, 0, 0]);
    let mut options = TestRunOptions::new();
    options.data_in = Some(frame);
    options.ctx_in = Some(&context);
    options.repeat = RUNS;
    options.attrs = TestRunAttrs::new().xdp_live_frames(1);
    lab.vantage().enter(|| {
        program.test_run(options)?;
        Ok(())
    })
}

fn lane_of(programs: &mut Ebpf) -> Result<Array<&mut MapData, LaneWords>> {
    let map = programs.map_mut(FLOOR_LANE);
    let map = map.with_context(|| format!("the lab's object has no map {FLOOR_LANE}"))?;
    Ok(Array::try_from(map)?)
}
