//! The delay responder: a host that holds each echo reply for a programmed time.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::IpAddr,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Lab,
    address::{self, Family},
    echo,
    hold::{Collector, HoldTimes},
    namespace::Namespace,
    packet_socket::{Frames, MAX_FRAME, PacketSocket},
    worker::{Stop, Worker},
};

/// Its Ethernet address: fixed, because it answers no ARP.
const MAC: &str = "02:00:00:00:00:fe";
/// The gateway in its network, an address like any other.
const GATEWAY: u16 = 0xfffe;
/// Its device, in its own namespace.
const DEVICE: &str = "uplink";
/// A reply that is due sooner than this is waited for without sleeping.
const SPIN: Duration = Duration::from_micros(100);

/// How long each reply is to be held. The true time is longer by what it costs to
/// wake up and send: [`HoldTimes`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldTime {
    /// The same for all; zero: answered at once.
    Fixed(Duration),
    /// Evenly spread, drawn from a seeded generator: replies may overtake others.
    Uniform {
        /// From the shortest to the longest.
        range: RangeInclusive<Duration>,
        /// Seed of the generator.
        seed: u64,
    },
}

/// A running responder behind a node of a lab, in a namespace of its own. It answers
/// ICMP and ICMPv6 echo requests to every address of its network.
#[derive(Debug)]
pub struct DelayResponder {
    answering: Worker<()>,
    collector: Collector,
    /// Dropped after the workers.
    namespace: Namespace,
}

impl DelayResponder {
    /// Puts a responder behind `node` and tells all nodes the way to it. A lab has
    /// room for one.
    ///
    /// # Errors
    ///
    /// If there is no such node or a responder is there already; if the kernel does
    /// not take the stamp programs (before 6.6, or without `CAP_BPF`).
    pub fn attach(lab: &Lab, node: &str, hold: HoldTime) -> Result<Self> {
        if let HoldTime::Uniform { range, .. } = &hold {
            ensure!(
                !range.is_empty(),
                "the longest hold time is less than the shortest"
            );
        }
        let namespace = Namespace::new("responder")?;
        connect(lab, node, &namespace)?;
        let (v4, v6) = namespace.enter(|| {
            let v4 = PacketSocket::open(DEVICE, Frames::Ipv4)?;
            Ok((v4, PacketSocket::open(DEVICE, Frames::Ipv6)?))
        })?;
        let collector = Collector::attach(&namespace, DEVICE)?;
        let answering = Worker::spawn("lab-responder", move |stop| {
            let mut responder = Responder::new(hold);
            responder.run(&[v4, v6], &stop)
        })?;
        Ok(Self {
            answering,
            collector,
            namespace,
        })
    }

    /// Lets its device take frames that programs redirect to the other end, as a veth
    /// does only with a program of its own or with GRO on: the generator's come so.
    ///
    /// # Errors
    ///
    /// Without ethtool(8).
    pub fn take_redirected_frames(&self) -> Result<()> {
        self.namespace
            .run("ethtool", &["-K", DEVICE, "gro", "on"])?;
        Ok(())
    }

    /// One of its addresses; every `host` below 65,534 is one.
    pub fn address(&self, family: Family, host: u16) -> IpAddr {
        address::of_responder(family, host)
    }

    /// Stops answering and returns the true hold times of all replies.
    ///
    /// # Errors
    ///
    /// If the responder failed meanwhile.
    pub fn finish(self) -> Result<HoldTimes> {
        self.answering.finish()?;
        self.collector.finish()
    }
}

/// Joins the namespace to a node by a veth and routes the responder's network there.
fn connect(lab: &Lab, node: &str, namespace: &Namespace) -> Result<()> {
    let near = lab.node(node)?;
    let path = namespace.path();
    let path = path.display();
    near.ip([format!(
        "link add responder type veth peer name {DEVICE} address {MAC} netns {path}"
    )])?;
    // The far end answers by packet socket alone: no addresses, no forwarding.
    namespace.sysctl(&[(&format!("ipv6/conf/{DEVICE}/disable_ipv6"), "1")])?;
    namespace.ip([format!("link set {DEVICE} up")])?;
    near.ip(["link set responder up"])?;
    for family in Family::ALL {
        let gateway = address::of_responder(family, GATEWAY);
        let prefix = address::responder_prefix(family);
        let source = lab.address(family, node)?;
        near.ip([
            format!("neigh replace {gateway} lladdr {MAC} dev responder nud permanent"),
            format!("route add {prefix} src {source} via {gateway} dev responder onlink"),
        ])?;
        lab.route_to(node, family, &prefix)?;
    }
    Ok(())
}

/// A reply waiting for its time; ordered by it, then by arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    due: Instant,
    arrival: u64,
    frame: Vec<u8>,
}

struct Responder {
    hold: HoldTime,
    random: fastrand::Rng,
    /// The next one due on top.
    held: BinaryHeap<Reverse<Held>>,
    arrivals: u64,
    buffer: Vec<u8>,
}

impl Responder {
    fn new(hold: HoldTime) -> Self {
        let seed = match &hold {
            HoldTime::Fixed(_) => 0,
            HoldTime::Uniform { seed, .. } => *seed,
        };
        Self {
            hold,
            random: fastrand::Rng::with_seed(seed),
            held: BinaryHeap::new(),
            arrivals: 0,
            buffer: vec![0; MAX_FRAME],
        }
    }

    fn run(&mut self, sockets: &[PacketSocket; 2], stop: &Stop) -> Result<()> {
        let [v4, v6] = sockets;
        loop {
            let remaining = self
                .held
                .peek()
                .map(|Reverse(reply)| reply.due.saturating_duration_since(Instant::now()));
            let sleep = remaining.map(|remaining| remaining.saturating_sub(SPIN));
            if sleep != Some(Duration::ZERO) && stop.wait(&[v4, v6], sleep)? {
                return Ok(());
            }
            for socket in sockets {
                self.receive(socket)?;
            }
            self.send_due(v4);
        }
    }

    fn receive(&mut self, socket: &PacketSocket) -> Result<()> {
        while let Some(length) = socket.receive(&mut self.buffer)? {
            let arrived = Instant::now();
            if echo::reply_to(&mut self.buffer[..length]).is_none() {
                continue;
            }
            self.arrivals += 1;
            let reply = Held {
                due: arrived + self.draw(),
                arrival: self.arrivals,
                frame: self.buffer[..length].to_vec(),
            };
            self.held.push(Reverse(reply));
            // Under a load that never lets up, replies still leave in time.
            self.send_due(socket);
        }
        Ok(())
    }

    fn draw(&mut self) -> Duration {
        match &self.hold {
            HoldTime::Fixed(time) => *time,
            HoldTime::Uniform { range, .. } => {
                let width = (*range.end() - *range.start()).as_nanos();
                let width = u64::try_from(width).unwrap_or(u64::MAX);
                *range.start() + Duration::from_nanos(self.random.u64(..=width))
            }
        }
    }

    fn send_due(&mut self, socket: &PacketSocket) {
        let now = Instant::now();
        let is_due = |top: Option<&Reverse<Held>>| top.is_some_and(|Reverse(held)| held.due <= now);
        while is_due(self.held.peek()) {
            if let Some(Reverse(reply)) = self.held.pop() {
                socket.send(&reply.frame);
            }
        }
    }
}
