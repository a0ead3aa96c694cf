//! The run's own ports, identifiers and packet mark.
//!
//! A run owns ports that no socket of this network namespace uses, that the
//! kernel gives to none by itself, and that no other run owns. Runs tell each
//! other by abstract Unix sockets, one for each block of 64 ports and one for the
//! mark: these belong to the network namespace and vanish with the process,
//! whatever ends it.

use std::{
    collections::BTreeSet,
    fs, io,
    ops::RangeInclusive,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

use crate::error::{Error, Result};

/// Ports for which one socket stands.
pub const BLOCK_PORTS: u16 = 64;

/// Ports below are for the services that they are assigned to (RFC 6335).
const FIRST_PORT: u16 = 1024;

/// Bits of a mark that Kubernetes has netfilter drop or masquerade by.
const FOREIGN_MARK_BITS: u32 = 0xc000;

/// Attempts at a mark of one's own; the first succeeds but for 1 in 2³⁰.
const MARK_ATTEMPTS: u32 = 64;

/// Ports and mark that are this run's alone as long as this value lives.
#[derive(Debug)]
pub struct Reservation {
    /// The first port (or identifier), a multiple of [`BLOCK_PORTS`].
    pub base: u16,
    /// The mark (SO_MARK) of the run's packets, not 0.
    pub mark: u32,
    _sockets: Vec<UnixDatagram>,
}

/// Reserves `count` consecutive ports and a mark, both at random, in the thread's
/// network namespace.
pub fn reserve(count: u32, rng: &mut fastrand::Rng) -> Result<Reservation> {
    let occupied = Occupied::read()?;
    let mut bases = occupied.free_bases(count);
    rng.shuffle(&mut bases);
    for base in bases {
        if let Some(mut sockets) = claim_ports(base, count)? {
            let (mark, socket) = claim_mark(rng)?;
            sockets.push(socket);
            return Ok(Reservation {
                base,
                mark,
                _sockets: sockets,
            });
        }
    }
    Err(Error::Environment(format!(
        "no {count} consecutive ports are free outside of net.ipv4.ip_local_port_range ({}-{}): \
         use fewer --flows or --slots, narrow that range, or set some of it aside with \
         net.ipv4.ip_local_reserved_ports",
        occupied.ephemeral.start(),
        occupied.ephemeral.end()
    )))
}

/// How many disjoint ranges of `count` ports are free in the thread's network
/// namespace, other runs left aside.
pub fn free_ranges(count: u32) -> Result<usize> {
    let mut end = 0;
    let bases = Occupied::read()?.free_bases(count);
    let disjoint = bases.into_iter().filter(|base| {
        let free = u32::from(*base) >= end;
        if free {
            end = u32::from(*base) + count;
        }
        free
    });
    Ok(disjoint.count())
}

/// Ports that are not to be had.
#[derive(Debug)]
struct Occupied {
    /// Given by the kernel to sockets that ask for none,
    ephemeral: RangeInclusive<u16>,
    /// but for these.
    reserved: BTreeSet<u16>,
    /// Bound by a socket.
    bound: BTreeSet<u16>,
}

impl Occupied {
    fn read() -> Result<Self> {
        let ephemeral = read("/proc/sys/net/ipv4/ip_local_port_range")?;
        let reserved = read("/proc/sys/net/ipv4/ip_local_reserved_ports")?;
        let mut bound = BTreeSet::new();
        for table in ["tcp", "udp", "tcp6", "udp6"] {
            // Absent: IPv6 is disabled. The thread's, not the process's namespace.
            if let Ok(text) = fs::read_to_string(format!("/proc/thread-self/net/{table}")) {
                bound.extend(text.lines().filter_map(local_port));
            }
        }
        Ok(Self {
            ephemeral: parse_range(&ephemeral).unwrap_or(32_768..=60_999),
            reserved: parse_ports(&reserved),
            bound,
        })
    }

    /// Multiples of [`BLOCK_PORTS`] from which on `count` ports are free.
    fn free_bases(&self, count: u32) -> Vec<u16> {
        let fits = |base: &u16| count > 0 && u32::from(*base) + count <= 1 << 16;
        let free = |base: &u16| {
            let ports = u32::from(*base)..u32::from(*base) + count;
            ports.flat_map(u16::try_from).all(|port| self.is_free(port))
        };
        let bases = (FIRST_PORT..=u16::MAX).step_by(usize::from(BLOCK_PORTS));
        bases.filter(fits).filter(free).collect()
    }

    fn is_free(&self, port: u16) -> bool {
        let given_away = self.ephemeral.contains(&port) && !self.reserved.contains(&port);
        !given_away && !self.bound.contains(&port)
    }
}

/// `None` if another run owns one of them.
fn claim_ports(base: u16, count: u32) -> Result<Option<Vec<UnixDatagram>>> {
    let block = u32::from(base / BLOCK_PORTS);
    let blocks = block..block + count.div_ceil(u32::from(BLOCK_PORTS));
    let claims = blocks.map(|block| claim(&format!("probe/ports/{block}")));
    claims.collect()
}

fn claim_mark(rng: &mut fastrand::Rng) -> Result<(u32, UnixDatagram)> {
    for _ in 0..MARK_ATTEMPTS {
        let mark = rng.u32(..) & !FOREIGN_MARK_BITS;
        if mark == 0 {
            continue;
        }
        if let Some(socket) = claim(&format!("probe/mark/{mark:08x}"))? {
            return Ok((mark, socket));
        }
    }
    Err(Error::Environment(
        "no packet mark is free: other processes hold the abstract sockets @probe/mark/…; \
         `ss -xlp` lists them"
            .to_owned(),
    ))
}

/// `None` if another process holds the name.
fn claim(name: &str) -> Result<Option<UnixDatagram>> {
    let bound = SocketAddr::from_abstract_name(name).and_then(|a| UnixDatagram::bind_addr(&a));
    match bound {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(Error::Environment(format!(
            "cannot bind the abstract Unix socket @{name}, which tells other runs of ports in \
             use: {error}; allow AF_UNIX and more open files (`ulimit -n`)"
        ))),
    }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        Error::Environment(format!(
            "cannot read {path}: {error}; is procfs mounted at /proc?"
        ))
    })
}

/// `32768\t60999`.
fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

/// `8080,9148-9150`.
fn parse_ports(text: &str) -> BTreeSet<u16> {
    let ranges = text.trim().split(',').filter_map(|item| {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?)
    });
    ranges.flatten().collect()
}

/// The local port of a line of /proc/net/{tcp,udp}{,6}.
fn local_port(line: &str) -> Option<u16> {
    let local = line.split_whitespace().nth(1)?;
    u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_ports_are_read_from_both_families_and_the_header_is_not() {
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0";
        let v6 = "   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1";
        let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        assert_eq!(local_port(v4), Some(8080));
        assert_eq!(local_port(v6), Some(22));
        assert_eq!(local_port(header), None);
        assert_eq!(local_port(""), None);
    }

    #[test]
    fn reserved_ports_are_single_ones_and_ranges() {
        assert_eq!(parse_ports("\n"), BTreeSet::new());
        assert_eq!(
            parse_ports("8080,9148-9150\n"),
            [8080, 9148, 9149, 9150].into()
        );
    }

    #[test]
    fn a_base_is_aligned_and_its_range_meets_no_port_in_use() {
        let occupied = Occupied {
            ephemeral: parse_range("2048\t65535\n").unwrap(),
            reserved: (4096..=4223).collect(),
            bound: [1500].into(),
        };
        // 1024..2048 without the block of 1500, and what is set aside.
        let expected = [
            1024, 1088, 1152, 1216, 1280, 1344, 1408, 1536, 1600, 1664, 1728, 1792,
        ];
        let mut bases = expected.to_vec();
        bases.extend([1856, 1920, 1984, 4096, 4160]);
        assert_eq!(occupied.free_bases(64), bases);
        assert_eq!(occupied.free_bases(128).last(), Some(&4096));
        assert!(occupied.free_bases(129).iter().all(|base| *base < 2048));
        assert_eq!(occupied.free_bases(0), [0; 0]);
    }

    #[test]
    fn two_reservations_at_a_time_never_overlap_and_a_dropped_one_is_free_again() {
        let mut rng = fastrand::Rng::with_seed(1);
        let held: Vec<_> = (0..20).map(|_| reserve(100, &mut rng).unwrap()).collect();
        let mut blocks = BTreeSet::new();
        for reservation in &held {
            let block = reservation.base / BLOCK_PORTS;
            assert!(blocks.insert(block) && blocks.insert(block + 1));
        }
        let marks: BTreeSet<_> = held.iter().map(|r| r.mark).collect();
        assert_eq!(marks.len(), held.len());

        let base = held[0].base;
        assert!(claim_ports(base, 100).unwrap().is_none());
        drop(held);
        assert!(claim_ports(base, 100).unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_had_is_said_in_one_line() {
        let error = reserve(65_536, &mut fastrand::Rng::with_seed(1)).unwrap_err();
        let line = error.to_string();
        assert!(
            line.contains("65536 consecutive ports") && !line.contains('\n'),
            "{line}"
        );
    }
}
