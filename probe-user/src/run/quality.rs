//! How good stamps are: where they were taken, how far the first can be from the
//! probe's departure, and how wrong stamps of userspace would have been.

use probe_common::abi::TxSource;
use serde::Serialize;

use crate::{
    engine::{stamp::RxHook, sweep::histogram::LogLinear},
    io::bpf::Attachment,
};

/// The queueing discipline that is none: frames go straight on to the driver.
const NO_QUEUE: &str = "noqueue";

/// The stamps of an interface.
#[derive(Debug, Serialize)]
pub(super) struct StampSource {
    interface: String,
    tx: &'static str,
    rx: &'static str,
    /// What makes the stamp of a probe earlier than its departure.
    tx_uncertainty: &'static str,
    /// For how long it does; absent: nobody knows how long a queue holds a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_uncertainty_ns: Option<Wait>,
    /// What probes pass behind their stamp; absent: they pass none.
    #[serde(skip_serializing_if = "Option::is_none")]
    qdisc: Option<String>,
    /// How much later than userspace the kernel stamped probes, and how much later than
    /// the kernel userspace saw replies: a round-trip time by stamps of userspace would
    /// be longer by both. Of all interfaces together.
    #[serde(skip_serializing_if = "Difference::is_empty")]
    user_minus_kernel_ns: Difference,
}

/// How long a frame waits behind its stamp for others, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Wait {
    pub(super) mean: u64,
    pub(super) max: u64,
}

/// Of both ways, as far as userspace has a stamp of its own.
#[derive(Clone, Copy, Debug, Serialize)]
struct Difference {
    /// Of probes whose slots were not given away again.
    #[serde(skip_serializing_if = "Option::is_none")]
    tx: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rx: Option<Percentiles>,
}

/// Known to 3 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Percentiles {
    count: u64,
    p1: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

/// What a run knows of its stamps.
#[derive(Debug)]
pub(super) enum Stamping {
    /// Probes are stamped by the egress program, before the qdisc.
    Sockets {
        /// From userspace's time to the kernel's, of probes.
        handovers: LogLinear,
        /// From the kernel's time to userspace's, of replies.
        readings: LogLinear,
    },
    /// By the generator, before the batch is flushed.
    Generator {
        /// For which the first of a batch waits.
        wait: Wait,
    },
}

impl Stamping {
    /// The stamps of an interface.
    pub(super) fn source(&self, attachment: &Attachment) -> StampSource {
        let interface = attachment.name.clone();
        let rx = RxHook::name(attachment.rx);
        match self {
            Self::Sockets {
                handovers,
                readings,
            } => {
                let queued = attachment.stacked || attachment.qdisc.as_deref() != Some(NO_QUEUE);
                StampSource {
                    interface,
                    tx: TxSource::Tcx.name(),
                    rx,
                    tx_uncertainty: if queued { "qdisc wait" } else { "none" },
                    tx_uncertainty_ns: (!queued).then_some(Wait { mean: 0, max: 0 }),
                    qdisc: attachment.qdisc.clone(),
                    user_minus_kernel_ns: Difference {
                        tx: Percentiles::of(handovers),
                        rx: Percentiles::of(readings),
                    },
                }
            }
            Self::Generator { wait } => StampSource {
                interface,
                tx: TxSource::Generator.name(),
                rx,
                tx_uncertainty: "batch wait",
                tx_uncertainty_ns: Some(*wait),
                qdisc: None,
                user_minus_kernel_ns: Difference { tx: None, rx: None },
            },
        }
    }
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.tx.is_none() && self.rx.is_none()
    }
}

impl Percentiles {
    /// `None` of nothing.
    fn of(values: &LogLinear) -> Option<Self> {
        let at = |share| values.quantile(share);
        Some(Self {
            count: values.total(),
            p1: at(0.01)?,
            p50: at(0.5)?,
            p90: at(0.9)?,
            p99: at(0.99)?,
            p999: at(0.999)?,
            max: at(1.0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stamping: &Stamping, qdisc: &str) -> serde_json::Value {
        let attachment = Attachment {
            ifindex: 2,
            name: "eth0".into(),
            qdisc: Some(qdisc.into()),
            stacked: false,
            sends: true,
            rx: RxHook::XdpNative,
            notice: None,
        };
        serde_json::to_value(stamping.source(&attachment)).unwrap()
    }

    #[test]
    fn a_queue_makes_the_stamp_of_a_probe_uncertain_by_nobody_knows_how_much() {
        let mut handovers = LogLinear::default();
        handovers.record(50_000);
        let sockets = Stamping::Sockets {
            handovers,
            readings: LogLinear::default(),
        };
        let queued = told(&sockets, "fq_codel");
        assert_eq!(queued["tx_uncertainty"], "qdisc wait");
        assert!(queued.get("tx_uncertainty_ns").is_none());
        let median = queued["user_minus_kernel_ns"]["tx"]["p50"]
            .as_u64()
            .unwrap();
        assert!(median.abs_diff(50_000) <= 1_500, "{median}");
        assert!(queued["user_minus_kernel_ns"].get("rx").is_none());
        assert_eq!(told(&sockets, NO_QUEUE)["tx_uncertainty_ns"]["max"], 0);
    }

    #[test]
    fn a_generators_stamp_is_uncertain_by_the_wait_for_its_batch() {
        let wait = Wait {
            mean: 300,
            max: 900,
        };
        let generator = told(&Stamping::Generator { wait }, "fq");
        assert_eq!(generator["tx_uncertainty_ns"]["mean"], 300);
        assert!(generator.get("qdisc").is_none());
        assert!(generator.get("user_minus_kernel_ns").is_none());
    }
}
