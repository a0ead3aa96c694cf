//! Replies as the tools print them.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use probe_common::Address;
use serde::Deserialize;
use serde_json::Value;

use super::pairing::LowHalf;

/// A reply as a tool reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which echo it answers.
    pub mark: Mark,
    /// The round-trip time that the tool reports, nanoseconds.
    pub rtt_ns: i64,
}

/// What ties a reading to the responder's stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The sequence number of the echo.
    Sequence(u16),
    /// The address that was probed, once.
    Target(LowHalf),
    /// When the probe was sent and its reply received: CLOCK_MONOTONIC, which all
    /// network namespaces share, nanoseconds.
    Stamps {
        /// The address that was probed.
        target: LowHalf,
        /// Sent.
        tx_ns: u64,
        /// Received.
        rx_ns: u64,
    },
}

/// The fields that matter here of a reply that `probe ping --replies --json` writes.
#[derive(Deserialize)]
struct Record {
    target: IpAddr,
    kind: String,
    rtt_ns: i64,
    tx_ns: u64,
    rx_ns: u64,
    duplicate: bool,
    late: bool,
}

/// Reads what `probe ping --replies --json` wrote: replies, and a summary, which has
/// no kind and is passed over.
///
/// # Errors
///
/// If a line is not such a record.
pub(crate) fn read_probe(output: &str) -> Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for line in output.lines() {
        let value: Value =
            serde_json::from_str(line).with_context(|| format!("no record of probe: {line}"))?;
        if value.get("kind").is_none() {
            continue;
        }
        let record: Record =
            serde_json::from_value(value).with_context(|| format!("no reply: {line}"))?;
        if record.kind != "echo-reply" || record.duplicate || record.late {
            continue;
        }
        readings.push(Reading {
            mark: Mark::Stamps {
                target: low_half(record.target),
                tx_ns: record.tx_ns,
                rx_ns: record.rx_ns,
            },
            rtt_ns: record.rtt_ns,
        });
    }
    Ok(readings)
}

/// Reads the replies that ping(8) printed:
/// `64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.031 ms`.
pub(crate) fn read_ping(output: &str) -> Vec<Reading> {
    let read = |line: &str| {
        let sequence = line.split_once("icmp_seq=")?.1;
        let time = line.split_once("time=")?.1;
        (!line.contains("(DUP!)"))
            .then(|| reading(sequence.split(' ').next()?, time))
            .flatten()
    };
    output.lines().filter_map(read).collect()
}

/// Reads the replies that fping(8) printed:
/// `10.0.0.1 : [0], 64 bytes, 0.015 ms (0.015 avg, 0% loss)`.
pub(crate) fn read_fping(output: &str) -> Vec<Reading> {
    let read = |line: &str| {
        let (sequence, rest) = line.split_once(": [")?.1.split_once("], ")?;
        reading(sequence, rest.split_once(" bytes, ")?.1)
    };
    output.lines().filter_map(read).collect()
}

/// Reads the replies that `mtr --raw` printed: `p 0 47 33000`, hop, microseconds,
/// sequence number.
pub(crate) fn read_mtr(output: &str) -> Vec<Reading> {
    let read = |line: &str| {
        let mut words = line.strip_prefix("p ")?.split(' ').skip(1);
        let micros: i64 = words.next()?.parse().ok()?;
        Some(Reading {
            rtt_ns: micros * 1_000,
            mark: Mark::Sequence(words.next()?.trim().parse().ok()?),
        })
    };
    output.lines().filter_map(read).collect()
}

/// Reads the replies that scamper wrote as JSON lines.
pub(crate) fn read_scamper(output: &str) -> Vec<Reading> {
    let read = |line: &str| {
        let record: Value = serde_json::from_str(line).ok()?;
        let millis = record["responses"][0]["rtt"].as_f64()?;
        Some(Reading {
            rtt_ns: (millis * 1e6).round() as i64,
            mark: Mark::Target(low_half(record["dst"].as_str()?.parse().ok()?)),
        })
    };
    output.lines().filter_map(read).collect()
}

/// Reads the replies that zmap wrote: source, seconds and microseconds of the reply
/// and of the probe.
pub(crate) fn read_zmap(output: &str) -> Vec<Reading> {
    let read = |line: &str| {
        let (source, times) = line.split_once(',')?;
        let times: Vec<i64> = times
            .split(',')
            .map(|time| time.trim().parse().ok())
            .collect::<Option<_>>()?;
        let [seconds, micros, sent_seconds, sent_micros] = times[..] else {
            return None;
        };
        Some(Reading {
            rtt_ns: ((seconds - sent_seconds) * 1_000_000 + micros - sent_micros) * 1_000,
            mark: Mark::Target(low_half(source.parse().ok()?)),
        })
    };
    output.lines().filter_map(read).collect()
}

/// The half of an address that stamps tell.
pub(super) fn low_half(address: IpAddr) -> LowHalf {
    let address = match address {
        IpAddr::V4(address) => Address::from_v4(address.octets()),
        IpAddr::V6(address) => Address::from_v6(address.octets()),
    };
    address.halves().1
}

/// A reading from the text of a sequence number and of a time: `0.031 ms…`.
fn reading(sequence: &str, time: &str) -> Option<Reading> {
    let millis: f64 = time.split_once(" ms")?.0.parse().ok()?;
    Some(Reading {
        mark: Mark::Sequence(sequence.parse().ok()?),
        rtt_ns: (millis * 1e6).round() as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(sequence: u16, rtt_ns: i64) -> Reading {
        Reading {
            mark: Mark::Sequence(sequence),
            rtt_ns,
        }
    }

    #[test]
    fn ping_is_read_reply_by_reply() {
        let output = "PING 10.255.0.1 (10.255.0.1) 56(84) bytes of data.\n\
            64 bytes from 10.255.0.1: icmp_seq=1 ttl=64 time=0.031 ms\n\
            64 bytes from 10.255.0.1: icmp_seq=1 ttl=64 time=0.090 ms (DUP!)\n\
            64 bytes from 10.255.0.1: icmp_seq=2 ttl=64 time=20.1 ms\n\n\
            2 packets transmitted, 2 received, 0% packet loss, time 1ms\n\
            rtt min/avg/max/mdev = 0.031/10.0/20.1/0.005 ms\n";
        assert_eq!(
            read_ping(output),
            [numbered(1, 31_000), numbered(2, 20_100_000)]
        );
    }

    #[test]
    fn fping_is_read_reply_by_reply() {
        let output = "10.255.0.1 : [0], 64 bytes, 0.015 ms (0.015 avg, 0% loss)\n\
            10.255.0.1 : [1], timed out (0.015 avg, 50% loss)\n\
            10.255.0.1 : [2], 64 bytes, 1.25 ms (0.018 avg, 33% loss)\n";
        assert_eq!(
            read_fping(output),
            [numbered(0, 15_000), numbered(2, 1_250_000)]
        );
    }

    #[test]
    fn mtr_is_read_reply_by_reply() {
        let output = "x 0 33000\nh 0 10.255.0.1\np 0 47 33000\nx 1 33001\np 1 1047 33001\n";
        let expected = [numbered(33_000, 47_000), numbered(33_001, 1_047_000)];
        assert_eq!(read_mtr(output), expected);
    }

    #[test]
    fn who_asks_each_target_once_is_read_target_by_target() {
        let target = [0, 0, 255, 255, 10, 0, 0, 7];
        let expected = |rtt_ns| Reading {
            mark: Mark::Target(target),
            rtt_ns,
        };
        let scamper = r#"{"type":"cycle-start"}
            {"type":"ping","dst":"10.0.0.7","responses":[{"from":"10.0.0.7","rtt":0.044}]}
            {"type":"ping","dst":"10.0.0.8","responses":[]}"#;
        let scamper: String = scamper
            .lines()
            .map(|line| line.trim().to_owned() + "\n")
            .collect();
        assert_eq!(read_scamper(&scamper), [expected(44_000)]);
        let zmap = "saddr,timestamp-ts,timestamp-us,sent-timestamp-ts,sent-timestamp-us\n\
            10.0.0.7,8,1,7,999990\n";
        assert_eq!(read_zmap(zmap), [expected(11_000)]);
    }

    #[test]
    fn probe_is_read_reply_by_reply_without_its_summary() {
        let reply = |rtt_ns: i64, kind: &str, duplicate: bool| {
            format!(
                r#"{{"target":"10.255.0.1","kind":"{kind}","rtt_ns":{rtt_ns},"tx_ns":10,"rx_ns":15,"duplicate":{duplicate},"late":false}}"#
            )
        };
        let output = [
            reply(5, "echo-reply", false),
            reply(9, "echo-reply", true),
            reply(2, "unreachable", false),
            r#"{"sent":1,"received":1,"late":0,"rtt_ns":{"count":1}}"#.to_owned(),
        ];
        let readings = read_probe(&output.join("\n")).unwrap();
        let expected = Reading {
            mark: Mark::Stamps {
                target: [0, 0, 255, 255, 10, 255, 0, 1],
                tx_ns: 10,
                rx_ns: 15,
            },
            rtt_ns: 5,
        };
        assert_eq!(readings, [expected]);
        assert!(read_probe("probe: no route").is_err());
    }
}
