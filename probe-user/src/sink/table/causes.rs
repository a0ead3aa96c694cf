//! Why probes were lost, in words.

use std::time::Duration;

use crate::{
    engine::{
        cause::{LostHere, Ours, Unsent},
        report::{Causes, Host, Loss, RateLimit},
    },
    sink::text::{count, counted, decimal, time},
};

/// Causes that this host is, by the names of [`Causes`], and how people call them.
const WORDS: [(Ours, &str); 5] = [
    (Ours::Unsent(Unsent::SlotsBusy), "without a free slot"),
    (Ours::Unsent(Unsent::Vanished), "stopped before the device"),
    (
        Ours::Unsent(Unsent::DroppedAfterStamp),
        "dropped by the queue",
    ),
    (Ours::Lost(LostHere::RingFull), "behind a full ring"),
    (Ours::Lost(LostHere::Suspended), "while this host slept"),
];

/// How people call those that the network is.
const NETWORK: [(&str, &str); 5] = [
    (Causes::ICMP_ERROR, "refused by others"),
    (Causes::LATE, "late"),
    (Causes::RATE_LIMITED, "rate-limited"),
    (Causes::PATH, "on the path"),
    (Causes::SILENT, "to a silent target"),
];

/// Causes of loss that are not plain silence; of those that this host is, which.
pub(super) fn notes(loss: &Loss, causes: &Causes) -> Vec<String> {
    let here = |lost: bool| {
        let ours = causes.0.iter().filter(move |(name, _)| {
            let known = WORDS.iter().find(|(ours, _)| ours.name() == *name);
            let is_lost = known.is_some_and(|(ours, _)| matches!(ours, Ours::Lost(_)));
            is_lost == lost && !is_of_the_network(name)
        });
        ours.map(|(name, probes)| format!("{probes} {}", words(name)))
            .collect::<Vec<_>>()
    };
    [
        (loss.rate_limited, "rate-limited", Vec::new()),
        (loss.by_us, "lost on this host", here(true)),
        (loss.never_sent, "never sent", here(false)),
    ]
    .into_iter()
    .filter(|(probes, ..)| *probes > 0)
    .map(|(probes, cause, which)| {
        let text = counted(probes, cause, cause);
        match which.is_empty() {
            true => text,
            false => format!("{text}: {}", which.join(" and ")),
        }
    })
    .collect()
}

/// `lost: 12 on the path, 3 late, 2 dropped by the queue`; `None` where all was lost on the
/// path, as the ratio says already.
pub(super) fn line(causes: &Causes) -> Option<String> {
    if causes.0.iter().all(|(name, _)| *name == Causes::PATH) {
        return None;
    }
    let parts = causes.0.iter().rev();
    let parts: Vec<_> = parts
        .map(|(name, probes)| counted(*probes, words(name), words(name)))
        .collect();
    Some(format!("lost: {}", parts.join(", ")))
}

/// `meanwhile this host dropped 12 packets that came in, and slept for 3.2 s`
pub(super) fn host(host: &Host) -> String {
    let mut parts = Vec::new();
    for (packets, which) in [
        (host.rx_dropped, "that came in"),
        (host.tx_dropped, "that were to leave"),
    ] {
        if packets > 0 {
            let packets = counted(packets, "packet", "packets");
            parts.push(format!("dropped {packets} {which}"));
        }
    }
    if host.suspended_ns > 0 {
        let slept = Duration::from_millis(host.suspended_ns / 1_000_000);
        parts.push(format!("slept for {}", humantime::format_duration(slept)));
    }
    let may = match host.rx_dropped + host.tx_dropped {
        0 => "",
        _ => ": replies and probes may be among them",
    };
    format!("meanwhile this host {}{may}", parts.join(" and "))
}

/// `limit 1/s, burst 6`
pub(super) fn limit(limit: RateLimit) -> String {
    let rate = format!("limit {}/s", decimal(limit.per_second));
    let burst = limit.burst.map(|burst| format!(", burst {}", count(burst)));
    let slowed = limit.interval_ns;
    let slowed = slowed.map(|interval| format!(", probed every {}", time(interval)));
    format!(
        "{rate}{}{}",
        burst.unwrap_or_default(),
        slowed.unwrap_or_default()
    )
}

fn is_of_the_network(name: &str) -> bool {
    NETWORK.iter().any(|(known, _)| *known == name)
}

fn words(name: &'static str) -> &'static str {
    let ours = WORDS.iter().map(|(ours, words)| (ours.name(), *words));
    let mut known = ours.chain(NETWORK);
    known
        .find(|(known, _)| *known == name)
        .map_or(name, |(_, words)| words)
}
