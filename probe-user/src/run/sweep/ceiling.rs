//! As fast as a sweep may become: what its caps say, whatever is asked for on the way.

use probe_common::adaptive::SHARED_TTLS;

use crate::engine::sweep::plan::{Probing, SweepPlan};

/// Probes a second that the rate never goes beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ceiling {
    pub(super) rate: u64,
    /// What bounds it, behind "as much as".
    pub(super) bound: &'static str,
}

impl Ceiling {
    /// The lowest of all caps: of the slots, of the link (if it tells its speed), and of
    /// the plan itself.
    pub(super) fn of(plan: &SweepPlan, of_slots: u64, of_link: Option<u64>) -> Self {
        let slots = Self::new(of_slots, "the slots allow");
        let others = [
            (of_link, "--max-share-of-link allows"),
            (of_hops(plan).map(|(most, _)| most), "--hop-rate allows"),
            (
                plan.anonymous_rate,
                "public addresses get without --contact",
            ),
        ];
        let others = others.into_iter();
        let others = others.filter_map(|(rate, bound)| Some(Self::new(rate?, bound)));
        others.fold(slots, |lowest, other| {
            if other.rate < lowest.rate {
                other
            } else {
                lowest
            }
        })
    }

    fn new(rate: u64, bound: &'static str) -> Self {
        let rate = rate.max(1);
        Self { rate, bound }
    }
}

/// Probes a second of all TTLs together, and of each, that spare the hops which all
/// targets share.
pub(super) fn of_hops(plan: &SweepPlan) -> Option<(u64, u64)> {
    // An adaptive sweep, which sends a few probes only to near hops, bounds each by itself.
    let shared = plan.space.first_ttl <= SHARED_TTLS && plan.probing == Probing::Full;
    let of_each = plan.hop_rate.filter(|_| shared)?;
    let of_all = of_each.saturating_mul(u64::from(plan.space.ttls));
    Some((of_all, of_each))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Request, parse};

    fn ceiling(line: &str, of_link: Option<u64>) -> Ceiling {
        let args = ["probe", "sweep"].into_iter();
        match parse(args.chain(line.split_whitespace())) {
            Ok(Request::Sweep(plan)) => Ceiling::of(&plan, 32_768, of_link),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_lowest_cap_holds_however_slow_the_sweep_begins() {
        for (line, of_link, rate, bound) in [
            ("--allow-private --ping 10.0.0.0/24", None, 32_768, "slots"),
            (
                "--allow-private --ping 10.0.0.0/24",
                Some(5_000),
                5_000,
                "--max-share-of-link",
            ),
            ("--ping 8.8.8.0/24", Some(50_000), 10_000, "--contact"),
            ("--ping --contact x 8.8.8.0/24", None, 32_768, "slots"),
            ("--ttl 1 8.8.8.0/24", None, 1_000, "--hop-rate"),
            ("--ttl 5 --contact x 8.8.8.0/24", None, 32_768, "slots"),
        ] {
            let found = ceiling(line, of_link);
            assert_eq!(found.rate, rate, "{line}");
            assert!(found.bound.contains(bound), "{line}: {}", found.bound);
        }
    }
}
