//! When a sweep ends before its plan: bounds and brakes that the user set.

use std::time::Duration;

use super::conduct::Sums;
use crate::engine::sweep::plan::Limits;

/// A share of answers says nothing before this.
const WARM_UP: Duration = Duration::from_secs(5);

/// Whether the sweep may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// Something is wrong.
    CutShort(String),
}

/// Whether its time is up, as planned.
pub(super) fn is_over(limits: &Limits, elapsed: Duration) -> bool {
    limits.runtime.is_some_and(|most| elapsed >= most)
}

/// Holds the sums against the limits.
pub(super) fn check(limits: &Limits, elapsed: Duration, sums: &Sums) -> Verdict {
    if let Some(most) = limits.send_failures
        && sums.refused > most
    {
        return Verdict::CutShort(format!(
            "{} probes could not be sent, more than --max-send-failures {most}; look at \"failed\" \
             and \"dropped_after_stamp\" in the metadata",
            sums.refused
        ));
    }
    let rate = sums.answered as f64 / sums.taken.max(1) as f64;
    match limits.response_rate {
        Some(least) if elapsed >= WARM_UP && sums.taken > 0 && rate < least => {
            Verdict::CutShort(format!(
                "{:.2} % of probes are answered, fewer than --min-response-rate asks for ({:.2} %)",
                rate * 100.0,
                least * 100.0
            ))
        }
        _ => Verdict::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMS: Sums = Sums {
        taken: 10_000,
        answered: 100,
        refused: 5,
        spared: 0,
        cursor: 0,
        slot_waits: 0,
        held: 0,
        shortfall: 0,
        waiting: 0,
        recorded: 0,
        taken_over: 0,
        durable: 0,
        ring_full: 0,
    };

    #[test]
    fn no_limit_ends_nothing() {
        let verdict = check(&Limits::default(), Duration::from_secs(1_000_000), &SUMS);
        assert_eq!(verdict, Verdict::GoOn);
    }

    #[test]
    fn too_few_answers_cut_it_short_but_not_at_once() {
        let limits = Limits {
            response_rate: Some(0.02),
            ..Limits::default()
        };
        assert_eq!(check(&limits, Duration::from_secs(4), &SUMS), Verdict::GoOn);
        let verdict = check(&limits, Duration::from_secs(5), &SUMS);
        assert!(matches!(verdict, Verdict::CutShort(line) if line.contains("1.00 %")));
    }

    #[test]
    fn failures_and_time_are_bounded() {
        let limits = Limits {
            send_failures: Some(4),
            ..Limits::default()
        };
        let verdict = check(&limits, Duration::ZERO, &SUMS);
        assert!(matches!(verdict, Verdict::CutShort(_)));
        let limits = Limits {
            runtime: Some(Duration::from_secs(10)),
            ..Limits::default()
        };
        assert!(is_over(&limits, Duration::from_secs(10)));
        assert!(!is_over(&limits, Duration::from_millis(9_999)));
    }
}
