//! What is read of the corpus's extensions, form by form.

use probe_common::{
    Address,
    abi::Hook,
    wire::extension::{Extensions, Flaw, Role},
};
use probe_tests::{
    corpus::THEMES,
    reference::{self, Arrival, Link},
    scene::{CONFIG, Sent},
};

const NOW_NS: u64 = 100_000_000_000;

/// What is read of a packet: `None`, if nothing is copied of it.
fn read(packet: &[u8]) -> Option<Result<Extensions, Flaw>> {
    let slot = reference::named_slot(packet, Link::Ethernet, &CONFIG)?;
    let sent = Sent::all().find(|sent| sent.slot() == slot)?;
    let arrival = Arrival {
        link: Link::Ethernet,
        hook: Hook::Xdp,
        ifindex: 1,
        rx_ns: NOW_NS,
    };
    let record = Some(sent.record(NOW_NS));
    let excerpt = reference::receive(packet, arrival, &CONFIG, record).excerpt?;
    Some(excerpt.read())
}

fn has_label(extensions: &Extensions) -> bool {
    let labels = extensions.labels().iter();
    let fields = labels.map(|entry| (entry.label(), entry.is_bottom(), entry.ttl()));
    fields.eq([(299_776, true, 1)])
}

fn has_interface(extensions: &Extensions) -> bool {
    let Some(incoming) = extensions.interface(Role::Incoming) else {
        return false;
    };
    incoming.index == Some(7)
        && incoming.address == Some(Address::from_v4([192, 0, 2, 1]))
        && incoming.name.is_some_and(|name| name.octets() == b"xe-0/0")
        && incoming.mtu == Some(1_500)
}

#[test]
fn each_form_is_read_from_each_probes_quote() {
    let quotes = THEMES.iter().find(|theme| theme.name == "quotes").unwrap();
    let mut seen = 0;
    for case in quotes.read().unwrap() {
        let sample = case.samples().pop().unwrap();
        let found = read(sample.octets);
        let name = sample.name;
        let Some((_, form)) = name.split_once("-extended") else {
            if name.ends_with("padded-to-128") {
                assert_eq!(found, None, "{name}");
            }
            continue;
        };
        seen += 1;
        let [label, interface] = [has_label, has_interface].map(|has| {
            let read = found.as_ref().and_then(|found| found.as_ref().ok());
            read.is_some_and(has)
        });
        match form {
            "" | "-older" => assert!(label && !interface, "{name}: {found:?}"),
            "-interface" => assert!(interface && !label, "{name}: {found:?}"),
            "-both" => assert!(label && interface, "{name}: {found:?}"),
            "-broken" => assert_eq!(found, Some(Err(Flaw::Checksum)), "{name}"),
            "-long" => assert_eq!(found, Some(Err(Flaw::Length)), "{name}"),
            // Where no rule puts it.
            "-not-stated" => assert_eq!(found, None, "{name}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(seen, 7 * 6);
}
