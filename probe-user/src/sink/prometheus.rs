//! Figures for Prometheus, in its text format: counters, and classic histograms of
//! round-trip times with nine linear steps a decade.

use std::io;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
    core::Collector,
};

use crate::engine::{report::Totals, stamp::Stamp};

/// Decades of seconds that have buckets: from a microsecond to ten seconds.
const DECADES: std::ops::Range<i32> = -6..1;

/// A counter's name, what it counts, and where it is found.
type Counted = (&'static str, &'static str, fn(&Totals) -> u64);

const COUNTERS: [Counted; 7] = [
    ("sent", "Probes handed to the kernel.", |t| t.sent),
    ("received", "Valid replies of targets.", |t| t.received),
    ("late", "Replies after the timeout.", |t| t.late),
    ("duplicate", "Replies to probes already answered.", |t| {
        t.duplicates
    }),
    ("unanswered", "Probes that nothing came back for.", |t| {
        t.unanswered
    }),
    ("never_sent", "Probes that never left this host.", |t| {
        t.never_sent
    }),
    ("lost_here", "Replies that were lost on this host.", |t| {
        t.by_us
    }),
];

/// Targets whose figures are added up: the values of the labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    /// The group that the file of targets names; may be empty.
    pub group: String,
    /// The address, where each target has figures of its own.
    pub target: Option<String>,
}

/// All series.
#[derive(Debug)]
pub struct Exposition {
    registry: Registry,
    rtt: HistogramVec,
    series: Vec<Series>,
}

/// Those of a group.
#[derive(Debug)]
struct Series {
    labels: Vec<String>,
    /// Stamps of different sources share no histogram.
    rtt: Vec<(Stamp, Histogram)>,
    counters: Vec<IntCounter>,
}

impl Exposition {
    /// Series of these groups, all with the same labels.
    ///
    /// # Errors
    /// If a name is refused, which none is.
    pub fn new(groups: &[Group]) -> prometheus::Result<Self> {
        let by_target = groups.iter().any(|group| group.target.is_some());
        let labels: &[&str] = if by_target {
            &["group", "target"]
        } else {
            &["group"]
        };
        let registry = Registry::new();
        let opts = HistogramOpts::new(
            "probe_ping_rtt_seconds",
            "Round-trip times of valid replies, by the stamps that they are taken from.",
        );
        let rtt_labels: Vec<_> = labels.iter().copied().chain(["stamp"]).collect();
        let rtt = HistogramVec::new(opts.buckets(bounds()), &rtt_labels)?;
        register(&registry, rtt.clone())?;
        let mut counters = Vec::new();
        for (name, help, _) in COUNTERS {
            let opts = Opts::new(format!("probe_ping_{name}_total"), help);
            let counter = IntCounterVec::new(opts, labels)?;
            register(&registry, counter.clone())?;
            counters.push(counter);
        }
        let series = groups.iter().map(|group| Series::new(group, &counters));
        Ok(Self {
            registry,
            rtt,
            series: series.collect::<prometheus::Result<_>>()?,
        })
    }

    /// A round-trip time of a group.
    pub fn observe(&mut self, group: usize, rtt_ns: u64, stamp: Stamp) {
        let Some(series) = self.series.get_mut(group) else {
            return;
        };
        let seconds = rtt_ns as f64 / 1e9;
        if let Some((_, histogram)) = series.rtt.iter().find(|(other, _)| *other == stamp) {
            return histogram.observe(seconds);
        }
        let name = stamp.to_string();
        let labels: Vec<&str> = series
            .labels
            .iter()
            .map(String::as_str)
            .chain([name.as_str()])
            .collect();
        if let Ok(histogram) = self.rtt.get_metric_with_label_values(&labels) {
            histogram.observe(seconds);
            series.rtt.push((stamp, histogram));
        }
    }

    /// All series, with the totals of each group.
    ///
    /// # Errors
    /// [`io::ErrorKind::Other`] if they cannot be encoded.
    pub fn text(&mut self, totals: &[Totals]) -> io::Result<String> {
        for (series, totals) in self.series.iter().zip(totals) {
            for (counter, (_, _, of)) in series.counters.iter().zip(COUNTERS) {
                // What is taken back waits until the counter has caught up.
                counter.inc_by(of(totals).saturating_sub(counter.get()));
            }
        }
        let families = self.registry.gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .map_err(io::Error::other)
    }
}

impl Series {
    fn new(group: &Group, counters: &[IntCounterVec]) -> prometheus::Result<Self> {
        let labels: Vec<String> = [group.group.clone()]
            .into_iter()
            .chain(group.target.clone())
            .collect();
        let values: Vec<&str> = labels.iter().map(String::as_str).collect();
        let counters = counters
            .iter()
            .map(|counter| counter.get_metric_with_label_values(&values))
            .collect::<prometheus::Result<_>>()?;
        Ok(Self {
            labels,
            rtt: Vec::new(),
            counters,
        })
    }
}

fn register(registry: &Registry, collector: impl Collector + 'static) -> prometheus::Result<()> {
    registry.register(Box::new(collector))
}

/// 1 to 9 of each decade, and the end of the last; seconds.
fn bounds() -> Vec<f64> {
    let steps = DECADES.flat_map(|decade| (1..10).map(move |step| (step, decade)));
    let steps = steps.chain([(1, DECADES.end)]);
    // As written in decimal: a product would print as 0.000007000000000000001.
    let bounds = steps.filter_map(|(step, decade)| format!("{step}e{decade}").parse().ok());
    bounds.collect()
}

#[cfg(test)]
mod tests {
    use probe_common::abi::TxSource;

    use super::*;
    use crate::engine::stamp::RxHook;

    const STAMP: Stamp = Stamp {
        tx: TxSource::Tcx,
        rx: RxHook::Tcx,
    };

    fn group(group: &str, target: Option<&str>) -> Group {
        Group {
            group: group.to_owned(),
            target: target.map(str::to_owned),
        }
    }

    fn totals(sent: u64, unanswered: u64) -> Totals {
        Totals {
            sent,
            unanswered,
            ..Totals::default()
        }
    }

    #[test]
    fn bounds_are_nine_a_decade() {
        let bounds = bounds();
        assert_eq!(bounds.len(), 64);
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((bounds[0], bounds[6], bounds[63]), (1e-6, 7e-6, 10.0));
    }

    #[test]
    fn groups_and_stamps_are_apart() {
        let mut exposition = Exposition::new(&[group("a", None), group("b", None)]).expect("names");
        let other = Stamp {
            rx: RxHook::XdpNative,
            ..STAMP
        };
        exposition.observe(0, 1_500, STAMP);
        exposition.observe(0, 1_500, STAMP);
        exposition.observe(0, 2_500, other);
        exposition.observe(1, 30_000_000_000, STAMP);
        let text = exposition
            .text(&[totals(7, 1), totals(9, 0)])
            .expect("text");
        for line in [
            "# TYPE probe_ping_rtt_seconds histogram",
            r#"probe_ping_rtt_seconds_bucket{group="a",stamp="tcx/tcx",le="0.000001"} 0"#,
            r#"probe_ping_rtt_seconds_bucket{group="a",stamp="tcx/tcx",le="0.000002"} 2"#,
            r#"probe_ping_rtt_seconds_count{group="a",stamp="tcx/xdp-native"} 1"#,
            r#"probe_ping_rtt_seconds_bucket{group="b",stamp="tcx/tcx",le="10"} 0"#,
            r#"probe_ping_rtt_seconds_bucket{group="b",stamp="tcx/tcx",le="+Inf"} 1"#,
            r#"probe_ping_sent_total{group="a"} 7"#,
            r#"probe_ping_sent_total{group="b"} 9"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn counters_never_go_back() {
        let mut exposition = Exposition::new(&[group("", Some("192.0.2.1"))]).expect("names");
        for (unanswered, shown) in [(3, 3), (2, 3), (5, 5)] {
            let text = exposition.text(&[totals(9, unanswered)]).expect("text");
            let line =
                format!(r#"probe_ping_unanswered_total{{group="",target="192.0.2.1"}} {shown}"#);
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
