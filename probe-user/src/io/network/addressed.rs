//! The devices that packets to this host may come in by.

use std::{collections::BTreeSet, io, net::IpAddr};

use rtnetlink::{
    Handle,
    packet_route::{
        RouteNetlinkMessage,
        address::{AddressAttribute, AddressMessage},
    },
};

use super::{Interface, RouteError, RouteResult, netlink::ask_for_all};

/// The devices that are up, have a carrier and hold an address of more than a link,
/// but for the loopback.
///
/// # Errors
///
/// If the kernel does not tell.
pub(super) async fn find(handle: &Handle) -> RouteResult<Vec<Interface>> {
    let mut holders = BTreeSet::new();
    let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let told = ask_for_all(handle, question, |message| {
        if let RouteNetlinkMessage::NewAddress(address) = message
            && address.attributes.iter().any(is_routed)
        {
            holders.insert(address.header.index);
        }
    });
    told.await.map_err(refusal)?;
    let mut interfaces = Interface::all(handle).await?;
    interfaces.retain(|interface| {
        let works = interface.up && interface.carrier && !interface.loopback;
        works && holders.contains(&interface.index)
    });
    Ok(interfaces)
}

/// Whether this is an address that others than neighbours can send to.
fn is_routed(attribute: &AddressAttribute) -> bool {
    match attribute {
        AddressAttribute::Address(IpAddr::V4(own)) | AddressAttribute::Local(IpAddr::V4(own)) => {
            !own.is_link_local()
        }
        AddressAttribute::Address(IpAddr::V6(own)) | AddressAttribute::Local(IpAddr::V6(own)) => {
            !own.is_unicast_link_local()
        }
        _ => false,
    }
}

fn refusal(error: io::Error) -> RouteError {
    RouteError::Netlink {
        subject: "all interfaces".to_owned(),
        request: "their addresses",
        error,
    }
}
