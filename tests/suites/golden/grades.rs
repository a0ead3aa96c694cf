//! Of the corpus: which replies are of grade B, and which show a NAT.

use probe_common::abi::{Flags, Grade, Hook};
use probe_tests::{
    corpus::{Direction, THEMES},
    reference::{self, Arrival, Link},
    scene::{CONFIG, Sent},
};

const NOW_NS: u64 = 100_000_000_000;

/// The flags of a packet's event, if it answers a probe of the scene.
fn flags(packet: &[u8]) -> Option<Flags> {
    let index = reference::named_slot(packet, Link::Ethernet, &CONFIG)?;
    let sent = Sent::all().find(|sent| sent.slot() == index)?;
    let arrival = Arrival {
        link: Link::Ethernet,
        hook: Hook::Xdp,
        ifindex: 1,
        rx_ns: NOW_NS,
    };
    let record = sent.record(NOW_NS);
    let outcomes = reference::receive(packet, arrival, &CONFIG, Some(record));
    Some(Flags(outcomes.event?.flags))
}

/// Names of the valid packets whose flags are such.
fn names(is_such: impl Fn(Flags) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    for theme in THEMES {
        if theme.direction != Direction::Received {
            continue;
        }
        for case in theme.read().expect("a file of the corpus") {
            for sample in case.samples() {
                if sample.verdict == "valid" && is_such(flags(sample.octets).expect("an answer")) {
                    names.push(format!("{}/{}", theme.name, sample.name));
                }
            }
        }
    }
    names
}

/// A short quote of UDP whose checksum a NAT mended: nothing else that is right needs an
/// explanation.
#[test]
fn only_a_checksum_that_a_nat_explains_is_of_grade_b() {
    let expected = [
        "quotes/udp-v4-source-and-sum-eight",
        "quotes/udp-v4-zero-narrow-translated",
    ];
    assert_eq!(names(|flags| flags.grade() == Grade::B), expected);
}

#[test]
fn a_nat_is_seen_where_the_source_is_another_and_not_where_nothing_is() {
    let seen = names(Flags::nat);
    let marks = ["-source-", "-zero-narrow-translated"];
    let told = names(|_| true);
    let mut told = told
        .iter()
        .filter(|name| marks.iter().any(|mark| name.contains(mark)));
    assert!(told.all(|name| seen.contains(name)), "{seen:?}");
    let untouched = ["-whole", "-v4-eight", "-v4-seven", "-transport-of-128"];
    let mut untouched = seen
        .iter()
        .filter(|name| untouched.iter().any(|end| name.ends_with(end)));
    assert_eq!(untouched.next(), None);
}
