//! From what a tool reports and what the responder stamped to errors.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use probe_common::abi::lab::Hold;

use super::reading::{Mark, Reading};

/// The half of an address that a responder's stamps tell.
pub(super) type LowHalf = [u8; 8];

/// The error of one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Round-trip time that the tool reports minus true hold, nanoseconds.
    pub error_ns: i64,
    /// Its parts, where the tool tells its stamps.
    pub ways: Option<Ways>,
}

/// The two parts of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// From the tool's stamp to the responder's, nanoseconds.
    pub outward_ns: i64,
    /// From the responder's stamp to the tool's, nanoseconds.
    pub return_ns: i64,
}

/// Pairs the readings of one run of a tool with the holds of the addresses that it
/// alone probed.
///
/// Stamps are paired in order, target by target: probes arrive in the order in which
/// they were sent.
///
/// # Errors
///
/// If a reading has no hold: the tool reports a reply that never left.
pub fn pair(readings: &[Reading], holds: &[Hold]) -> Result<Vec<Sample>> {
    let by_sequence: HashMap<u16, &Hold> = holds.iter().map(|hold| (hold.sequence, hold)).collect();
    let mut by_target: HashMap<LowHalf, Vec<Hold>> = HashMap::new();
    for hold in holds {
        by_target.entry(hold.target_low).or_default().push(*hold);
    }
    let mut samples = Vec::new();
    let mut stamped: HashMap<LowHalf, Vec<(u64, u64, i64)>> = HashMap::new();
    for reading in readings {
        let hold = match reading.mark {
            Mark::Sequence(sequence) => by_sequence.get(&sequence).copied(),
            Mark::Target(target) => by_target.get(&target).and_then(|holds| holds.first()),
            Mark::Stamps {
                target,
                tx_ns,
                rx_ns,
            } => {
                let of_target = stamped.entry(target).or_default();
                of_target.push((tx_ns, rx_ns, reading.rtt_ns));
                continue;
            }
        };
        let hold = hold.with_context(|| format!("a reply to {:?}, never sent", reading.mark))?;
        samples.push(Sample {
            error_ns: reading.rtt_ns - length_ns(hold),
            ways: None,
        });
    }
    for (target, stamped) in stamped {
        let holds = by_target.get(&target).map_or(&[][..], Vec::as_slice);
        samples.extend(pair_stamped(stamped, holds)?);
    }
    Ok(samples)
}

fn pair_stamped(mut stamped: Vec<(u64, u64, i64)>, holds: &[Hold]) -> Result<Vec<Sample>> {
    stamped.sort_unstable();
    let mut holds = Vec::from(holds);
    holds.sort_by_key(|hold| hold.in_ns);
    let mut holds = holds.iter();
    let mut samples = Vec::with_capacity(stamped.len());
    for (tx_ns, rx_ns, rtt_ns) in stamped {
        let hold = holds.find(|hold| hold.in_ns >= tx_ns);
        let hold = hold.with_context(|| format!("a reply to a probe of {tx_ns}, never seen"))?;
        ensure!(
            hold.out_ns <= rx_ns,
            "a reply received at {rx_ns}, sent at {}",
            hold.out_ns
        );
        samples.push(Sample {
            error_ns: rtt_ns - length_ns(hold),
            ways: Some(Ways {
                outward_ns: difference(hold.in_ns, tx_ns),
                return_ns: difference(rx_ns, hold.out_ns),
            }),
        });
    }
    Ok(samples)
}

fn length_ns(hold: &Hold) -> i64 {
    difference(hold.out_ns, hold.in_ns)
}

/// Both are stamps of one boot: their difference is far inside 63 bits.
fn difference(later_ns: u64, earlier_ns: u64) -> i64 {
    later_ns.wrapping_sub(earlier_ns).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(sequence: u16, in_ns: u64, out_ns: u64) -> Hold {
        Hold {
            in_ns,
            out_ns,
            target_low: [0; 8],
            identifier: 7,
            sequence,
            reserved: 0,
        }
    }

    fn stamped(tx_ns: u64, rx_ns: u64) -> Reading {
        Reading {
            mark: Mark::Stamps {
                target: [0; 8],
                tx_ns,
                rx_ns,
            },
            rtt_ns: difference(rx_ns, tx_ns),
        }
    }

    #[test]
    fn a_numbered_reply_finds_its_echo() {
        let holds = [hold(1, 100, 150), hold(2, 200, 290)];
        let reading = Reading {
            mark: Mark::Sequence(2),
            rtt_ns: 100,
        };
        let samples = pair(&[reading], &holds).unwrap();
        assert_eq!(samples[0].error_ns, 10);
        assert_eq!(samples[0].ways, None);
        let stray = Reading {
            mark: Mark::Sequence(3),
            rtt_ns: 100,
        };
        assert!(pair(&[stray], &holds).is_err());
    }

    #[test]
    fn stamped_replies_find_their_echoes_though_sent_in_a_burst_and_overtaking() {
        // Both were sent before the first arrived; the second came back first.
        let holds = [hold(0, 110, 190), hold(1, 120, 140)];
        let samples = pair(&[stamped(101, 145), stamped(100, 200)], &holds).unwrap();
        let errors: Vec<_> = samples.iter().map(|sample| sample.error_ns).collect();
        assert_eq!(errors, [20, 24]);
        let ways = Ways {
            outward_ns: 10,
            return_ns: 10,
        };
        assert_eq!(samples[0].ways, Some(ways));
    }

    #[test]
    fn a_reply_from_before_it_left_is_an_error() {
        assert!(pair(&[stamped(100, 140)], &[hold(0, 110, 150)]).is_err());
        assert!(pair(&[stamped(200, 240)], &[hold(0, 110, 150)]).is_err());
    }
}
