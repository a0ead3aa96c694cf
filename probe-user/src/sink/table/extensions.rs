//! What a router said behind its quotes, in the manner of traceroute(8).

use probe_common::wire::extension::Role;

use crate::{
    engine::report::{Interface, Interfaces, MplsLabel, Responder},
    sink::text::printable,
};

/// `<MPLS:L=299776,E=0,S=1,T=1>`, an entry after another; `<incoming:ge-0/0/0 #7>`.
pub(super) fn notes(responder: &Responder) -> Vec<String> {
    let mut notes = Vec::new();
    if !responder.mpls.is_empty() {
        let entries: Vec<_> = responder.mpls.iter().map(entry).collect();
        notes.push(format!("<MPLS:{}>", entries.join("/")));
    }
    notes.extend(responder.interface.iter().flat_map(interfaces));
    notes
}

fn entry(entry: &MplsLabel) -> String {
    let MplsLabel { label, tc, s, ttl } = *entry;
    format!("L={label},E={tc},S={},T={ttl}", u8::from(s))
}

fn interfaces(interfaces: &Interfaces) -> Vec<String> {
    let named = [
        (Role::Incoming, &interfaces.incoming),
        (Role::SubIp, &interfaces.sub_ip),
        (Role::Outgoing, &interfaces.outgoing),
        (Role::NextHop, &interfaces.next_hop),
    ];
    let said = named
        .into_iter()
        .filter_map(|(role, said)| Some((role, said.as_ref()?)));
    said.map(|(role, said)| format!("<{}:{}>", role.name(), parts(said).join(" ")))
        .collect()
}

fn parts(interface: &Interface) -> Vec<String> {
    let name = interface.name.as_deref().map(printable);
    let address = interface.address.map(|address| address.to_string());
    let index = interface.index.map(|index| format!("#{index}"));
    let mtu = interface.mtu.map(|mtu| format!("mtu {mtu}"));
    [name, address, index, mtu].into_iter().flatten().collect()
}
