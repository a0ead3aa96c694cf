//! What no Linux router sends: each probe is answered in another form, by a router
//! whose address says in which.

use std::{net::IpAddr, time::Duration};

use probe_common::Address;
use probe_tests::{
    lab::{Family, Lab},
    packet::{Extension, Ip, Quote, ethernet, icmp},
    probe::{Caught, Forger, Probe, Reply, Run},
};

use crate::{PROTOCOLS, RECEIVERS, clean_replies};

/// Between two looks whether a run has ended.
const A_WHILE: Duration = Duration::from_millis(20);

/// A probe that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long probes wait: longer than the answering thread may be held up.
const PATIENT: [&str; 2] = ["--timeout", "1500ms"];

/// What a form is to be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// A reply of this grade; whether it shows a NAT, where that is beyond question.
    Valid {
        grade: &'static str,
        nat: Option<bool>,
    },
    /// Counted under this name.
    Counted(&'static str),
    /// None of our business.
    Passed,
}

const A: Taken = Taken::Valid {
    grade: "A",
    nat: Some(false),
};
const A_NAT: Taken = Taken::Valid {
    grade: "A",
    nat: Some(true),
};
const B: Taken = Taken::Valid {
    grade: "B",
    nat: Some(true),
};
const A_CHANGED: Taken = Taken::Valid {
    grade: "A",
    nat: None,
};
const NO_INDEX: Taken = Taken::Counted("quote_truncated");
const BAD_DESTINATION: Taken = Taken::Counted("bad_destination");

/// Headers that may be before the transport (RFC 8200, section 4.1), one more than are
/// read.
const CHAIN: [fn(u8) -> Extension; 5] = [
    Extension::hop_by_hop,
    Extension::destination,
    Extension::routing,
    Extension::authentication,
    Extension::destination,
];

/// The frame that answers a probe, from the router of this address.
type Answer = dyn Fn(&Caught, IpAddr) -> Vec<u8>;

/// A way to answer.
struct Form {
    name: &'static str,
    taken: Taken,
    answer: Box<Answer>,
}

/// A protocol of a family, on which it depends what a form shows.
#[derive(Clone, Copy)]
struct Of {
    v6: bool,
    protocol: &'static str,
}

impl Of {
    /// What is taken of a quote of eight octets behind the IP header.
    fn short(self, taken: Taken) -> Taken {
        match (self.v6, self.protocol) {
            (true, "--icmp" | "--udp") => NO_INDEX,
            _ => taken,
        }
    }

    fn inside(self) -> Address {
        if self.v6 {
            Address::from_v6(std::net::Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 7).octets())
        } else {
            Address::from_v4([10, 77, 0, 7])
        }
    }
}

fn quoting(
    name: &'static str,
    taken: Taken,
    change: impl Fn(&Caught, Quote) -> Quote + 'static,
) -> Form {
    let answer = move |probe: &Caught, router| {
        let quote = change(probe, probe.quote());
        let packet = probe
            .header_from(router)
            .carrying(probe.time_exceeded(&quote));
        probe.back(&[], packet).unwrap()
    };
    Form {
        name,
        taken,
        answer: Box::new(answer),
    }
}

fn header(name: &'static str, taken: Taken, change: impl Fn(Ip) -> Ip + 'static) -> Form {
    let answer = move |probe: &Caught, router| {
        let ip = change(probe.header_from(router));
        let packet = ip.carrying(probe.time_exceeded(&probe.quote()));
        probe.back(&[], packet).unwrap()
    };
    Form {
        name,
        taken,
        answer: Box::new(answer),
    }
}

fn framed(name: &'static str, tags: &'static [u16], padding: usize) -> Form {
    let answer = move |probe: &Caught, router| {
        let quote = probe.quote();
        let packet = probe
            .header_from(router)
            .carrying(probe.time_exceeded(&quote));
        probe
            .back(tags, packet.followed_by(&vec![0xa5; padding]))
            .unwrap()
    };
    Form {
        name,
        taken: A,
        answer: Box::new(answer),
    }
}

/// How much is quoted.
fn lengths(of: Of) -> Vec<Form> {
    let behind =
        |octets| move |probe: &Caught, quote: Quote| quote.resized(probe.header_length() + octets);
    vec![
        quoting("whole", A, |_, quote| quote),
        quoting("8 octets", of.short(A), |_, quote| quote.keep(8)),
        quoting("8 octets, padded", of.short(A), |_, quote| {
            quote.keep(8).resized(128)
        }),
        quoting("7 octets", NO_INDEX, |_, quote| quote.keep(7)),
        quoting("128 octets", A, behind(128)),
        quoting("1280 octets", A, behind(1_280)),
    ]
}

/// What routers change, and what says nothing of who the probe was.
fn changes(of: Of) -> Vec<Form> {
    let place = match of.protocol {
        "--icmp" => 2,
        "--udp" => 6,
        _ => 16,
    };
    let mut forms = vec![
        quoting("TTL 0", A, |_, quote| quote.ttl(0)),
        quoting("TTL 250", A, |_, quote| quote.ttl(250)),
        quoting("TOS", A, |_, quote| quote.tos(0xb8)),
        quoting("transport checksum", A_CHANGED, move |_, quote| {
            quote.patched(place, &[0xbe, 0xef])
        }),
    ];
    if !of.v6 {
        let options = [7, 7, 4, 8, 0, 0, 2, 0];
        let short = match of.protocol {
            "--icmp" => Taken::Counted("bad_nonce"),
            "--udp" => Taken::Counted("foreign"),
            _ => A,
        };
        // Half of all slots away, where there never was a probe.
        let other = |probe: &Caught| probe.id() ^ 0x8000;
        forms.push(quoting("ID", A, move |probe, quote| quote.id(other(probe))));
        forms.push(quoting("ID, 8 octets", short, move |probe, quote| {
            quote.id(other(probe)).keep(8)
        }));
        forms.push(quoting("header checksum", A, |_, quote| {
            quote.header_sum(0xdead)
        }));
        forms.push(quoting("options", A, move |_, quote| {
            quote.options(&options)
        }));
    } else {
        let extended = |headers: &'static [fn(u8) -> Extension]| {
            move |_: &Caught, quote: Quote| {
                let put = |quote: Quote, header: &fn(u8) -> Extension| quote.extension(&header(1));
                headers.iter().rev().fold(quote, put)
            }
        };
        let [one, four, five] = [&CHAIN[..1], &CHAIN[..4], &CHAIN[..]];
        forms.push(quoting("extension header", A, extended(one)));
        forms.push(quoting("four extension headers", A, extended(four)));
        let many = Taken::Counted("extensions");
        forms.push(quoting("five extension headers", many, extended(five)));
    }
    forms
}

/// What clouds and NATs rewrite.
fn translations(of: Of) -> Vec<Form> {
    let inside = of.inside();
    let rewritten = move |quote: Quote| quote.summed_for(inside);
    let moved = if of.protocol == "--tcp" {
        BAD_DESTINATION
    } else {
        A_CHANGED
    };
    let explained = if of.protocol == "--udp" { B } else { A_NAT };
    vec![
        quoting("source", A_NAT, move |_, quote| quote.source(inside)),
        quoting("source, 8 octets", of.short(A_NAT), move |_, quote| {
            quote.source(inside).keep(8)
        }),
        quoting("source and checksum", A_NAT, move |_, quote| {
            rewritten(quote)
        }),
        quoting(
            "source and checksum, 8 octets",
            of.short(explained),
            move |_, quote| rewritten(quote).keep(8),
        ),
        quoting("destination", moved, move |_, quote| {
            quote.destination(inside)
        }),
        quoting(
            "destination, 8 octets",
            of.short(BAD_DESTINATION),
            move |_, quote| quote.destination(inside).keep(8),
        ),
    ]
}

/// What stands around the reply.
fn surroundings(of: Of) -> Vec<Form> {
    let extended = |extensions: Vec<Extension>| {
        move |ip: Ip| Ip {
            extensions: extensions.clone(),
            ..ip
        }
    };
    let mut forms = vec![
        framed("one tag", &[ethernet::VLAN], 0),
        framed("service tag", &[ethernet::SERVICE_VLAN], 0),
        framed("two tags", &[ethernet::SERVICE_VLAN, ethernet::VLAN], 0),
        framed("padding", &[], 18),
        framed("more padding", &[], 300),
    ];
    if of.v6 {
        let hop = Extension::hop_by_hop(0);
        let first = Extension::fragment(0, true);
        let later = Extension::fragment(8, false);
        forms.push(header("extension header", A, extended(vec![hop])));
        forms.push(header("first fragment", A, extended(vec![first])));
        forms.push(header(
            "later fragment",
            Taken::Passed,
            extended(vec![later]),
        ));
    } else {
        let fragment = |fragment| move |ip: Ip| Ip { fragment, ..ip };
        forms.push(header("options", A, |ip| Ip {
            options: vec![148, 4, 0, 0],
            ..ip
        }));
        forms.push(header("first fragment", A, fragment(0x2000)));
        forms.push(header("later fragment", Taken::Passed, fragment(0x0003)));
    }
    forms.push(labelled("labels", of, |_| {}));
    forms.push(labelled("broken labels", of, |octets| octets[9] ^= 1));
    forms
}

/// Labels behind the quote (RFC 4884, RFC 4950), and what became of them.
fn labelled(name: &'static str, of: Of, change: impl Fn(&mut [u8]) + 'static) -> Form {
    let answer = move |probe: &Caught, router| {
        let mut layers = probe.quote().resized(128).layers();
        let mut labels = icmp::mpls_extension(299_776, 1);
        change(&mut labels);
        layers.push(labels);
        let (kind, rest) = if of.v6 {
            (3, [16, 0, 0, 0])
        } else {
            (11, [0, 32, 0, 0])
        };
        let message = icmp::error(of.v6, kind, 0, rest, layers);
        let packet = probe.header_from(router).carrying(message);
        probe.back(&[], packet).unwrap()
    };
    Form {
        name,
        taken: A,
        answer: Box::new(answer),
    }
}

fn router(v6: bool, form: usize) -> IpAddr {
    let number = form as u8 + 1;
    if v6 {
        IpAddr::from([0xfd88, 0, 0, 0, 0, 0, 0, u16::from(number)])
    } else {
        IpAddr::from([10, 88, 0, number])
    }
}

/// A trace of one hop, whose probes are answered in turn by `forms`; how often each was
/// sent.
fn answered(lab: &Lab, forger: &Forger, of: Of, rx: &str, forms: &[Form]) -> (Run, Vec<u64>) {
    let family = if of.v6 { Family::V6 } else { Family::V4 };
    let rounds = forms.len().to_string();
    let one_hop = [
        "--max-ttl",
        "1",
        "--queries",
        "1",
        "--replies",
        "--rounds",
        &rounds,
    ];
    let probe = Probe::trace(lab.vantage()).args(one_hop).args(PATIENT);
    let probe = probe.args(["--interval", "5ms", "--rx", rx, of.protocol]);
    let target = lab.address(family, "target").unwrap();
    let mut running = probe.to(target).start().unwrap();
    let mut sent = vec![0; forms.len()];
    while !running.has_ended().unwrap() {
        let Some(probe) = forger.next_probe(A_WHILE).unwrap() else {
            continue;
        };
        let number = sent.iter().sum::<u64>() as usize % forms.len();
        forger.send_frame(&(forms[number].answer)(&probe, router(of.v6, number)));
        sent[number] += 1;
    }
    (running.wait().unwrap(), sent)
}

#[track_caller]
fn assert_taken(run: &Run, sent: &[u64], forms: &[Form], of: Of) {
    let counters = run.counters().unwrap();
    let replies = clean_replies(run);
    let mut expected = std::collections::BTreeMap::new();
    for (number, (form, sent)) in forms.iter().zip(sent).enumerate() {
        let router = router(of.v6, number);
        let heard: Vec<&Reply> = replies.iter().filter(|r| r.responder == router).collect();
        match form.taken {
            Taken::Valid { grade, nat } => {
                assert!(!heard.is_empty(), "{}: {counters:#?}", form.name);
                let right = |reply: &&Reply| {
                    reply.grade == grade && nat.is_none_or(|nat| reply.tells.nat == nat)
                };
                assert!(heard.iter().all(right), "{}: {heard:?}", form.name);
                *expected.entry("valid").or_insert(0) += sent;
            }
            taken => {
                assert!(heard.is_empty(), "{}: {heard:?}", form.name);
                if let Taken::Counted(reason) = taken {
                    *expected.entry(reason).or_insert(0) += sent;
                }
            }
        }
    }
    let malformed = |reason| counters.malformed.get(reason).copied().unwrap_or(0);
    let counted = [
        ("valid", counters.valid),
        ("quote_truncated", malformed("quote_truncated")),
        ("extensions", malformed("extensions")),
        ("bad_destination", counters.bad_destination),
        ("bad_nonce", counters.bad_nonce),
        ("foreign", counters.foreign),
    ];
    for (name, count) in counted {
        let expected = expected.get(name).copied().unwrap_or(0);
        assert_eq!(count, expected, "{name}: {counters:#?}");
    }
    // What is not right is in no round-trip time.
    let trace = run.trace().unwrap();
    let hop = &trace.hops[0];
    assert_eq!(hop.rtt_ns.unwrap().count, hop.received);
    let labels: Vec<_> = replies.iter().flat_map(|reply| &reply.mpls).collect();
    assert!(labels.iter().all(|label| label.label == 299_776) && !labels.is_empty());
    let times = |name| {
        forms
            .iter()
            .position(|form| form.name == name)
            .map(|at| sent[at])
    };
    let extensions = &run.metadata().unwrap().extensions;
    assert_eq!(Some(extensions.read), times("labels"));
    assert_eq!(
        extensions.unread.get("checksum").copied(),
        times("broken labels")
    );
    let unread: u64 = extensions.unread.values().sum();
    assert_eq!(Some(unread), times("broken labels"));
}

fn run_all(of: impl Fn(&'static str) -> Of) {
    for rx in RECEIVERS {
        for protocol in PROTOCOLS {
            let of = of(protocol);
            let lab = Lab::chain(0).build().unwrap();
            let forger = Forger::deafening(lab.target(), "vantage").unwrap();
            let mut forms = lengths(of);
            forms.extend(changes(of));
            forms.extend(translations(of));
            forms.extend(surroundings(of));
            let (run, sent) = answered(&lab, &forger, of, rx, &forms);
            println!("{protocol} {rx}: {sent:?}");
            assert_taken(&run, &sent, &forms, of);
        }
    }
}

#[test]
fn every_form_of_a_v4_quote_is_taken_for_what_it_is() {
    run_all(|protocol| Of {
        v6: false,
        protocol,
    });
}

#[test]
fn every_form_of_a_v6_quote_is_taken_for_what_it_is() {
    run_all(|protocol| Of { v6: true, protocol });
}

/// Probes are too small for any link, and have nothing that a router could complain of.
#[test]
fn errors_that_no_router_of_the_lab_sends() {
    for family in Family::ALL {
        let v6 = family == Family::V6;
        for protocol in PROTOCOLS {
            let lab = Lab::chain(0).build().unwrap();
            let forger = Forger::deafening(lab.target(), "vantage").unwrap();
            let target = lab.address(family, "target").unwrap();
            let probe = Probe::sweep(lab.vantage()).args(["--ttl", "1", "--probes", "2", protocol]);
            let running = probe.args(PATIENT).to(target).start().unwrap();
            let errors = if v6 {
                [(2, 0, [0, 0, 5, 0]), (4, 0, [0, 0, 0, 6])]
            } else {
                [(3, 4, [0, 0, 5, 0]), (12, 0, [8, 0, 0, 0])]
            };
            for (kind, code, rest) in errors {
                let probe = forger.next_probe(PATIENCE).unwrap().unwrap();
                let message = icmp::error(v6, kind, code, rest, probe.quote().layers());
                let packet = probe.header_from(router(v6, 0)).carrying(message);
                forger.send_frame(&probe.back(&[], packet).unwrap());
            }
            let run = running.wait().unwrap();
            let replies = clean_replies(&run);
            assert!(replies.iter().all(|reply| reply.grade == "A"));
            let mut kinds: Vec<_> = replies.iter().map(|reply| reply.kind.as_str()).collect();
            kinds.sort_unstable();
            let too_big = if v6 { "packet-too-big" } else { "unreachable" };
            let mut expected = [too_big, "parameter-problem"];
            expected.sort_unstable();
            assert_eq!(kinds, expected, "{family} {protocol}: {}", run.stderr);
        }
    }
}
