//! The corpus is what its themes make, and each packet gets the verdict that its
//! line says.

use probe_common::abi::{Counter, Hook};
use probe_tests::{
    corpus::{Direction, PASS, THEMES},
    reference::{self, Arrival, Link},
    scene::{CONFIG, Sent},
};

/// Packets there must be at least, not counting ways to cut one.
const LEAST: usize = 200;

#[test]
fn the_committed_corpus_is_what_its_themes_make() {
    for theme in THEMES {
        let made = theme.text();
        if std::env::var_os("PROBE_BLESS").is_some() {
            std::fs::write(theme.path(), &made).unwrap();
        }
        let committed = std::fs::read_to_string(theme.path()).unwrap();
        let mut lines = made.lines().zip(committed.lines()).enumerate();
        if let Some((number, (made, committed))) = lines.find(|(_, (a, b))| a != b) {
            panic!(
                "{}.hex:{}:\n committed {committed}\n made      {made}",
                theme.name,
                number + 1
            );
        }
        assert_eq!(
            made.lines().count(),
            committed.lines().count(),
            "{}",
            theme.name
        );
    }
}

#[test]
fn no_two_packets_of_a_theme_have_one_name() {
    let mut whole = 0;
    for theme in THEMES {
        let cases = theme.read().unwrap();
        let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len(), "{}", theme.name);
        whole += cases.len();
    }
    assert!(whole >= LEAST, "{whole}");
}

#[test]
fn every_packet_gets_the_verdict_of_its_line() {
    let now_ns = 100_000_000_000;
    let mut wrong = Vec::new();
    for theme in THEMES {
        for case in theme.read().unwrap() {
            for sample in case.samples() {
                let verdict = match theme.direction {
                    Direction::Received => received(sample.octets, now_ns),
                    Direction::Sent => sent(sample.octets, now_ns),
                };
                let verdict = verdict.map_or(PASS, Counter::name);
                if verdict != sample.verdict {
                    let (name, length) = (sample.name, sample.octets.len());
                    let theme = theme.name;
                    let expected = sample.verdict;
                    wrong.push(format!(
                        "{theme}/{name}, {length} octets: {verdict}, not {expected}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

fn record(index: u32, now_ns: u64) -> probe_common::slot::Record {
    let sent = Sent::all().find(|sent| sent.slot() == index);
    sent.map_or_else(bytemuck::Zeroable::zeroed, |sent| sent.record(now_ns))
}

fn received(packet: &[u8], now_ns: u64) -> Option<Counter> {
    let slot = reference::named_slot(packet, Link::Ethernet, &CONFIG);
    let arrival = Arrival {
        link: Link::Ethernet,
        hook: Hook::Xdp,
        ifindex: 1,
        rx_ns: now_ns,
    };
    let slot = slot.map(|index| record(index, now_ns));
    reference::receive(packet, arrival, &CONFIG, slot).verdict()
}

fn sent(packet: &[u8], now_ns: u64) -> Option<Counter> {
    let slot = reference::stamped_slot(packet, Link::Ethernet, &CONFIG);
    let slot = slot.map(|index| record(index, now_ns));
    reference::stamp(packet, Link::Ethernet, &CONFIG, slot).verdict()
}
