//! When a sweep ends before its plan: bounds and brakes that the user set.

use std::time::Duration;

use super::conduct::Sums;
use crate::engine::sweep::plan::Limits;

/// A share of answers says nothing before this.
const WARM_UP: Duration = Duration::from_secs(5);

/// Whether its time is up, as planned.
pub(super) fn is_over(limits: &Limits, elapsed: Duration) -> bool {
    limits.runtime.is_some_and(|most| elapsed >= most)
}

/// A line if more probes could not be sent than may fail.
pub(super) fn failures(limits: &Limits, refused: u64) -> Option<String> {
    let most = limits.send_failures.filter(|most| refused > *most)?;
    Some(format!(
        "{refused} probes could not be sent, more than --max-send-failures {most}; look at \
         \"failed\" and \"dropped_after_stamp\" in the metadata"
    ))
}

/// A line if fewer probes are answered than the user asks for.
pub(super) fn silence(limits: &Limits, elapsed: Duration, sums: &Sums) -> Option<String> {
    let rate = sums.answered as f64 / sums.taken.max(1) as f64;
    let least = limits.response_rate.filter(|least| rate < *least)?;
    (elapsed >= WARM_UP && sums.taken > 0).then(|| {
        format!(
            "{:.2} % of probes are answered, fewer than --min-response-rate asks for ({:.2} %)",
            rate * 100.0,
            least * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums() -> Sums {
        Sums {
            taken: 10_000,
            answered: 100,
            ..Sums::default()
        }
    }

    #[test]
    fn no_limit_ends_nothing() {
        let none = Limits::default();
        let late = Duration::from_secs(1_000_000);
        assert!(!is_over(&none, late));
        assert_eq!(failures(&none, u64::MAX), None);
        assert_eq!(silence(&none, late, &sums()), None);
    }

    #[test]
    fn too_few_answers_cut_it_short_but_not_at_once() {
        let limits = Limits {
            response_rate: Some(0.02),
            ..Limits::default()
        };
        assert_eq!(silence(&limits, Duration::from_secs(4), &sums()), None);
        let line = silence(&limits, Duration::from_secs(5), &sums());
        assert!(line.is_some_and(|line| line.contains("1.00 %")));
    }

    #[test]
    fn failures_and_time_are_bounded() {
        let limits = Limits {
            send_failures: Some(4),
            runtime: Some(Duration::from_secs(10)),
            ..Limits::default()
        };
        assert_eq!(failures(&limits, 4), None);
        assert!(failures(&limits, 5).is_some_and(|line| line.contains("5 probes")));
        assert!(is_over(&limits, Duration::from_secs(10)));
        assert!(!is_over(&limits, Duration::from_millis(9_999)));
    }
}
